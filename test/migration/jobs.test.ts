// The jobs on a real Postgres and a table server, through the command line: planned, run, verified, explained.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { orders } from '../../migration/jobs/orders.ts';
import { differences, type MigrationWorld, openMigrationWorld, plannedAtOf, seedOrders } from '../helpers/migration.ts';

const ROWS = 400;
let world: MigrationWorld;

before(async () => {
  world = await openMigrationWorld();
  await seedOrders(world.pool, ROWS);
});
after(() => world.close());

test('a plan is run, then the target is the mapped source, and verify certifies it', async () => {
  await world.migrate(['setup', 'orders']);
  const plan = await world.migrate(['plan', 'orders', '--chunk-rows', '50']);
  console.log(plan.stdout);
  const run = await world.migrate(['run', 'orders', '--until-caught-up']);
  console.log(run.stdout, run.stderr);
  const found = await differences(world, orders, plannedAtOf(world));
  assert.deepEqual(found, { missing: [], extra: [], altered: [], rows: ROWS });
  console.log((await world.migrate(['verify', 'orders'])).stdout);
  console.log((await world.migrate(['status'])).stdout);
});
