import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { compareJson } from '../../../gateway/mirror/compare-json.ts';
import { DIFFERENCES_MAX, type Difference } from '../../../gateway/mirror/difference.ts';
import { type Json, parseJson } from '../../../gateway/mirror/json.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { documents, writeAnyhow } from '../../helpers/json-documents.ts';
import { type Mutation, mutations } from './mutations.ts';
import { compareSlowly } from './slow-comparer.ts';

const NO_RULES = aCompareConfig();

function compare(legacy: Json, fresh: Json, config: CompareConfig = NO_RULES): readonly Difference[] {
  return compareJson(legacy, fresh, compileRules(config, { today: '2026-01-05', statusClass: 2 }).root);
}
/** The same for texts. */
const differencesOf = (legacy: string, fresh: string, config?: CompareConfig) =>
  compare(parseJson(legacy), parseJson(fresh), config);
const brief = (differences: readonly Difference[]) => differences.map(({ kind, path }) => `${kind} ${path}`);
const found = (legacy: string, fresh: string, config?: CompareConfig) => brief(differencesOf(legacy, fresh, config));

describe('equal documents', () => {
  test('in any order of members, blanks and escapes, then no difference', () => {
    fc.assert(
      fc.property(documents, fc.integer(), fc.integer(), (document, seedA, seedB) => {
        assert.deepEqual(differencesOf(writeAnyhow(document, seedA), writeAnyhow(document, seedB)), []);
      }),
      { numRuns: 500 },
    );
  });
});

describe('one difference', () => {
  const rows: readonly (readonly [legacy: string, fresh: string, found: readonly string[]])[] = [
    ['1', '2', ['changed $']],
    ['1', '1.0', ['changed $']],
    ['9007199254740993', '9007199254740992', ['changed $']],
    ['1', '"1"', ['type $']],
    ['null', '0', ['type $']],
    ['true', 'false', ['changed $']],
    ['[]', '{}', ['type $']],
    ['{"a":1}', '{"a":null}', ['type $.a']],
    ['{"a":1}', '{}', ['missing $.a']],
    ['{}', '{"a":null}', ['extra $.a']],
    ['{"a":{"b c":1}}', '{"a":{"b c":2}}', ["changed $.a['b c']"]],
    ['{"__proto__":1}', '{}', ['missing $.__proto__']],
    ['[1,2]', '[1,3]', ['changed $[*]']],
    ['[1,2,3]', '[3,2,1]', ['order $']],
    ['[1,2]', '[1,2,3]', ['length $']],
    ['{"a":[{"b":[1,2]}]}', '{"a":[{"b":[2,1]}]}', ['order $.a[*].b']],
    ['[{"a":1},{"a":2}]', '[{"a":2},{"a":1}]', ['order $']],
    ['[{"a":1,"b":1},{"a":2}]', '[{"a":2},{"b":1,"a":1}]', ['order $']],
    ['[1,1,2]', '[1,2,2]', ['changed $[*]']],
    ['{"a":1,"b":2}', '{"b":3,"c":4}', ['missing $.a', 'changed $.b', 'extra $.c']],
  ];
  for (const [legacy, fresh, expected] of rows) {
    test(`${legacy} and ${fresh}: ${expected.join(', ')}`, () => assert.deepEqual(found(legacy, fresh), expected));
  }

  test('then also where exactly: a JSON pointer into legacy, into new where only that has the value', () => {
    const at = (legacy: string, fresh: string, config?: CompareConfig) =>
      differencesOf(legacy, fresh, config).map((difference) => difference.at);
    assert.deepEqual(at('1', '2'), ['']);
    assert.deepEqual(at('{"a":[0,{"x/y~z":1}]}', '{"a":[0,{"x/y~z":2}]}'), ['/a/1/x~1y~0z']);
    assert.deepEqual(at('{"a":[1,2]}', '{"a":[1]}'), ['/a']);
    assert.deepEqual(at('{"a":1}', '{"b":1}'), ['/a', '/b']);
    assert.deepEqual(at('[[1,2],[3,4]]', '[[1,2],[3,5]]'), ['/1/1']);
    const keyed = aCompareConfig({ arrays: [{ path: '$', key: 'id', unordered: true, ...REVIEWED }] });
    assert.deepEqual(at('[{"id":1,"v":1},{"id":2}]', '[{"id":0},{"id":3},{"id":1,"v":2}]', keyed), [
      '/0/v',
      '/1',
      '/0',
      '/1',
    ]);
  });

  test('every planted mutation, then found at its place with its kind, and nothing else', () => {
    const kinds = new Map<string, number>();
    fc.assert(
      fc.property(documents, fc.nat(), fc.integer(), (document, choice, seed) => {
        const possible = mutations(document);
        fc.pre(possible.length > 0);
        const mutation = possible[choice % possible.length] as Mutation;
        const differences = differencesOf(writeAnyhow(document, seed), writeAnyhow(mutation.mutated, seed + 1));
        assert.deepEqual(brief(differences), [`${mutation.kind} ${mutation.path}`]);
        assert.deepEqual(
          [differences[0]?.legacy === undefined, differences[0]?.new === undefined],
          [mutation.kind === 'extra', mutation.kind === 'missing'],
        );
        kinds.set(mutation.kind, (kinds.get(mutation.kind) ?? 0) + 1);
      }),
      { numRuns: 3_000 },
    );
    assert.deepEqual([...kinds.keys()].sort(), ['changed', 'extra', 'length', 'missing', 'order', 'type']);
  });

  test('the sides swapped, then the same places, missing for extra', () => {
    const mirrored: Readonly<Record<string, string>> = { missing: 'extra', extra: 'missing' };
    fc.assert(
      fc.property(documents, documents, (a, b) => {
        const swapped = compare(b, a).map(({ kind, path }) => `${mirrored[kind] ?? kind} ${path}`);
        assert.deepEqual(swapped.sort(), brief(compare(a, b)).sort());
      }),
    );
  });
});

