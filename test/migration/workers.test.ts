// One job, several processes: a ledger in Postgres, a queue in Redis, workers killed outright while rows change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orders } from '../../migration/jobs/orders.ts';
import { openPostgresLedger } from '../../migration/ledger/postgres.ts';
import { eventually } from '../helpers/deadline.ts';
import {
  differences,
  openMigrationServers,
  openMigrationWorld,
  plannedAtOf,
  seedOrders,
} from '../helpers/migration.ts';
import { startRedis } from '../helpers/redis.ts';

const ROWS = 700;
const WAIT_MS = 60_000;

test('two workers, the one that leads killed outright, then the other leads and the target is the mapped source', async () => {
  const servers = await openMigrationServers();
  const redis = await startRedis();
  const more = { MIGRATION_LEDGER_URL: servers.postgres.url, MIGRATION_REDIS_URL: redis.url };
  const world = await openMigrationWorld(servers, more);
  const ledger = await openPostgresLedger(servers.postgres.url);
  try {
    await seedOrders(world.pool, ROWS);
    await world.migrate(['setup', 'orders']);
    await world.migrate(['plan', 'orders', '--chunk-rows', '20']);
    const done = async () => (await ledger.job('orders'))?.chunks.done ?? 0;
    const first = world.start('worker', 'orders');
    await eventually(async () => (await done()) >= 2, 'the first worker to copy', WAIT_MS);
    const second = world.start('worker', 'orders', '--until-caught-up');
    await world.pool.query("update orders set fee = fee + 1 where client_order_id < 'c2'");
    await world.pool.query("delete from orders where client_order_id in ('c7', 'c77', 'c577')");
    await eventually(async () => (await done()) >= 10, 'the workers to copy', WAIT_MS);
    first.child.kill('SIGKILL');
    await world.pool.query("update orders set fee = 9 where client_order_id > 'c8'");
    const { code, stderr } = await second.ended;
    assert.equal(code, 0, stderr);
    const found = await differences(world, orders, plannedAtOf(world));
    assert.deepEqual(found, { missing: [], extra: [], altered: [], rows: ROWS - 3 });
    const job = await ledger.job('orders');
    assert.deepEqual([job?.chunks.done, job?.pending], [job?.chunks.total, 0]);
    assert.equal(JSON.parse((await world.migrate(['--json', 'verify', 'orders'])).stdout).result, 'verified');
  } finally {
    await ledger.close();
    await world.close();
    await redis.close();
    await servers.close();
  }
});
