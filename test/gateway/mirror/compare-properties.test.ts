import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { compareJson } from '../../../gateway/mirror/compare-json.ts';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import { type Json, JsonNumber, parseJson } from '../../../gateway/mirror/json.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { compareSpelling } from '../../../gateway/mirror/spelling.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { documents, write, writeAnyhow } from '../../helpers/json-documents.ts';
import { mutations } from './mutations.ts';
import { SlowComparer } from './slow-rules.ts';

/** Values near each other, so that tolerances and spellings have something to do. */
const near: fc.Arbitrary<Json> = fc.oneof(
  fc
    .constantFrom('1', '1.0', '1.00', '10e-1', '1.01', '1.02', '0.99', '2', '-1', '0', '100', '100.5')
    .map((text) => new JsonNumber(text)),
  fc.constantFrom('1', '1.0', '1.01', 'FILLED', 'filled', 'NEW', 'new', ''),
  fc.constantFrom(null, true, false),
);
const objects = (member: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom('id', 'price', 'state', 'a', 'b'), member), {
      maxLength: 4,
      selector: ([name]) => name,
    })
    .map((members) => new Map(members));
const smallDocuments: fc.Arbitrary<Json> = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    near,
    fc.array(tie('node'), { maxLength: 4 }),
    objects(tie('node')),
  ),
})).node;

/** Documents, and the same with a few changes. */
function changedIn(all: fc.Arbitrary<Json>): fc.Arbitrary<readonly [Json, Json]> {
  return fc.tuple(all, fc.array(fc.nat(), { maxLength: 3 })).map(([document, choices]) => {
    const changed = choices.reduce((current, choice) => {
      const possible = mutations(current);
      return possible[choice % Math.max(1, possible.length)]?.mutated ?? current;
    }, document);
    return [document, changed] as const;
  });
}

/** Documents that differ in a few places only, and lists that also stand in another order. */
const pairs: fc.Arbitrary<readonly [Json, Json]> = fc.oneof(
  fc.tuple(smallDocuments, smallDocuments),
  fc.tuple(fc.array(objects(near), { maxLength: 4 }), fc.array(objects(near), { maxLength: 4 })),
  changedIn(smallDocuments),
  changedIn(fc.array(objects(near), { minLength: 3, maxLength: 8 })),
);

const path = fc.constantFrom(
  '$',
  '$.a',
  '$..id',
  '$..price',
  '$..state',
  '$.*',
  '$[*]',
  '$[*].price',
  '$..*',
  '$.a[*].b',
  '$.a.b',
);
const at = <T>(rule: (path: string) => T) => fc.array(path.map(rule), { maxLength: 2 });
/** How an array is compared other than by position; one by position needs no rule. */
const WAYS = [
  { key: 'id' },
  { key: 'state' },
  { unordered: true },
  { key: 'id', unordered: true },
  { key: 'state', unordered: true },
] as const;
const rules: fc.Arbitrary<NonNullable<Parameters<typeof aCompareConfig>[0]>> = fc.record({
  ignore: at((path) => ({ path, ...REVIEWED })),
  normalise: fc.array(
    fc
      .tuple(path, fc.constantFrom('number' as const, 'null-as-absent' as const))
      .map(([path, as]) => ({ path, as, ...REVIEWED })),
    { maxLength: 3 },
  ),
  tolerate: fc.array(
    fc
      .tuple(path, fc.constantFrom({ absolute: '0.01' }, { relative: '0.01' }, { ticks: 2, tickSize: '0.5' }))
      .map(([path, how]) => ({ path, ...how, ...REVIEWED })),
    { maxLength: 1 },
  ),
  enums: at((path) => ({
    path,
    values: [
      { legacy: 'FILLED', new: 'filled' },
      { legacy: 'NEW', new: 'FILLED' },
      { legacy: 1, new: 'new' },
    ],
    ...REVIEWED,
  })),
  arrays: fc.array(
    fc.tuple(path, fc.constantFrom(...WAYS)).map(([path, way]) => ({ path, ...way, ...REVIEWED })),
    { maxLength: 2 },
  ),
});

const rootOf = (config: CompareConfig) => compileRules(config, { today: '2026-01-05', statusClass: 2 }).root;
const brief = (differences: readonly Difference[]) =>
  differences.map(({ kind, path, rule }) => `${kind} ${path}${rule === undefined ? '' : ' (ignored)'}`).sort();
const slowly = (config: CompareConfig, a: Json, b: Json) =>
  new SlowComparer(expanded(config))
    .compare(a, b)
    .map(({ kind, path, ignored }) => `${kind} ${path}${ignored ? ' (ignored)' : ''}`)
    .sort();
