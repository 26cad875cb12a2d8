// The jobs on a real Postgres and a table server, through the command line: planned, run, verified, repaired, explained, blocked.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { orderFromItem } from '../../backend/store/items.ts';
import { certificatesIn } from '../../gateway/rollout/certificates.ts';
import { calendarEvents } from '../../migration/jobs/calendar-events.ts';
import { orders } from '../../migration/jobs/orders.ts';
import { positions } from '../../migration/jobs/positions.ts';
import { isTombstone } from '../../migration/run/marks.ts';
import { readCertificate } from '../../migration/verify/certificate.ts';
import { eventually } from '../helpers/deadline.ts';
import {
  differences,
  type MigrationServers,
  type MigrationWorld,
  openMigrationServers,
  openMigrationWorld,
  plannedAtOf,
  SIGNING_KEY,
  scan,
  seedOrders,
} from '../helpers/migration.ts';

const ROWS = 120;
const PERFECT = { missing: [], extra: [], altered: [], rows: ROWS };
let servers: MigrationServers;
let world: MigrationWorld;

before(async () => {
  servers = await openMigrationServers();
});
after(() => servers.close());
beforeEach(async () => {
  world = await openMigrationWorld(servers);
});
afterEach(() => world.close());

/** Orders, in chunks of 25, until all is copied. */
async function moveOrders(): Promise<void> {
  await seedOrders(world.pool, ROWS);
  await world.migrate(['setup', 'orders']);
  await world.migrate(['plan', 'orders', '--chunk-rows', '25']);
  await catchUp();
}
const catchUp = () => world.migrate(['run', 'orders', '--until-caught-up']);

async function json(args: readonly string[], code = 0): Promise<Record<string, unknown>> {
  return JSON.parse((await world.migrate(['--json', ...args], code)).stdout);
}
const idOf = async (where: string): Promise<string> =>
  (await world.pool.query(`select order_id from orders where ${where} order by order_id limit 1`)).rows[0]?.order_id;

