// One round of the proof: a job runs while a writer changes, inserts, renames and deletes rows, and is killed outright at random
// moments. In the end the target is the mapped source, and the certificate says so.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { orders } from '../../migration/jobs/orders.ts';
import { openSqliteLedger } from '../../migration/ledger/sqlite.ts';
import { eventually } from '../helpers/deadline.ts';
import { differences, type MigrationWorld, plannedAtOf, seedOrders } from '../helpers/migration.ts';
import { createRandom, type Random } from '../sandbox/seed/random.ts';

export type RoundOptions = {
  readonly rows: number;
  readonly kills: number;
  readonly chunkRows: number;
  readonly seed: number;
  readonly say: (line: string) => void;
};

/** Statements that a live system might make; each is a transaction, and some of them several rows. */
const WRITES: readonly ((random: Random, rows: number) => readonly [text: string, values: readonly unknown[]])[] = [
  (random, rows) => [
    "update orders set status = 'filled', filled_quantity = quantity, updated_at = now() where order_id = md5('order' || $1::int)::uuid",
    [random.int(1, rows)],
  ],
  (random, rows) => [
    `update orders set fee = fee + 0.000000000000000001, updated_at = now()
     where order_id in (md5('order' || $1::int)::uuid, md5('order' || ($1::int + 1))::uuid)`,
    [random.int(1, rows)],
  ],
  (random, rows) => ["delete from orders where order_id = md5('order' || $1::int)::uuid", [random.int(1, rows)]],
  (random) => [
    `insert into orders (order_id, user_id, symbol, side, order_type, quantity, status, client_order_id, created_at, updated_at)
     values (gen_random_uuid(), 'user-' || $1::int, 'BTCUSDT', 'BUY', 'MARKET', 1.5, 'open', left(md5(random()::text), 30), now(), now())`,
    [random.int(1, 97)],
  ],
  // The key of a row changes, and with it its place; then the user, which moves the item only.
  (random, rows) => [
    "update orders set order_id = gen_random_uuid() where order_id = md5('order' || $1::int)::uuid",
    [random.int(1, rows)],
  ],
  (random, rows) => [
    "update orders set user_id = user_id || 'x' where order_id = md5('order' || $1::int)::uuid and length(user_id) < 20",
    [random.int(1, rows)],
  ],
  // A row that goes and comes back within one transaction.
  (random, rows) => [
    `with gone as (delete from orders where order_id = md5('order' || $1::int)::uuid returning *)
     insert into orders select (jsonb_populate_record(null::orders, to_jsonb(gone) || jsonb_build_object('order_id', gen_random_uuid(), 'client_order_id', left(md5(random()::text), 30)))).* from gone`,
    [random.int(1, rows)],
  ],
];

/** Writes until told to end; answers how many transactions it committed. */
async function write(pool: Pool, rows: number, random: Random, signal: AbortSignal): Promise<number> {
  let committed = 0;
  while (!signal.aborted) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      for (let statements = random.int(1, 4); statements > 0; statements--) {
        const [text, values] = random.pick(WRITES)(random, rows);
        await client.query(text, [...values]);
      }
      // A transaction that stays open for a while, or comes to nothing, is what snapshots must get right.
      if (random.chance(0.2)) await delay(random.int(1, 40));
      const commits = !random.chance(0.1);
      await client.query(commits ? 'commit' : 'rollback');
      if (commits) committed += 1;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === DEADLOCK)) throw error;
      await client.query('rollback');
    } finally {
      client.release();
    }
    await delay(random.int(0, 3));
  }
  return committed;
}

const DEADLOCK = '40P01';
const WRITERS = 2;

/** Long enough for any part of the work, however busy the machine is. */
const PROGRESS_MS = 300_000;

/** Killed at a random moment of its work, within `most` rows from where it began; now and then while it still starts. */
async function runAndKill(world: MigrationWorld, random: Random, most: number): Promise<void> {
  const ledger = await openSqliteLedger(join(world.folder, 'ledger.sqlite'));
  const done = async () => {
    const counts = (await ledger.job('orders'))?.counts;
    return counts === undefined ? 0 : counts.rowsWritten + counts.rowsKept + counts.changesApplied;
  };
  const enough = random.chance(0.15) ? 0 : (await done()) + random.int(1, most);
  const run = world.start('run', 'orders');
  await eventually(async () => (await done()) >= enough || run.child.exitCode !== null, 'the run to work', PROGRESS_MS);
  await delay(random.int(0, 30));
  run.child.kill('SIGKILL');
  const { stderr, code } = await run.ended;
  await ledger.close();
  assert.equal(code, null, `the run ended by itself: ${stderr}`);
}

export async function soakRound(world: MigrationWorld, options: RoundOptions): Promise<void> {
  const { rows, kills, chunkRows, seed, say } = options;
  const random = createRandom(seed);
  await seedOrders(world.pool, rows);
  await world.migrate(['setup', 'orders']);
  await world.migrate(['plan', 'orders', '--chunk-rows', String(chunkRows)]);
  const ending = new AbortController();
  const writing = Array.from({ length: WRITERS }, (_, i) =>
    write(world.pool, rows, createRandom(seed + i + 1), ending.signal),
  );
  for (let kill = 1; kill <= kills; kill++) await runAndKill(world, random, Math.ceil(rows / (kills + 1)));
  const status = await world.migrate(['status', 'orders']);
  const last = world.start('run', 'orders', '--until-caught-up');
  await delay(random.int(200, 1000));
  ending.abort();
  const transactions = (await Promise.all(writing)).reduce((sum, each) => sum + each, 0);
  const ended = await last.ended;
  assert.equal(ended.code, 0, ended.stderr);
  // The writers may have written after the position that the run caught up to.
  await world.migrate(['run', 'orders', '--until-caught-up']);
  say(`${transactions} transactions, ${kills} kills; before the last run: ${status.stdout.trim()}`);
  const found = await differences(world, orders, plannedAtOf(world));
  assert.deepEqual({ ...found, rows: 0 }, { missing: [], extra: [], altered: [], rows: 0 });
  const { stdout } = await world.migrate(['--json', 'verify', 'orders']);
  const certificate: Record<string, unknown> = JSON.parse(stdout);
  assert.deepEqual([certificate.result, certificate.rows], ['verified', found.rows]);
  say(`${found.rows} rows: 0 missing, 0 extra, 0 altered`);
}
