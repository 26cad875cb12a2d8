// A data job on a real Postgres and a DynamoDB stand-in, driven through its command line, and the oracle that says what must be there.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { Client, Pool } from 'pg';
import type { Item } from '../../backend/store/items.ts';
import { runCli } from '../../migration/cli/program.ts';
import type { Job } from '../../migration/jobs/job.ts';
import { orders } from '../../migration/jobs/orders.ts';
import { connectPool } from '../../migration/postgres/connect.ts';
import type { Row } from '../../migration/postgres/values.ts';
import { isTombstone, unmarked } from '../../migration/run/marks.ts';
import { dataFolder, startPostgres } from '../sandbox/postgres/postgres.ts';
import { eventually } from './deadline.ts';
import type { DynamoServer } from './dynamo.ts';
import { spawnServer } from './process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MIGRATE = join(ROOT, 'migration', 'main.ts');
const KILLED_AT = join(ROOT, 'test', 'migration', 'killed-at.ts');
export const SIGNING_KEY = 'test-signing-key-0123456789abcdef0123';

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** One command of `banyan-migrate` as a process. */
export type Command = {
  readonly child: ChildProcess;
  /** Settles with the first words on stderr: a run's first report. */
  readonly spoken: Promise<unknown>;
  readonly ended: Promise<Ended>;
};

export type MigrationWorld = Awaited<ReturnType<typeof openMigrationWorld>>;

export type MigrationServers = Awaited<ReturnType<typeof openMigrationServers>>;

async function startStandIn(): Promise<DynamoServer> {
  const dynamo = await spawnServer({ args: [join(ROOT, 'test', 'sandbox', 'dynamo', 'main.ts')] });
  return {
    endpoint: `http://${dynamo.listening.http}`,
    close: async () => {
      await dynamo.stop();
    },
  };
}

