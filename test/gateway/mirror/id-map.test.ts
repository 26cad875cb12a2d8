import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createIdMap, type IdChange, type IdPair } from '../../../gateway/mirror/id-map.ts';

const order = (legacy: string, fresh: string): IdPair => ({ name: 'order', legacy, new: fresh });

function aMap(pairsMax = 100) {
  const told: string[] = [];
  const changes: IdChange[] = [];
  const map = createIdMap({
    pairsMax,
    onChange(change, why) {
      changes.push(change);
      told.push(`${why} ${change.pair.legacy}=${change.pair.new}`);
    },
  });
  return { map, told, changes };
}

describe('pairs of ids', () => {
  test('learned, then each side knows what the other calls it; a number stays one', () => {
    const { map } = aMap();
    assert.equal(map.learn(order('17', '"ord_1"')), 'learned');
    assert.equal(map.learn(order('17', '"ord_1"')), 'known');
    assert.equal(map.translate('order', '17', 'new'), '"ord_1"');
    assert.equal(map.translate('order', 'ord_1', 'legacy'), '17');
    assert.equal(map.translate('order', '18', 'new'), undefined);
    assert.equal(map.translate('user', '17', 'new'), undefined, 'of another kind');
  });

  test('alike on both sides, then no pair is needed, and none is kept', () => {
    const { map, told } = aMap();
    assert.equal(map.learn(order('"a"', '"a"')), 'same');
    assert.equal(map.learn(order('17', '"17"')), 'same');
    assert.deepEqual([map.size, told], [0, []]);
  });

  test('one id for two things, then a conflict: all pairs with either are forgotten', () => {
    const { map, told } = aMap();
    map.learn(order('"a"', '"1"'));
    map.learn(order('"b"', '"2"'));
    map.learn(order('"c"', '"3"'));
    assert.equal(map.learn(order('"a"', '"2"')), 'conflict');
    assert.equal(map.size, 1);
    assert.deepEqual(told.slice(3), ['conflict "a"="1"', 'conflict "b"="2"']);
    assert.equal(map.learn(order('"c"', '"c"')), 'conflict', 'a thing of its own name that has been another');
    assert.equal(map.size, 0);
  });

  test('more than there is room for, then the least recently used are forgotten', () => {
    const { map, told } = aMap(2);
    map.learn(order('"a"', '"1"'));
    map.learn(order('"b"', '"2"'));
    map.translate('order', '1', 'legacy');
    map.learn(order('"c"', '"3"'));
    assert.deepEqual(
      map.pairs().map(({ legacy }) => legacy),
      ['"a"', '"c"'],
    );
    assert.equal(told.at(-1), 'evicted "b"="2"');
  });

  test('whatever is learned, then it is one to one, within its limit, and its changes make another map the same', () => {
    const id = fc.integer({ min: 0, max: 6 }).map((n) => `"${n}"`);
    fc.assert(
      fc.property(fc.array(fc.tuple(id, id), { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (script, pairsMax) => {
        const { map, changes } = aMap(pairsMax);
        for (const [legacy, fresh] of script) map.learn(order(legacy, fresh));
        const pairs = map.pairs();
        assert.ok(pairs.length <= pairsMax && map.size === pairs.length);
        assert.equal(new Set(pairs.map((pair) => pair.legacy)).size, pairs.length);
        assert.equal(new Set(pairs.map((pair) => pair.new)).size, pairs.length);
        for (const pair of pairs) assert.equal(map.translate('order', JSON.parse(pair.legacy), 'new'), pair.new);
        const other = aMap(100);
        other.map.apply(changes);
        assert.deepEqual(
          new Set(other.map.pairs().map((pair) => JSON.stringify(pair))),
          new Set(pairs.map((pair) => JSON.stringify(pair))),
        );
        assert.deepEqual(other.told, [], 'what others have found is not told of again');
      }),
    );
  });
});