describe('a job', () => {
  test('that was run to its end, then the target is the mapped source and the gateway takes its certificate', async () => {
    await moveOrders();
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), PERFECT);
    const certificate = await json(['verify', 'orders']);
    const { result, rows, chunks, missing, extra, altered, deadLetters, waivers } = certificate;
    assert.deepEqual(
      { result, rows, chunks, missing, extra, altered, deadLetters, waivers },
      { result: 'verified', rows: ROWS, chunks: 5, missing: 0, extra: 0, altered: 0, deadLetters: 0, waivers: [] },
    );
    const problemAt = async (atMs: number, key?: string) =>
      (await certificatesIn(world.certificates, key).of(['orders'], new Date(atMs)))[0]?.problem;
    const nowMs = Date.now();
    assert.equal(await problemAt(nowMs, SIGNING_KEY), undefined);
    assert.match((await problemAt(nowMs, `${SIGNING_KEY}x`)) ?? '', /was not signed with the key/);
    assert.match((await problemAt(nowMs + 25 * 3_600_000, SIGNING_KEY)) ?? '', /its certificate ended/);
    assert.equal(readCertificate(world.certificates, 'orders', SIGNING_KEY)?.signed, true);
    const file = join(world.certificates, 'orders.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"rows": 120', '"rows": 121'));
    assert.equal(readCertificate(world.certificates, 'orders', SIGNING_KEY)?.signed, false, 'changed by hand');
    assert.match((await problemAt(nowMs, SIGNING_KEY)) ?? '', /was changed since/);
    assert.equal(await problemAt(nowMs), undefined, 'without the key the folder is believed');
  });

  test('over a key of two columns, then it moves as well', async () => {
    await world.pool.query(
      `insert into positions select 'user-' || n % 7, 'S' || n || case when n % 2 = 0 then 'é🚀' else '' end, 'long', n, 1.50, 0, now(), now()
       from generate_series(1, 60) n`,
    );
    await world.migrate(['setup', 'positions']);
    await world.migrate(['plan', 'positions', '--chunk-rows', '7']);
    await world.migrate(['run', 'positions', '--until-caught-up']);
    const found = await differences(world, positions, plannedAtOf(world, positions));
    assert.deepEqual(found, { missing: [], extra: [], altered: [], rows: 60 });
    assert.equal((await json(['verify', 'positions'])).result, 'verified');
  });

  test('over listings, whose details are JSON with numbers longer than a float, then they move letter for letter', async () => {
    await world.pool.query(
      `insert into calendar_events (vcoin_id, symbol, project_name, first_open_time, status, launch_price, token_supply, details, created_at)
       select 'v' || n || case when n % 2 = 0 then '🚀' else '' end, 'T' || n || 'USDT', '月光 "' || n || '"', now() + n * interval '1.000001 s',
         (array['detected', 'sniped', 'missed'])[n % 3 + 1], nullif(n % 5, 0) * 0.000000000000000001, n * 10::numeric ^ 30 + 0.5,
         '{"n": 12345678901234567890.123456789012345678, "links": [null, "✓"]}', now()
       from generate_series(1, 40) n`,
    );
    await world.migrate(['setup', 'calendar_events']);
    await world.migrate(['plan', 'calendar_events', '--chunk-rows', '7']);
    await world.migrate(['run', 'calendar_events', '--until-caught-up']);
    await world.pool.query("update calendar_events set status = 'sniped', details = '{\"n\": 1e400}' where id = 1");
    await world.pool.query('delete from calendar_events where id = 2');
    await world.migrate(['run', 'calendar_events', '--until-caught-up']);
    const found = await differences(world, calendarEvents, plannedAtOf(world, calendarEvents));
    assert.deepEqual(found, { missing: [], extra: [], altered: [], rows: 39 });
    assert.equal((await json(['verify', 'calendar_events'])).result, 'verified');
  });

  test('follows changes: of values, of keys, of whom a row belongs to, deletes, and values too large for the row', async () => {
    await moveOrders();
    const [renamed, moved, gone, left] = (
      await world.pool.query('select order_id from orders order by order_id limit 4')
    ).rows;
    await world.pool.query("update orders set order_id = 'ffffffff-0000-7000-8000-000000000001' where order_id = $1", [
      renamed.order_id,
    ]);
    await world.pool.query("update orders set user_id = 'somebody' where order_id = $1", [moved.order_id]);
    await world.pool.query('delete from orders where order_id = $1', [gone.order_id]);
    // The large value is stored apart, and the next change leaves it alone.
    const large = "(select string_agg(md5(random()::text), '') from generate_series(1, 2000))";
    await world.pool.query(`update orders set mexc_order_id = ${large} where order_id = $1`, [left.order_id]);
    await world.pool.query('update orders set fee = fee + 1 where order_id = $1', [left.order_id]);
    await catchUp();
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), { ...PERFECT, rows: ROWS - 1 });
    let tombstones = 0;
    for await (const item of scan(world)) if (isTombstone(item)) tombstones += 1;
    assert.equal(tombstones, 3, 'of the key that was left, of the user that was left, of what was deleted');
    assert.equal((await json(['verify', 'orders'])).result, 'verified');
  });

  test('whose rows cannot be mapped, then they are dead letters, and replayed when they were put right', async () => {
    await seedOrders(world.pool, ROWS);
    const [bad, later] = [await idOf("status = 'open'"), await idOf("status = 'filled'")];
    await world.pool.query("update orders set quantity = 'NaN' where order_id = $1", [bad]);
    await world.migrate(['setup', 'orders']);
    const plan = await json(['plan', 'orders', '--chunk-rows', '25']);
    assert.match(JSON.stringify(plan.findings), /"unmappable":\{"count":1,.*quantity is \\"NaN\\"/);
    await catchUp();
    await world.pool.query("update orders set created_at = '-infinity' where order_id = $1", [later]);
    await catchUp();
    const listed = (await json(['dead-letter', 'list', 'orders'])).deadLetters;
    assert.deepEqual((listed as { key: string[] }[]).map(({ key }) => key[0]).sort(), [bad, later].sort());
    const refused = await json(['verify', 'orders'], 6);
    assert.deepEqual([refused.result, refused.missing, refused.extra, refused.deadLetters], ['failed', 0, 0, 2]);
    const waived = await json(['verify', 'orders', '--waive-dead-letters', 'test users']);
    assert.deepEqual(
      [waived.result, waived.waivers],
      ['verified', [{ what: 'deadLetters', count: 2, reason: 'test users' }]],
    );
    await world.pool.query('update orders set quantity = 2 where order_id = $1', [bad]); // Comes as a change.
    await catchUp();
    assert.equal(((await json(['dead-letter', 'list', 'orders'])).deadLetters as unknown[]).length, 1);
    await world.migrate(['dead-letter', 'replay', 'orders'], 1);
    await world.pool.query('update orders set created_at = now() where order_id = $1', [later]);
    assert.deepEqual(await json(['dead-letter', 'replay', 'orders']), { repaired: 1, gone: 0, failed: [] });
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), PERFECT);
    await catchUp();
    assert.equal((await json(['verify', 'orders'])).result, 'verified');
  });

  test('leaves alone what the service itself wrote', async () => {
    await seedOrders(world.pool, ROWS);
    await world.migrate(['setup', 'orders']);
    await world.migrate(['plan', 'orders']);
    const id = await idOf('true');
    const { rows } = await world.pool.query('select user_id from orders where order_id = $1', [id]);
    const Item = {
      pk: { S: `USER#${rows[0].user_id}` },
      sk: { S: `ORDER#${id}` },
      data_type: { S: 'ORDER' },
      own: { S: 'yes' },
    };
    await world.client.send(new PutItemCommand({ TableName: world.table, Item }));
    await catchUp();
    await world.pool.query('update orders set fee = 9 where order_id = $1', [id]);
    await catchUp();
    for await (const item of scan(world)) if ('own' in item) assert.deepEqual(item, Item);
    const { result, ownItems } = await json(['verify', 'orders']);
    assert.deepEqual([result, ownItems], ['verified', 1]);
  });
});