/** Ticks as what they are. */
const expanded = (config: CompareConfig): CompareConfig => ({
  ...config,
  tolerate: config.tolerate.map((rule) => ({ ...rule, absolute: rule.ticks === undefined ? rule.absolute : '1.0' })),
});

describe('under any rules', () => {
  test('any two documents, then what a slow and obvious comparer finds', () => {
    const outcomes = { equal: 0, ignored: 0, different: 0 };
    fc.assert(
      fc.property(pairs, rules, ([a, b], given) => {
        const config = aCompareConfig(given);
        const [found, expected] = [brief(compareJson(a, b, rootOf(config))), slowly(config, a, b)];
        const isRuled = (all: readonly string[]) => all.every((each) => each.endsWith('(ignored)'));
        // Which members without order are held against each other when they do not all pair up is not laid down.
        if (config.arrays.some(({ unordered }) => unordered)) assert.equal(isRuled(found), isRuled(expected));
        else assert.deepEqual(found, expected);
        outcomes[found.length === 0 ? 'equal' : isRuled(found) ? 'ignored' : 'different']++;
      }),
      { numRuns: 10_000 },
    );
    assert.ok(
      Object.values(outcomes).every((count) => count > 500),
      JSON.stringify(outcomes),
    );
  });

  test('a document and itself in another spelling, then nothing, whatever the rules', () => {
    fc.assert(
      fc.property(documents, rules, fc.integer(), (document, given, seed) => {
        const root = rootOf(aCompareConfig(given));
        const [a, b] = [writeAnyhow(document, seed), writeAnyhow(document, seed + 1)];
        assert.deepEqual(compareJson(parseJson(a), parseJson(b), root), []);
        assert.deepEqual(compareSpelling(Buffer.from(a), Buffer.from(b), root) ?? [], []);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('comparing without parsing', () => {
  test('any two documents in any spelling, then exactly what parsing would have found, or nothing said', () => {
    const said = { equal: 0, ignored: 0, different: 0, nothing: 0 };
    fc.assert(
      fc.property(pairs, rules, fc.integer(), ([a, b], given, seed) => {
        const root = rootOf(aCompareConfig(given));
        const [left, right] = [writeAnyhow(a, seed), writeAnyhow(b, seed + 1)];
        const found = compareSpelling(Buffer.from(left), Buffer.from(right), root);
        if (found === undefined) said.nothing++;
        else said[found.length === 0 ? 'equal' : found.every(({ rule }) => rule) ? 'ignored' : 'different']++;
        if (found) assert.deepEqual(found, compareJson(parseJson(left), parseJson(right), root));
      }),
      { numRuns: 10_000 },
    );
    assert.ok(Math.min(said.equal, said.ignored, said.different) > 100 && said.nothing < 2_000, JSON.stringify(said));
  });

  test('a document in two spellings, then it is known to be the same', () => {
    fc.assert(
      fc.property(documents, fc.integer(), (document, seed) => {
        const [a, b] = [writeAnyhow(document, seed), writeAnyhow(document, seed + 1)].map((text) => Buffer.from(text));
        assert.deepEqual(compareSpelling(a as Buffer, b as Buffer, rootOf(aCompareConfig())), []);
      }),
      { numRuns: 1_000 },
    );
  });

  test('objects with names twice, then compared by the last of each name, or nothing said', () => {
    const said = { equal: 0, different: 0, nothing: 0 };
    const members = fc.array(fc.tuple(fc.constantFrom('a', 'b', '\\u0061', 'c'), fc.integer({ min: 0, max: 2 })), {
      maxLength: 6,
    });
    const pairs = fc.oneof(
      fc.tuple(members, members),
      members.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
    );
    const textOf = (all: readonly (readonly [string, number])[]) =>
      `{${all.map(([name, value]) => `"${name}":${value}`).join()}}`;
    const root = rootOf(aCompareConfig());
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        const [a, b] = [textOf(left), textOf(right)];
        const found = compareSpelling(Buffer.from(a), Buffer.from(b), root);
        said[found === undefined ? 'nothing' : found.length === 0 ? 'equal' : 'different']++;
        const byAt = (all: readonly Difference[]) => all.toSorted((x, y) => (x.at < y.at ? -1 : 1));
        if (found) assert.deepEqual(byAt(found), byAt(compareJson(parseJson(a), parseJson(b), root)), `${a} ${b}`);
      }),
      { numRuns: 5_000 },
    );
    assert.ok(
      Object.values(said).every((count) => count > 100),
      JSON.stringify(said),
    );
  });

  test('what is no JSON on one side or both, then nothing said', () => {
    const damaged = fc.tuple(
      documents,
      fc.nat(),
      fc.constantFrom('', 'x', '"', ',', '}', ']', '0', '\\', '\u0001', ':', '-'),
    );
    const cut = ([document, place, piece]: [Json, number, string]) => {
      const text = write(document);
      const index = place % (text.length + 1);
      return text.slice(0, index) + piece + text.slice(index + (piece === '' ? 1 : 0));
    };
    let broken = 0;
    fc.assert(
      fc.property(damaged, fc.boolean(), (damage, isTwice) => {
        const text = cut(damage);
        try {
          parseJson(text);
          return;
        } catch {
          broken++;
        }
        const [a, b] = [Buffer.from(text), Buffer.from(isTwice ? text : write(damage[0]))];
        assert.equal(compareSpelling(a, b, rootOf(aCompareConfig())), undefined, text);
        assert.equal(compareSpelling(b, a, rootOf(aCompareConfig())), undefined, text);
      }),
      { numRuns: 5_000 },
    );
    assert.ok(broken > 1_000, `${broken}`);
  });

  const said: readonly (readonly [
    what: string,
    legacy: string,
    fresh: string,
    found: readonly string[] | undefined,
  ])[] = [
    ['an ignored value', '{"t":1,"a":1}', '{"a":1,"t":2}', ['changed $.t (ignored)']],
    ['an ignored member more', '{"a":1}', '{"t":2,"a":1}', ['extra $.t (ignored)']],
    ['an ignored member less', '{"a":[{"t":1}]}', '{"a":[{}]}', ['missing $.a[*].t (ignored)']],
    ['a null instead of no member', '{"n":null,"a":1}', '{"a":1}', []],
    ['no member instead of a null', '{}', '{"n":null}', []],
    ['a number in quotes', '{"price":1.0}', '{"price":"1"}', []],
    ['a name twice, in the same order', '{"a":1,"a":2}', '{"a":1,"a":2}', []],
    ['a name twice on one side', '{"a":1,"b":2}', '{"a":1,"b":2,"a":3}', undefined],
    ['a name twice on both sides, the other one last', '{"b":0,"a":1,"a":3}', '{"a":3,"b":0,"a":1}', undefined],
    ['an ignored name twice on one side', '{"a":1,"t":2}', '{"t":1,"a":1,"t":2}', undefined],
    ['a null under a name that is there as well', '{"n":1,"a":1}', '{"n":1,"a":1,"n":null}', undefined],
    ['a byte order mark', '\ufeff{"a":1}', '{"a":1}', []],
    ['another value', '{"a":1}', '{"a":2}', ['changed $.a']],
    ['another value in an object that has another order', '{"a":1,"b":2}', '{"b":3,"a":1}', ['changed $.b']],
    ['another value of a name that is there twice', '{"a":1,"a":2}', '{"a":2,"a":2}', undefined],
    ['another shape', '{"a":{"b":1}}', '{"a":[1]}', ['type $.a']],
    ['an object more', '{}', '{"a":{"b":[1]}}', ['extra $.a']],
    ['another length', '{"a":[1,2,3]}', '{"a":[1,2]}', ['length $.a']],
    ['another order of members of an array', '[1,2]', '[2,1]', ['order $']],
    ['another order among members that are the same', '[1,[2],3,[4]]', '[1,[4],3,[2]]', ['order $']],
    [
      'other members of an array, some of them ignored',
      '[{"t":1},5,{"t":2},6]',
      '[{"t":2},5,{"t":1},7]',
      ['changed $[*]', 'changed $[*].t (ignored)', 'changed $[*].t (ignored)'],
    ],
    ['no JSON behind what differs', '{"a":[1],"b":x}', '{"a":[2],"b":x}', undefined],
    ['no JSON in what differs', '{"a":[1,01]}', '{"a":[1]}', undefined],
    ['zero bytes at the end', '1\u0000', '1', undefined],
  ];
  const config = aCompareConfig({
    ignore: [{ path: '$..t', ...REVIEWED }],
    normalise: [
      { path: '$..price', as: 'number', ...REVIEWED },
      { path: '$.n', as: 'null-as-absent', ...REVIEWED },
    ],
  });
  for (const [what, legacy, fresh, expected] of said) {
    test(`${what}: ${expected?.join() ?? 'nothing said'}`, () => {
      const found = compareSpelling(Buffer.from(legacy), Buffer.from(fresh), rootOf(config));
      assert.deepEqual(found && brief(found), expected);
    });
  }
});