/** A Postgres and a table server, both new, with everything under one folder. */
export async function openMigrationServers(startDynamo: () => Promise<DynamoServer> = startStandIn) {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-migration-'));
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir });
  const dynamo = await startDynamo();
  return {
    folder,
    postgres,
    endpoint: dynamo.endpoint,
    async close() {
      await dynamo.close();
      await postgres.close();
      rmSync(dataFolder(dataDir), { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let worlds = 0;

/** A database of its own with the legacy schema, empty, and the name of a table that is not there yet. */
export async function openMigrationWorld(servers: MigrationServers, more: Readonly<Record<string, string>> = {}) {
  const { postgres, endpoint } = servers;
  const name = `world${worlds++}`;
  const folder = join(servers.folder, name);
  const maintenance = new Client({ connectionString: postgres.url });
  await maintenance.connect();
  await maintenance.query(`create database ${name}`);
  const url = postgres.url.replace(/[^/]*$/, name);
  const pool = new Pool({ connectionString: url, max: 8 });
  pool.on('error', () => {});
  await pool.query(readFileSync(join(ROOT, 'test', 'sandbox', 'seed', 'schema.sql'), 'utf8'));
  const client = new DynamoDBClient({
    ...{ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } },
  });
  const env = {
    ...process.env,
    MIGRATION_SOURCE_URL: url,
    MIGRATION_FOLDER: folder,
    MIGRATION_SIGNING_KEY: SIGNING_KEY,
    MIGRATION_STREAM_SETTLE_MS: '300', // A local stream has a change at once.
    DYNAMODB_ENDPOINT: endpoint,
    DYNAMODB_TABLE: name,
    ...more,
  };

  const children = new Set<ChildProcess>();

  function start(...args: string[]): Command {
    return startScript(MIGRATE, ...args);
  }

  function startScript(...args: string[]): Command {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    children.add(child);
    const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
    return { child, spoken: once(child.stderr, 'data'), ended };
  }

  return {
    url,
    folder,
    table: name,
    pool,
    client,
    certificates: join(folder, 'certificates'),
    start,
    /** Runs a command that dies as by kill -9 when it has said `words`. */
    async killedAt(words: string, ...args: string[]): Promise<void> {
      const { child, ended } = startScript(KILLED_AT, words, ...args);
      const { stderr } = await ended;
      assert.equal(child.signalCode, 'SIGKILL', `it ended by itself: ${stderr}`);
    },
    /** Runs a command to its end, in this process; rejects when its exit code is another than `code`. */
    async migrate(args: readonly string[], code = 0): Promise<Ended> {
      const texts = { stdout: '', stderr: '' };
      const output = {
        out(text: string) {
          texts.stdout += `${text}\n`;
        },
        err(text: string) {
          texts.stderr += `${text}\n`;
        },
      };
      const exit = await runCli(args, { output, env, signal: new AbortController().signal });
      const ended = { ...texts, code: exit };
      assert.equal(ended.code, code, `banyan-migrate ${args.join(' ')}: ${ended.stdout}\n${ended.stderr}`);
      return ended;
    },
    /** Slots are of the whole server, and so go with the database. */
    async close() {
      for (const child of children) child.kill('SIGKILL');
      client.destroy();
      await pool.end();
      const slots = 'from pg_replication_slots where database = $1';
      await eventually(
        async () => (await maintenance.query(`select 1 ${slots} and active`, [name])).rows.length === 0,
        'the slots to be left',
      );
      await maintenance.query(`select pg_drop_replication_slot(slot_name) ${slots}`, [name]);
      await maintenance.query(`drop database ${name} with (force)`);
      await maintenance.end();
    },
  };
}

/** Orders with awkward values, `count` of them, of ids that do not come in the order of time. */
export async function seedOrders(pool: Pool, count: number): Promise<void> {
  await pool.query(
    `insert into orders (order_id, user_id, symbol, side, order_type, quantity, price, filled_quantity, average_price, fee,
       status, mexc_order_id, client_order_id, notes, created_at, updated_at)
     select md5('order' || n)::uuid, 'user-' || n % 97, (array['BTCUSDT', 'ETHUSDT', 'SOLUSDT'])[n % 3 + 1],
       (array['BUY', 'SELL'])[n % 2 + 1], (array['LIMIT', 'MARKET'])[n % 2 + 1],
       n * 1.000000000000000001, nullif(n % 5, 0) * 12345.678, n % 7, nullif(n % 7, 0) * 0.00000001, 0,
       (array['filled', 'cancelled', 'error', 'open', 'partially_filled', 'pending', 'unknown'])[n % 7 + 1],
       case when n % 4 = 0 then null else md5('mexc' || n) end, 'c' || n,
       case when n % 11 = 0 then repeat(md5(n::text), 300) end,
       timestamptz '2026-03-01 00:00:00+00' + n * interval '1.000001 seconds',
       timestamptz '2026-10-01 00:00:00+00' + n * interval '0.999999 seconds'
     from generate_series(1, $1::int) n`,
    [count],
  );
}

export type Differences = {
  readonly missing: string[];
  readonly extra: string[];
  readonly altered: string[];
  readonly rows: number;
};

const place = (item: Item): string => JSON.stringify([item.pk, item.sk]);

/** What the target holds against the mapped source, each side read whole, by nothing that the job reads with but its mapping. */
export async function differences(world: MigrationWorld, job: Job, plannedAtMs: number): Promise<Differences> {
  const expected = new Map<string, string>();
  const source = connectPool(world.url, 1);
  const { rows } = await source.query<Row>(`select * from ${job.table.name}`);
  await source.end();
  for (const row of rows) {
    const item = job.toItem(row, plannedAtMs);
    expected.set(place(item), canonical(item));
  }
  const found: Differences = { missing: [], extra: [], altered: [], rows: rows.length };
  for await (const item of scan(world)) {
    if (isTombstone(item) || JSON.stringify(item.data_type) !== JSON.stringify({ S: job.dataType })) continue;
    const wanted = expected.get(place(item));
    expected.delete(place(item));
    if (wanted === undefined) found.extra.push(place(item));
    else if (wanted !== canonical(unmarked(item))) found.altered.push(place(item));
  }
  found.missing.push(...expected.keys());
  return found;
}

const canonical = (item: Item): string => JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Every item of the table. */
export async function* scan(world: Pick<MigrationWorld, 'client' | 'table'>): AsyncIterable<Item> {
  let ExclusiveStartKey: Record<string, never> | undefined;
  do {
    const page = await world.client.send(
      new ScanCommand({
        TableName: world.table,
        ConsistentRead: true,
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      }),
    );
    yield* (page.Items ?? []) as Item[]; // Our own kinds of attributes.
    ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
  } while (ExclusiveStartKey !== undefined);
}

export const plannedAtOf = (world: MigrationWorld, job: Job = orders): number => {
  const file = join(world.folder, `${job.name}.plan.json`);
  const { plannedAt }: { plannedAt: string } = JSON.parse(readFileSync(file, 'utf8'));
  return Date.parse(plannedAt);
};
