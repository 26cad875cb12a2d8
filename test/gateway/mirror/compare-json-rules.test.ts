import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { compareJson } from '../../../gateway/mirror/compare-json.ts';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import { type Json, parseJson } from '../../../gateway/mirror/json.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { documents, write } from '../../helpers/json-documents.ts';
import { type Mutation, mutations } from './mutations.ts';

function compare(legacy: Json, fresh: Json, config: CompareConfig = aCompareConfig()): readonly Difference[] {
  return compareJson(legacy, fresh, compileRules(config, { today: '2026-01-05', statusClass: 2 }).root);
}
/** The same for texts. */
const differencesOf = (legacy: string, fresh: string, config?: CompareConfig) =>
  compare(parseJson(legacy), parseJson(fresh), config);
const brief = (differences: readonly Difference[]) => differences.map(({ kind, path }) => `${kind} ${path}`);
const found = (legacy: string, fresh: string, config?: CompareConfig) => brief(differencesOf(legacy, fresh, config));

describe('ignore', () => {
  const ignoring = (...paths: string[]) => aCompareConfig({ ignore: paths.map((path) => ({ path, ...REVIEWED })) });
  const rulesOf = (differences: readonly Difference[]) => differences.map(({ path, rule }) => [path, rule]);

  test('a difference under a rule, then it is still found, and names the rule', () => {
    const legacy = '{"t":1,"debug":{"a":1},"x":1}';
    const fresh = '{"t":2,"debug":{"a":2},"x":2}';
    assert.deepEqual(rulesOf(differencesOf(legacy, fresh, ignoring('$.t', '$.debug'))), [
      ['$.t', '$.t'],
      ['$.debug.a', '$.debug'],
      ['$.x', undefined],
    ]);
  });

  test('missing and extra under a rule, then under the rule too', () => {
    assert.deepEqual(rulesOf(differencesOf('{"a":1}', '{"b":1}', ignoring('$.a', '$..b'))), [
      ['$.a', '$.a'],
      ['$.b', '$..b'],
    ]);
  });

  test('members in another order that differ in an ignored field as well, then only the order counts', () => {
    const rows = (...rows: readonly (readonly [number, number])[]) =>
      JSON.stringify(rows.map(([id, t]) => ({ id, t })));
    const config = ignoring('$[*].t');
    assert.deepEqual(rulesOf(differencesOf(rows([1, 5], [2, 6]), rows([1, 7], [2, 8]), config)), [
      ['$[*].t', '$[*].t'],
      ['$[*].t', '$[*].t'],
    ]);
    assert.deepEqual(found(rows([1, 5], [2, 6]), rows([2, 7], [1, 8]), config), ['order $']);
  });

  test('any mutation and a rule for its path, then nothing is left without a rule', () => {
    fc.assert(
      fc.property(documents, fc.nat(), (document, choice) => {
        const possible = mutations(document);
        fc.pre(possible.length > 0);
        const { mutated, path } = possible[choice % possible.length] as Mutation;
        const ignored = compare(document, mutated, ignoring(path));
        assert.deepEqual(new Set(ignored.map(({ rule }) => rule)), new Set([path]));
        assert.deepEqual(rulesOf(compare(document, mutated, ignoring('$.nowhere.at.all'))), [[path, undefined]]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('normalise', () => {
  const numbers = aCompareConfig({ normalise: [{ path: '$..n', as: 'number', ...REVIEWED }] });
  const times = aCompareConfig({ normalise: [{ path: '$..t', as: 'timestamp', ...REVIEWED }] });

  const equal: readonly (readonly [legacy: string, fresh: string, config: CompareConfig])[] = [
    ['{"n":1.0}', '{"n":"1"}', numbers],
    ['{"n":65000.25}', '{"n":"65000.250"}', numbers],
    ['{"n":1e3}', '{"n":1000}', numbers],
    ['{"n":0.1}', '{"n":"0.1000000000000000000000"}', numbers],
    ['{"n":-0.0}', '{"n":"0"}', numbers],
    ['{"n":null}', '{"n":null}', numbers],
    ['{"t":"2026-01-05T10:00:00.123000+00:00"}', '{"t":"2026-01-05T10:00:00.123Z"}', times],
    ['{"t":1767607200}', '{"t":"2026-01-05T10:00:00Z"}', times],
    ['{"t":"1767607200123"}', '{"t":"2026-01-05T10:00:00.123Z"}', times],
    ['{"t":1767607200.5}', '{"t":1767607200500000}', times],
    ['{"t":"Mon, 05 Jan 2026 10:00:00 GMT"}', '{"t":1767607200000000000}', times],
  ];
  for (const [legacy, fresh, config] of equal) {
    test(`${legacy} is ${fresh}`, () => assert.deepEqual(found(legacy, fresh, config), []));
  }

  const different: readonly (readonly [legacy: string, fresh: string, config: CompareConfig, found: string])[] = [
    ['{"n":1.0}', '{"n":"1.01"}', numbers, 'changed $.n'],
    ['{"n":9007199254740993}', '{"n":9007199254740992}', numbers, 'changed $.n'],
    ['{"n":null}', '{"n":"0"}', numbers, 'type $.n'],
    ['{"n":""}', '{"n":"0"}', numbers, 'changed $.n'],
    ['{"n":"abc"}', '{"n":"abd"}', numbers, 'changed $.n'],
    ['{"m":1.0}', '{"m":"1"}', numbers, 'type $.m'],
    ['{"t":"2026-01-05T10:00:00Z"}', '{"t":"2026-01-05T10:00:00.001Z"}', times, 'changed $.t'],
    ['{"t":1767607201}', '{"t":"2026-01-05T10:00:00Z"}', times, 'changed $.t'],
    ['{"t":"yesterday"}', '{"t":"today"}', times, 'changed $.t'],
  ];
  for (const [legacy, fresh, config, difference] of different) {
    test(`${legacy} is not ${fresh}`, () => assert.deepEqual(found(legacy, fresh, config), [difference]));
  }

  test('members in another order and another spelling, then only the order counts', () => {
    assert.deepEqual(found('[{"n":1.0},{"n":2.0}]', '[{"n":"2"},{"n":"1"}]', numbers), ['order $']);
  });
});

describe('arrays by a key', () => {
  const keyed = aCompareConfig({
    arrays: [{ path: '$.o', key: 'id', ...REVIEWED }],
    ignore: [{ path: '$.o[*].t', ...REVIEWED }],
    critical: ['$.o[*].p'],
  });
  const both = aCompareConfig({ arrays: [{ path: '$.o', key: 'id', unordered: true, ...REVIEWED }] });

  test('a member more, a member less, a member changed, then each as what it is', () => {
    const legacy = '{"o":[{"id":"a","p":1},{"id":"b","p":1},{"id":"c","p":1}]}';
    const fresh = '{"o":[{"id":"b","p":2},{"id":"c","p":1},{"id":"d","p":1}]}';
    assert.deepEqual(found(legacy, fresh, keyed), ['changed $.o[?id].p', 'missing $.o[?id]', 'extra $.o[?id]']);
    assert.deepEqual(
      differencesOf(legacy, fresh, keyed).map(({ critical }) => critical),
      [true, true, true],
    );
  });

  test('another order, then that, unless it does not matter', () => {
    const [legacy, fresh] = ['{"o":[{"id":1},{"id":2}]}', '{"o":[{"id":2},{"id":1}]}'] as const;
    assert.deepEqual(found(legacy, fresh, keyed), ['order $.o']);
    assert.deepEqual(found(legacy, fresh, both), []);
  });

  test('a member more at the front, then the rest is not out of order', () => {
    assert.deepEqual(found('{"o":[{"id":1},{"id":2}]}', '{"o":[{"id":0},{"id":1},{"id":2}]}', keyed), [
      'extra $.o[?id]',
    ]);
  });

  test('a rule for any member, then it holds for keyed ones', () => {
    assert.equal(differencesOf('{"o":[{"id":1,"t":1}]}', '{"o":[{"id":1,"t":2}]}', keyed)[0]?.rule, '$.o[*].t');
  });

  test('a number on one side and its text on the other, then paired, and the type is the difference', () => {
    assert.deepEqual(found('{"o":[{"id":7}]}', '{"o":[{"id":"7"}]}', keyed), ['type $.o[?id].id']);
  });

  test('a key that is normalised, then its spellings are one', () => {
    const config = aCompareConfig({
      arrays: [{ path: '$', key: 'id', ...REVIEWED }],
      normalise: [{ path: '$[*].id', as: 'number', ...REVIEWED }],
    });
    assert.deepEqual(found('[{"id":7.0},{"id":8.0}]', '[{"id":"7"},{"id":"8"}]', config), []);
    assert.deepEqual(found('[{"id":7.0,"x":1}]', '[{"id":7,"x":2}]', config), ['changed $[?id].x']);
  });

  test('members without the field, then among themselves, in their order', () => {
    assert.deepEqual(found('{"o":[{"id":1},{"x":1}]}', '{"o":[{"id":1},{"x":2}]}', keyed), ['changed $.o[?id].x']);
    assert.deepEqual(found('{"o":[{"x":1},{"id":1}]}', '{"o":[{"id":0},{"x":1},{"id":1}]}', keyed), ['extra $.o[?id]']);
    assert.deepEqual(found('{"o":[{"x":1},{"id":1}]}', '{"o":[{"id":1}]}', keyed), ['missing $.o[?id]']);
  });

  test('several with one key, then the first with the first; without order, those that are the same', () => {
    const [legacy, fresh] = ['{"o":[{"id":1},{"id":1,"x":1}]}', '{"o":[{"id":1},{"id":1,"x":2}]}'] as const;
    assert.deepEqual(found(legacy, fresh, keyed), ['changed $.o[?id].x']);
    const [moved, one] = ['{"o":[{"id":1,"x":1},{"id":1,"x":2}]}', '{"o":[{"id":1,"x":2},{"id":1,"x":1}]}'] as const;
    assert.deepEqual(found(moved, one, keyed), ['changed $.o[?id].x', 'changed $.o[?id].x']);
    assert.deepEqual(found(moved, one, both), []);
    assert.deepEqual(found(moved, '{"o":[{"id":1,"x":2}]}', both), ['missing $.o[?id]']);
  });

  test('lists as members, then by an index: the levels of an order book', () => {
    const book = aCompareConfig({ arrays: [{ path: '$.bids', key: '0', ...REVIEWED }] });
    const levels = (...rows: readonly (readonly string[])[]) => JSON.stringify({ bids: rows });
    const [a, b, c] = [
      ['65000.1', '1'],
      ['65000.0', '2'],
      ['64999.9', '3'],
    ] as const;
    assert.deepEqual(found(levels(a, b, c), levels(a, b, c), book), []);
    assert.deepEqual(found(levels(a, b), levels(['65000.2', '9'], a, b), book), ['extra $.bids[?0]']);
    assert.deepEqual(found(levels(a, b), levels(a, ['65000.0', '7']), book), ['changed $.bids[?0][*]']);
  });

  for (const [why, legacy, fresh, expected] of [
    ['a key that is no text', '{"o":[{"id":{},"x":1}]}', '{"o":[{"id":{},"x":2}]}', 'changed $.o[*].x'],
    ['members that are no objects', '{"o":[1,2]}', '{"o":[1,3]}', 'changed $.o[*]'],
  ] as const) {
    test(`${why}, then none has it, and by position`, () => assert.deepEqual(found(legacy, fresh, keyed), [expected]));
  }
});

describe('arrays without order', () => {
  const unordered = (...paths: string[]) =>
    aCompareConfig({
      arrays: paths.map((path) => ({ path, unordered: true as const, ...REVIEWED })),
      normalise: [{ path: '$..n', as: 'number', ...REVIEWED }],
      ignore: [{ path: '$..t', ...REVIEWED }],
    });

  const equal: readonly (readonly [legacy: string, fresh: string, paths: readonly string[]])[] = [
    ['[1,2,2]', '[2,1,2]', ['$']],
    ['[{"a":1,"b":2},{"a":3}]', '[{"a":3},{"b":2,"a":1}]', ['$']],
    ['[{"n":1.0},{"n":"2"}]', '[{"n":2},{"n":"1"}]', ['$']],
    ['[[1,2],[3,4]]', '[[4,3],[2,1]]', ['$', '$[*]']],
    ['{"a":[{"b":[1,2]},{"b":[3]}]}', '{"a":[{"b":[3]},{"b":[2,1]}]}', ['$.a', '$.a[*].b']],
    ['[{"a":1,"t":1},{"a":2,"t":2}]', '[{"a":2,"t":3},{"a":1,"t":4}]', ['$']],
  ];
  for (const [legacy, fresh, paths] of equal) {
    test(`${legacy} and ${fresh} hold the same`, () => assert.deepEqual(found(legacy, fresh, unordered(...paths)), []));
  }

  test('an inner order that matters, then members are not the same', () => {
    assert.deepEqual(found('[[1,2],[3,4]]', '[[4,3],[2,1]]', unordered('$')).length > 0, true);
    assert.deepEqual(found('[[1,2],[3,4]]', '[[2,1],[4,3]]', unordered('$')), ['order $[*]', 'order $[*]']);
  });

  test('as often here as there is part of it', () => {
    assert.deepEqual(found('[1,1,2]', '[1,2,2]', unordered('$')), ['changed $[*]']);
    assert.deepEqual(found('[1,2]', '[1,2,2]', unordered('$')), ['length $']);
  });

  test('any array shuffled, then no difference under the rule and only the order without it', () => {
    fc.assert(
      fc.property(fc.array(documents, { minLength: 2, maxLength: 6 }), fc.integer(), (items, seed) => {
        const shuffled = items.map((item, i) => ({ item, at: Math.sin(seed + i) })).sort((a, b) => a.at - b.at);
        const fresh = shuffled.map(({ item }) => item);
        assert.deepEqual(
          compare(items, fresh, aCompareConfig({ arrays: [{ path: '$', unordered: true, ...REVIEWED }] })),
          [],
        );
        const isMoved = items.some((item, i) => write(item) !== write(fresh[i] ?? null));
        assert.deepEqual(brief(compare(items, fresh)), isMoved ? ['order $'] : []);
      }),
    );
  });
});

describe('critical', () => {
  const config = aCompareConfig({ critical: ['$.order.price', '$.list[*].quantity'] });
  const critical = (legacy: string, fresh: string) =>
    differencesOf(legacy, fresh, config).map(({ path, kind, critical }) => `${kind} ${path} ${critical}`);

  test('the field itself, then critical; its neighbour, then not', () => {
    assert.deepEqual(critical('{"order":{"price":1,"fee":1}}', '{"order":{"price":2,"fee":2}}'), [
      'changed $.order.price true',
      'changed $.order.fee false',
    ]);
  });

  test('the field goes with what holds it, then that is critical', () => {
    assert.deepEqual(critical('{"order":{"price":1}}', '{}'), ['missing $.order true']);
    assert.deepEqual(critical('{}', '{"order":{"price":1}}'), ['extra $.order true']);
    assert.deepEqual(critical('{"order":{"price":1}}', '{"order":null}'), ['type $.order true']);
    assert.deepEqual(critical('{"list":[{"quantity":1}]}', '{"list":[]}'), ['length $.list true']);
    assert.deepEqual(critical('{"order":{"price":1}}', '[]'), ['type $ true']);
  });

  test('the members only stand in another order, then not critical', () => {
    const [a, b] = ['{"list":[{"quantity":1},{"quantity":2}]}', '{"list":[{"quantity":2},{"quantity":1}]}'] as const;
    assert.deepEqual(critical(a, b), ['order $.list false']);
  });
});