describe('verification', () => {
  test('finds every item that was changed, removed or added behind its back, and names its row', async () => {
    await moveOrders();
    const items = [];
    for await (const item of scan(world)) items.push(item);
    const sorted = items.sort((a, b) => (JSON.stringify(a.sk) < JSON.stringify(b.sk) ? -1 : 1));
    const put = (Item: Record<string, never>) =>
      world.client.send(new PutItemCommand({ TableName: world.table, Item }));
    const expected: string[] = [];
    for (const [i, item] of sorted.slice(0, 30).entries()) {
      const key = orderFromItem(item).order_id;
      const change = i % 6;
      const altered = [
        { fee: { S: '0.1' } },
        { symbol_shard: { S: 'X#1' } },
        { ttl: { N: '99999999999' } },
        { added: { S: '?' } },
      ][change];
      if (altered) await put({ ...item, ...altered } as never);
      else if (change === 4)
        await world.client.send(
          new DeleteItemCommand({ TableName: world.table, Key: { pk: item.pk, sk: item.sk } as never }),
        );
      else await put({ ...item, sk: { S: `${'S' in (item.sk ?? {}) ? (item.sk as { S: string }).S : ''}0` } } as never);
      expected.push(`${altered ? 'altered' : change === 4 ? 'missing' : 'extra'} ${key}`);
    }
    const { missing, extra, altered, examples } = await json(['verify', 'orders'], 6);
    assert.deepEqual([missing, extra, altered], [5, 5, 20]);
    const named = (examples as { kind: string; key: string[] }[]).map(({ kind, key }) => `${kind} ${key[0]}`);
    assert.deepEqual(named.sort(), expected.sort());
  });

  test('while rows change and a run follows, then it finds nothing wrong', async () => {
    await moveOrders();
    const run = world.start('run', 'orders');
    let writing = true;
    const writer = (async () => {
      while (writing) {
        await world.pool.query('update orders set fee = fee + 1, updated_at = now() where random() < 0.01');
        await delay(10);
      }
    })();
    await run.spoken;
    const verified = await json(['verify', 'orders']);
    writing = false;
    await writer;
    run.child.kill('SIGTERM');
    assert.equal((await run.ended).code, 0);
    assert.deepEqual([verified.result, verified.altered, verified.unsettled], ['verified', 0, 0]);
  });
});

