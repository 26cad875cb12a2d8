// Keys sort as Postgres sorts them, and each belongs to exactly one range.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, isKey, type Key, type KeyColumn, rangeOf } from '../../../migration/jobs/key.ts';

const TEXTS: readonly KeyColumn[] = [
  { name: 'a', type: 'text' },
  { name: 'b', type: 'text' },
];

test('texts sort by their bytes, also beyond U+FFFF, and the first column counts first', () => {
  const keys: Key[] = [
    ['\u{1F680}', 'a'],
    ['\uFFFD', 'b'],
    ['a', 'z'],
    ['a', 'b'],
    ['Z', 'b'],
  ];
  keys.sort((a, b) => compareKeys(TEXTS, a, b));
  assert.deepEqual(keys, [
    ['Z', 'b'],
    ['a', 'b'],
    ['a', 'z'],
    ['\uFFFD', 'b'],
    ['\u{1F680}', 'a'],
  ]);
});

test('whole numbers sort by value, beyond what a double holds', () => {
  const column: KeyColumn[] = [{ name: 'n', type: 'int8' }];
  assert.ok(compareKeys(column, ['9007199254740993'], ['9007199254740992']) > 0);
  assert.ok(compareKeys(column, ['-5'], ['10']) < 0);
});

test('a key is in the one range whose ends enclose it', () => {
  const column: KeyColumn[] = [{ name: 'n', type: 'int8' }];
  const ends = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { maxLength: 12 });
  fc.assert(
    fc.property(ends, fc.integer({ min: -60, max: 60 }), (unsorted, key) => {
      const sorted = unsorted.sort((a, b) => a - b);
      const upTos = [...sorted.map((end) => [String(end)]), null];
      const expected = sorted.filter((end) => end < key).length;
      assert.equal(rangeOf(column, upTos, [String(key)]), expected);
    }),
  );
});

test('a key that Postgres would not take is none', () => {
  const uuid = [{ name: 'k', type: 'uuid' as const }];
  assert.equal(isKey(uuid, ['b467cbc5-f547-0022-dca2-35407c72a5e9']), true);
  for (const key of [['b467cbc5-f547-0022-dca2-35407c72a5e9x'], [''], []]) assert.equal(isKey(uuid, key), false);
  const int8 = [{ name: 'k', type: 'int8' as const }];
  assert.equal(isKey(int8, ['-9223372036854775808']), true);
  for (const key of [['9223372036854775808'], ['1.5'], ['']]) assert.equal(isKey(int8, key), false);
  assert.equal(isKey([{ name: 'k', type: 'text' }], ['a\0']), false);
});