describe('any two documents', () => {
  test('a slow and obvious comparer finds the same', () => {
    const pairs = fc.oneof(
      fc.tuple(documents, documents),
      // Documents that differ in a few places only: mutations of mutations.
      fc.tuple(documents, fc.array(fc.nat(), { maxLength: 4 })).map(([document, choices]) => {
        const changed = choices.reduce((current, choice) => {
          const possible = mutations(current);
          return possible[choice % Math.max(1, possible.length)]?.mutated ?? current;
        }, document);
        return [document, changed] as const;
      }),
    );
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        assert.deepEqual(brief(compare(a, b)).sort(), compareSlowly(a, b).sort());
      }),
      { numRuns: 3_000 },
    );
  });

  test('documents that share nothing, then no more than the limit, and quickly', () => {
    const [a, b] = ['a', 'b'].map((prefix) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${prefix}${i}`, i]))),
    );
    assert.equal(differencesOf(a ?? '', b ?? '').length, DIFFERENCES_MAX);
    const list = (offset: number) => JSON.stringify(Array.from({ length: 5_000 }, (_, i) => [[[i + offset]]]));
    assert.equal(differencesOf(list(0), list(10_000)).length, DIFFERENCES_MAX);
  });

  test('more ignored differences than the limit and one that counts, then it is found, wherever it is', () => {
    const config = aCompareConfig({ ignore: [{ path: '$..t', ...REVIEWED }], critical: ['$..price'] });
    const rows = (t: number, change: object) =>
      Array.from({ length: 1_000 }, (_, i) => ({ id: i, t: t + i, fee: 1, price: 1, ...(i === 900 ? change : {}) }));
    const count = (weight: (difference: Difference) => boolean, differences: readonly Difference[]) =>
      differences.filter(weight).length;
    for (const wrap of [
      (list: object[]) => list,
      (list: object[]) => Object.fromEntries(list.map((row, i) => [i, row])),
    ]) {
      const text = (t: number, change: object) => JSON.stringify(wrap(rows(t, change)));
      const differences = differencesOf(text(0, {}), text(5_000, { fee: 2, price: 2 }), config);
      assert.equal(
        count(({ rule }) => rule !== undefined, differences),
        DIFFERENCES_MAX,
      );
      assert.equal(
        count(({ rule }) => rule === undefined, differences),
        2,
      );
      assert.equal(
        count(({ critical }) => critical, differences),
        1,
      );
    }
  });

  test('more ordinary differences than the limit and a critical one at the end, then it is found', () => {
    const config = aCompareConfig({ critical: ['$.price'] });
    const text = (value: number) => JSON.stringify({ list: Array(1_000).fill(value), price: value });
    const differences = differencesOf(text(1), text(2), config);
    assert.equal(differences.length, DIFFERENCES_MAX + 1);
    assert.equal(differences.at(-1)?.path, '$.price');
  });

  test('lists within lists without order and within tolerances, then each pair of them is looked at once', () => {
    const nested = (leaf: string, members: string) =>
      Array.from({ length: 150 }).reduce<string>((inner) => `[${members},${inner}]`, leaf);
    const config = aCompareConfig({
      arrays: ['$', '$..*'].map((path) => ({ path, unordered: true as const, ...REVIEWED })),
      tolerate: [{ path: '$..*', absolute: '0.1', ...REVIEWED }],
    });
    const { root } = compileRules(config, { today: '2026-01-05', statusClass: 2 });
    const [a, b] = [parseJson(nested('1', '7,8')), parseJson(nested('2', '8,7'))];
    assert.equal(compareJson(a, b, root, 50_000).length, 1);
  });

  test('lists within lists, as deep as documents go, then found at once, ruled or not', () => {
    const nested = (leaf: number) => `${'[0,'.repeat(150)}${leaf}${']'.repeat(150)}`;
    const path = `$${'[*]'.repeat(150)}`;
    assert.deepEqual(found(nested(1), nested(2)), [`changed ${path}`]);
    const ignoring = aCompareConfig({ ignore: [{ path: '$', ...REVIEWED }] });
    assert.deepEqual(
      differencesOf(nested(1), nested(2), ignoring).map(({ rule }) => rule),
      ['$'],
    );
    const unordered = aCompareConfig({ arrays: [{ path: '$..*', unordered: true, ...REVIEWED }] });
    assert.deepEqual(found(nested(1), nested(2), unordered), [`changed ${path}`]);
  });

  test('values are shown shortened: a container by what it holds, a long text by its beginning', () => {
    const [difference] = differencesOf(`"${'x'.repeat(500)}"`, '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}');
    assert.equal(difference?.legacy, `"${'x'.repeat(119)}…`);
    assert.equal(difference?.new, '{a, b, c, d, e, …}');
    assert.equal(differencesOf('[1,2]', '0')[0]?.legacy, '[2 members]');
  });
});