describe('an operator', () => {
  test('pauses a run, which goes on when it is resumed; and SIGTERM ends it', async () => {
    await moveOrders();
    await world.migrate(['pause', 'orders']);
    const run = world.start('run', 'orders');
    await run.spoken;
    await world.pool.query('update orders set fee = 1');
    const waiting = async () => ((await json(['status', 'orders'])).jobs as { pending: number }[])[0]?.pending;
    await eventually(async () => (await waiting()) === ROWS, 'the changes to be received and held', 20_000);
    await world.migrate(['resume', 'orders']);
    await eventually(async () => (await waiting()) === 0, 'the changes to be applied', 20_000);
    run.child.kill('SIGTERM');
    assert.deepEqual(
      [(await run.ended).code, (await run.ended).stdout.trim()],
      [0, 'orders stopped; run it again to go on'],
    );
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), PERFECT);
  });

  test('asks about one row, and is told of both sides and of who wrote the item', async () => {
    await moveOrders();
    const id = await idOf('true');
    assert.match(
      (await world.migrate(['explain', 'orders', id])).stdout,
      /row: there\nchunk 0: copied, .*\nitem: there\nwritten by the copied row/,
    );
    await world.pool.query('update orders set fee = 1 where order_id = $1', [id]);
    await catchUp();
    assert.match(
      (await world.migrate(['explain', 'orders', id])).stdout,
      /written by the change at [0-9A-F]+\/[0-9A-F]+, number 1 of/,
    );
    await world.migrate(['explain', 'orders'], 2);
  });

  for (const [what, statement, reason] of [
    ['truncates the table', 'truncate orders', /the table was truncated/],
    [
      'changes the type of a column',
      'alter table orders alter column fee type numeric(40, 19)',
      /fee is no longer numeric\(38,18\)/,
    ],
    [
      'takes the old rows out of the log',
      'alter table orders replica identity default',
      /replica identity .* is not full any more/,
    ],
  ] as const) {
    test(`${what} under a run, then the job is blocked and says why, and nothing is lost by trying again`, async () => {
      await moveOrders();
      const run = world.start('run', 'orders');
      await run.spoken;
      await world.pool.query(statement);
      await world.pool.query(
        `insert into orders (order_id, user_id, symbol, side, order_type, quantity, status, client_order_id, created_at, updated_at)
         values (gen_random_uuid(), 'u', 'BTCUSDT', 'BUY', 'MARKET', 1, 'open', 'late', now(), now())`,
      );
      const { code, stdout } = await run.ended;
      assert.equal(code, 1);
      assert.match(stdout, reason);
      const [job] = (await json(['status', 'orders'])).jobs as { state: string; reason: string }[];
      assert.equal(job?.state, 'blocked');
      assert.match(job?.reason ?? '', reason);
    });
  }

  test('runs a plan that is not of these rows any more, then the run is refused with what to do', async () => {
    await seedOrders(world.pool, 10);
    assert.match((await world.migrate(['run', 'orders'], 1)).stderr, /there is no plan .*make one with/);
    await world.migrate(['plan', 'orders']);
    assert.match(
      (await world.migrate(['run', 'orders'], 5)).stderr,
      /replica identity is not full; run: banyan-migrate setup orders/,
    );
    await world.migrate(['setup', 'orders']);
    await world.pool.query('alter table orders alter column fee type numeric(40, 20)');
    assert.match(
      (await world.migrate(['run', 'orders'], 5)).stderr,
      /of other columns than the table now has; make it anew/,
    );
    await world.migrate(['plan', 'orders']);
    await catchUp();
    await world.migrate(['plan', 'orders']);
    assert.match((await world.migrate(['run', 'orders'], 5)).stderr, /under way by another plan/);
    const file = join(world.folder, 'orders.plan.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"rows":10', '"rows":11'));
    assert.match((await world.migrate(['run', 'orders'], 1)).stderr, /was changed since it was made/);
  });

  test('resets a job that is blocked, then it is planned anew and its items win over the old ones', async () => {
    await moveOrders();
    await world.pool.query('alter table orders alter column fee type numeric(40, 20)');
    await world.pool.query('update orders set fee = 0.00000000000000000001');
    await world.migrate(['plan', 'orders']);
    assert.match((await world.migrate(['run', 'orders'], 5)).stderr, /or: banyan-migrate reset orders/);
    assert.match((await world.migrate(['reset', 'orders'])).stdout, /dropped the replication slot banyan_orders/);
    await delay(1_100); // Versions tell plans apart by the second.
    await world.migrate(['plan', 'orders']);
    await catchUp();
    assert.deepEqual(await differences(world, orders, plannedAtOf(world)), PERFECT);
    assert.equal((await json(['verify', 'orders'])).result, 'verified');
  });

  test('names a job that there is not, then the exit code is 2', async () => {
    assert.match(
      (await world.migrate(['plan', 'users'], 2)).stderr,
      /there is no job users; the jobs are orders, positions/,
    );
    await world.migrate(['migrate'], 2);
    await world.migrate(['--help'], 0);
  });
});
