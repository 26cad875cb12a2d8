// The way back on a real Postgres, from a stream in memory.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Item } from '../../../backend/store/items.ts';
import { FeedTrimmed } from '../../../migration/back/feed.ts';
import { followOnce, readable, refusals, type WayBack } from '../../../migration/back/follow.ts';
import { ensureBackTables } from '../../../migration/back/tables.ts';
import { orders } from '../../../migration/jobs/orders.ts';
import { connectPool } from '../../../migration/postgres/connect.ts';
import { readFingerprint } from '../../../migration/postgres/schema.ts';
import { baseVersion, marked, tombstone } from '../../../migration/run/marks.ts';
import { createMemoryFeed } from '../../helpers/item-feed.ts';
import {
  type MigrationServers,
  type MigrationWorld,
  openMigrationServers,
  openMigrationWorld,
} from '../../helpers/migration.ts';

const { row: ROW } = orders.canary('0123456789ab');
const KEY = orders.itemKeyOf(ROW);
const itemOf = (fee: string, change: Item = {}): Item => ({ ...orders.toItem({ ...ROW, fee }, 0), ...change });

test('children are read when their parents are over, or are no longer there', () => {
  const shards = [
    { id: 'a', parent: 'gone' },
    { id: 'b', parent: 'a' },
    { id: 'c', parent: 'b' },
  ];
  const ids = (ended: readonly string[]) => readable(shards, (id) => ended.includes(id)).map(({ id }) => id);
  assert.deepEqual([ids([]), ids(['a']), ids(['a', 'b', 'c'])], [['a'], ['b'], []]);
});

describe('the way back', () => {
  let servers: MigrationServers;
  let world: MigrationWorld;
  let stream: ReturnType<typeof createMemoryFeed>;
  let back: WayBack;
  before(async () => {
    servers = await openMigrationServers();
  });
  after(() => servers.close());
  beforeEach(async () => {
    world = await openMigrationWorld(servers);
    stream = createMemoryFeed();
    const pool = connectPool(world.url, 2);
    await ensureBackTables(pool, orders);
    back = { job: orders, schema: await readFingerprint(pool, orders), pool, feed: stream.feed };
  });
  afterEach(async () => {
    await back.pool.end();
    await world.close();
  });
  const fees = async () =>
    (await world.pool.query('select trim_scale(fee)::text as fee from orders')).rows.map(({ fee }) => fee);

  test('inserts, changes and deletes rows, over a shard that is split, and once only', async () => {
    await stream.put(itemOf('1'));
    await stream.put(itemOf('2'));
    stream.split();
    await stream.put(itemOf('3'));
    assert.deepEqual(await followOnce(back), { written: 2, kept: 0, refused: 0, own: 0 });
    assert.deepEqual(await followOnce(back), { written: 1, kept: 0, refused: 0, own: 0 });
    assert.deepEqual(await fees(), ['3']);
    assert.deepEqual(await followOnce(back), { written: 0, kept: 0, refused: 0, own: 0 });
    await stream.remove(KEY);
    await followOnce(back);
    assert.deepEqual(await fees(), []);
  });

  test('reads all of it again from the beginning, then an older version never wins, nor comes back what was deleted', async () => {
    await stream.put(itemOf('1'));
    await stream.put(itemOf('2'));
    await followOnce(back);
    await world.pool.query('delete from banyan.positions');
    assert.deepEqual(await followOnce(back), { written: 0, kept: 2, refused: 0, own: 0 });
    assert.deepEqual(await fees(), ['2']);
    await stream.remove(KEY);
    await followOnce(back);
    await world.pool.query('delete from banyan.positions');
    assert.equal((await followOnce(back)).kept, 3);
    assert.deepEqual(await fees(), []);
  });

  test("passes over what a job moved, a job's tombstones, what expired, and items of others", async () => {
    await stream.put(marked(itemOf('1'), baseVersion(1)));
    await stream.put(tombstone(KEY, baseVersion(2)));
    await stream.put({ pk: { S: 'X' }, sk: { S: 'Y' }, data_type: { S: 'KLINE' } });
    assert.deepEqual(await followOnce(back), { written: 0, kept: 0, refused: 0, own: 2 });
    await stream.put(itemOf('5'));
    await stream.remove(KEY, true);
    await followOnce(back);
    assert.deepEqual(await fees(), ['5'], 'an expiry is no delete');
  });

  for (const [what, change, reason] of [
    ['more decimals than the column', { fee: { S: '0.1234567890123456789' } }, /the source cannot hold fee exactly/],
    ['an order type that legacy does not know', { order_type: { S: 'LIMIT_MAKER' } }, /orders_order_type_check/],
    ['a field that the service could not read', { status: { S: 'lost' } }, /Invalid option/],
  ] as const)
    test(`of ${what}, then it is refused, the rest goes on, and a later version clears it`, async () => {
      const other = orders.canary('ba9876543210').row;
      await stream.put(itemOf('1', change));
      await stream.put(orders.toItem(other, 0));
      assert.deepEqual(await followOnce(back), { written: 1, kept: 0, refused: 1, own: 0 });
      assert.match((await refusals(back, 10))[0]?.reason ?? '', reason);
      await stream.put(itemOf('2'));
      await followOnce(back);
      assert.deepEqual([await refusals(back, 10), (await fees()).sort()], [[], ['0', '2']]);
    });

  test('of a stream that no longer holds what comes next, then it ends with that', async () => {
    await stream.put(itemOf('1'));
    await followOnce(back);
    await stream.put(itemOf('2'));
    stream.trim();
    await assert.rejects(followOnce(back), FeedTrimmed);
  });
});
