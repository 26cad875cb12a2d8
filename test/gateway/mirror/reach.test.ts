import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReach, hasFilters } from '../../../gateway/mirror/reach.ts';

describe('whether a path leads to a place', () => {
  const rows: readonly (readonly [path: string, place: string, isReached: boolean])[] = [
    ['$.a', '$.a', true],
    ['$.a', '$.a.b[*]', true],
    ['$.a.b', '$.a', false],
    ['$.a', '$.b', false],
    ['$.a[*].b', '$.a[*].b', true],
    ['$.a[*].b', '$.a[?id].b', true],
    ['$.a[?id].b', '$.a[*].b', true],
    ['$.a.x', '$.a[*]', false],
    ['$..b', '$.a[*].b.c', true],
    ["$.a[?@.side == 'BUY'].b", '$.a[*].b', true],
    ['$.a[*].b', "$.a[?@.side == 'BUY'].b", true],
    ["$.a[?@.side == 'BUY'].b", '$.a[*].c', false],
    ["$['x','a'].b", '$.a.b', true],
    ['$.a.b', "$['x','a'].b", true],
    ['$', '$.a', true],
    ['$', 'body:line[*]', true],
    ['$.a', 'body:line[*]', false],
    ['body:line[*]', 'body:line[*]', true],
    ['$', 'status', false],
    ['status', 'status', true],
    ['status', '$.status', false],
    ['header:ETag', 'header:etag', true],
    ['header:etag', 'header:date', false],
  ];
  for (const [path, place, isReached] of rows) {
    test(`${path} ${isReached ? 'leads' : 'does not lead'} to ${place}`, () => {
      assert.equal(createReach([path])(place), isReached);
    });
  }

  test('of several paths, one is enough', () => {
    const isReached = createReach(['$.a', 'status']);
    assert.deepEqual([isReached('$.a'), isReached('status'), isReached('$.b')], [true, true, false]);
  });

  test('unions of many names in many steps are looked at in bounded time', () => {
    const names = Array.from({ length: 100 }, (_, i) => `'n${i}'`).join();
    const place = `$${`[${names}]`.repeat(20)}`;
    assert.equal(createReach(['$.n0.n0'])(place), true);
    assert.equal(createReach(['$.other'])(place), false);
  });

  test('it depends on values only where there is a filter', () => {
    const paths = ["$.a[?@.b == 'c']", '$.a[?b]', '$..a', 'status'];
    assert.deepEqual(paths.map(hasFilters), [true, false, false, false]);
  });
});
