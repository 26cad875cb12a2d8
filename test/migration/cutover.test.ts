// Cutover and back on a real Postgres and DynamoDB Local, which has streams as AWS has them, through the command line.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../backend/store/items.ts';
import { orders } from '../../migration/jobs/orders.ts';
import { isMigrated, isTombstone, unmarked } from '../../migration/run/marks.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynamoLocal, whyNoDynamoLocal } from '../helpers/dynamo-local.ts';
import {
  differences,
  type MigrationServers,
  type MigrationWorld,
  openMigrationServers,
  openMigrationWorld,
  plannedAtOf,
  scan,
  seedOrders,
} from '../helpers/migration.ts';

const ROWS = 30;
const WAIT_MS = 60_000;
const skip = whyNoDynamoLocal();

describe('cutover', { skip }, () => {
  let servers: MigrationServers;
  let world: MigrationWorld;
  before(async () => {
    servers = await openMigrationServers(startDynamoLocal);
  });
  after(() => servers.close());
  beforeEach(async () => {
    world = await openMigrationWorld(servers);
    await seedOrders(world.pool, ROWS);
    await world.migrate(['setup', 'orders', '--way-back']);
    await world.migrate(['plan', 'orders']);
    await world.migrate(['run', 'orders', '--until-caught-up']);
    await world.migrate(['verify', 'orders']);
  });
  afterEach(() => world.close());

  const json = async (args: readonly string[], code = 0): Promise<Record<string, unknown>> =>
    JSON.parse((await world.migrate(['--json', ...args], code)).stdout);
  const phase = async () => (await world.pool.query('select phase from banyan.control')).rows[0]?.phase;
  const legacyWrites = () => world.pool.query("update orders set fee = fee + 1 where client_order_id = 'c2'");
  async function itemOf(clientOrderId: string): Promise<Item> {
    for await (const item of scan(world))
      if (JSON.stringify(item.client_order_id) === JSON.stringify({ S: clientOrderId })) return item;
    throw new Error(`there is no item of ${clientOrderId}`);
  }
  const serviceWrites = async (clientOrderId: string, change: Item) => {
    const item = { ...unmarked(await itemOf(clientOrderId)), ...change };
    await world.client.send(new PutItemCommand({ TableName: world.table, Item: item }));
    return item;
  };
  const feeOf = async (clientOrderId: string) =>
    (
      await world.pool.query('select trim_scale(fee)::text as fee from orders where client_order_id = $1', [
        clientOrderId,
      ])
    ).rows[0]?.fee;

  const rolledBack = async () => {
    assert.equal((await json(['rollback', 'orders', '--unflip', 'true'])).kind, 'done');
    assert.deepEqual([await phase(), await feeOf('c3')], ['legacy', '7.5']);
    await legacyWrites();
  };

  test('that was not rehearsed is refused, and changes nothing', async () => {
    const { kind, problems } = await json(['cutover', 'orders'], 6);
    assert.deepEqual(
      [kind, problems],
      ['refused', ['the way back was not rehearsed; run: banyan-migrate rehearse orders']],
    );
    assert.equal(await phase(), 'legacy');
    await legacyWrites();
  });

  test('goes there and back: legacy is refused, the new side writes, a rollback brings it all home, and both follow again', async () => {
    await world.migrate(['rehearse', 'orders']);
    assert.equal((await world.pool.query("select 1 from orders where symbol = 'CANARY'")).rows.length, 0);
    assert.equal((await json(['cutover', 'orders', '--dry-run'])).kind, 'ready');
    assert.equal(await phase(), 'legacy');
    await legacyWrites();
    assert.equal((await json(['cutover', 'orders', '--flip', 'true'])).kind, 'done');
    assert.equal((await json(['cutover', 'orders', '--flip', 'true'])).kind, 'already');
    await assert.rejects(legacyWrites(), { code: '25006', message: 'orders is written on the new side' });
    await assert.rejects(world.pool.query('truncate orders'), { code: '25006' });
    assert.match((await world.migrate(['reset', 'orders'], 5)).stderr, /legacy does not write orders/);

    const way = world.start('way-back', 'orders');
    await way.spoken;
    await serviceWrites('c3', { fee: { S: '7.5' } });
    const gone = await itemOf('c4');
    const Key = { pk: gone.pk ?? { NULL: true }, sk: gone.sk ?? { NULL: true } };
    await world.client.send(new DeleteItemCommand({ TableName: world.table, Key }));
    await eventually(
      async () => (await feeOf('c3')) === '7.5' && (await feeOf('c4')) === undefined,
      'the way back',
      WAIT_MS,
    );
    way.child.kill('SIGTERM');
    assert.equal((await way.ended).code, 0, (await way.ended).stderr);

    await serviceWrites('c5', { fee: { S: '8' } });
    assert.equal((await json(['rollback', 'orders', '--unflip', 'true'])).kind, 'done');
    assert.equal((await json(['rollback', 'orders'])).kind, 'already');
    assert.equal(await feeOf('c5'), '8');
    await legacyWrites();
    await world.migrate(['run', 'orders', '--until-caught-up']);
    for await (const item of scan(world)) assert.equal(isTombstone(item), false, 'what came back was sent there again');
    await world.pool.query("update orders set fee = 9 where client_order_id in ('c3', 'c5')");
    await world.migrate(['run', 'orders', '--until-caught-up']);
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), {
      ...{ missing: [], extra: [], altered: [], rows: ROWS - 1 },
    });
    assert.equal((await json(['verify', 'orders'])).result, 'verified');
  });

  test('whose traffic cannot be moved is aborted: legacy writes again, and has what the new side wrote', async () => {
    await world.migrate(['rehearse', 'orders']);
    const { kind, reason } = await json(['cutover', 'orders', '--flip', 'false'], 7);
    assert.deepEqual([kind, reason], ['aborted', 'false: ended with 1']);
    assert.equal(await phase(), 'legacy');
    await legacyWrites();
  });

  test('then finalize takes away slot, fence, marks and tombstones, and can be repeated', async () => {
    await world.pool.query("delete from orders where client_order_id = 'c1'");
    await world.migrate(['rehearse', 'orders']);
    assert.match((await world.migrate(['finalize', 'orders'], 1)).stderr, /legacy still writes orders: cut over first/);
    await world.migrate(['cutover', 'orders']);
    const { done } = await json(['finalize', 'orders']);
    assert.deepEqual(done, [
      'dropped the replication slot banyan_orders',
      'dropped the publication banyan_orders',
      `removed the marks of ${ROWS - 1} items, and 1 tombstones`,
      'took the fence from "public"."orders"',
      "dropped the schema banyan from the source's database",
    ]);
    let items = 0;
    for await (const item of scan(world)) {
      items += 1;
      assert.equal(isMigrated(item), false);
    }
    assert.equal(items, ROWS - 1);
    assert.match((await world.migrate(['finalize', 'orders'])).stdout, /nothing to finalize/);
    await legacyWrites();
  });

  test('a finalize killed outright after each of its steps, then the next one ends it', async () => {
    await world.migrate(['rehearse', 'orders']);
    await world.migrate(['cutover', 'orders']);
    for (const said of ['dropped the publication', 'removed the marks', 'took the fence'])
      await world.killedAt(said, 'finalize', 'orders');
    assert.match((await world.migrate(['rollback', 'orders'], 6)).stdout, /is finalized: there is no way back/);
    assert.match((await world.migrate(['finalize', 'orders'])).stdout, /dropped the schema banyan/);
    for await (const item of scan(world)) assert.equal(isMigrated(item), false);
  });

  test('a value that the source cannot hold, then it is refused with its reason, and stands in the way of going back', async () => {
    await world.migrate(['rehearse', 'orders']);
    await world.migrate(['cutover', 'orders']);
    await serviceWrites('c3', { fee: { S: '0.0000000000000000001' } });
    const { problems } = await json(['rollback', 'orders'], 6);
    assert.match(String(problems), /ORDER#.*the source cannot hold fee exactly/);
    assert.equal(await phase(), 'new');
    await serviceWrites('c3', { fee: { S: '0.25' } });
    assert.equal((await json(['rollback', 'orders'])).kind, 'done');
    assert.equal(await feeOf('c3'), '0.25');
  });

  test('a value that is refused only after the traffic moved, then legacy does not write before it is mended', async () => {
    await world.migrate(['rehearse', 'orders']);
    await world.migrate(['cutover', 'orders']);
    const folder = mkdtempSync(join(tmpdir(), 'banyan-unflip-'));
    const [begun, mayEnd] = [join(folder, 'begun'), join(folder, 'may-end')];
    try {
      const unflip = `touch ${begun}; until [ -e ${mayEnd} ]; do sleep 0.05; done`;
      const rollback = json(['rollback', 'orders', '--unflip', unflip], 6);
      await eventually(() => existsSync(begun), 'the move of the traffic', WAIT_MS);
      await serviceWrites('c3', { fee: { S: '0.0000000000000000001' } });
      writeFileSync(mayEnd, '');
      assert.match(String((await rollback).problems), /the source cannot hold fee exactly.*may not write yet/);
      await assert.rejects(legacyWrites(), { code: '25006' });
      await serviceWrites('c3', { fee: { S: '7.5' } });
      await rolledBack();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const said of ['legacy writes no more', 'all that legacy wrote is in the table'])
    test(`a cutover killed outright when it said "${said}", then legacy writes again when its time is over, and the next one succeeds`, async () => {
      await world.migrate(['rehearse', 'orders']);
      await world.killedAt(said, 'cutover', 'orders', '--flip', 'true');
      assert.equal(await phase(), 'fenced');
      await assert.rejects(legacyWrites(), { code: '25006' });
      assert.deepEqual((await json(['cutover', 'orders'], 6)).problems, ['another cutover is under way']);
      await world.pool.query("update banyan.control set until = clock_timestamp() where phase = 'fenced'");
      await legacyWrites();
      assert.equal((await json(['cutover', 'orders', '--flip', 'true'])).kind, 'done');
      await assert.rejects(legacyWrites(), { code: '25006' });
    });

  test('a cutover killed outright before the flip, then the next one makes it, and legacy never writes meanwhile', async () => {
    await world.migrate(['rehearse', 'orders']);
    await world.killedAt('the new side may write', 'cutover', 'orders', '--flip', 'false');
    assert.equal(await phase(), 'new');
    await assert.rejects(legacyWrites(), { code: '25006' });
    assert.match((await world.migrate(['cutover', 'orders', '--flip', 'false'], 1)).stderr, /false: ended with 1/);
    assert.equal((await json(['cutover', 'orders', '--flip', 'true'])).kind, 'already');
  });

  test('a rollback killed outright at each of its steps, then the next one ends it', async () => {
    await world.migrate(['rehearse', 'orders']);
    await world.migrate(['cutover', 'orders']);
    await serviceWrites('c3', { fee: { S: '7.5' } });
    for (const said of ['all that the new side wrote', "items of the service's own"]) {
      await world.killedAt(said, 'rollback', 'orders');
      assert.equal(await phase(), 'new');
      await assert.rejects(legacyWrites(), { code: '25006' });
    }
    await rolledBack();
  });
});
