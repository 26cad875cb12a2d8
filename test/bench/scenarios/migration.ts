// 10. Data jobs: rows read from a real Postgres, made items and written to a table that takes everything at once, beside a naive
// script; and rows verified. CPU is this process's: Postgres and the table run beside it.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import type { Pool } from 'pg';
import { createClient } from '../../../backend/store/dynamo.ts';
import { orders } from '../../../migration/jobs/orders.ts';
import { openSqliteLedger } from '../../../migration/ledger/sqlite.ts';
import { survey } from '../../../migration/plan/survey.ts';
import { connectPool } from '../../../migration/postgres/connect.ts';
import { readFingerprint } from '../../../migration/postgres/schema.ts';
import { createPostgresSource } from '../../../migration/postgres/source.ts';
import type { Row } from '../../../migration/postgres/values.ts';
import { copyChunk } from '../../../migration/run/engine.ts';
import { createDynamoTarget } from '../../../migration/target/dynamo.ts';
import { Digest } from '../../../migration/verify/digest.ts';
import { printedRange, readingOfItem } from '../../../migration/verify/printed.ts';
import { seedOrders } from '../../helpers/migration.ts';
import { dataFolder, startPostgres } from '../../sandbox/postgres/postgres.ts';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { median } from '../statistics.ts';

const ROWS = 20_000;
const CHUNK_ROWS = 2_000;
const BATCH_ITEMS = 25;
const BATCHES_AT_ONCE = 8;
const PLANNED_AT_MS = Date.parse('2026-11-20T00:00:00.000Z');
const TABLE = 'bench';
const SINK_MAIN = join(import.meta.dirname, '..', 'peers', 'sink.ts');
const SCHEMA = join(import.meta.dirname, '..', '..', 'sandbox', 'seed', 'schema.sql');

type Cost = { readonly rowsPerSecond: number; readonly cpuMicrosPerRow: number };

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { rowsPerSecond: ROWS / ((performance.now() - startedMs) / 1000), cpuMicrosPerRow: (user + system) / ROWS };
}

export async function benchMigration({ options, processes, folder, say }: BenchContext): Promise<ScenarioResult> {
  say('10. data jobs');
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir });
  const pool = connectPool(postgres.url, 4);
  try {
    await pool.query(readFileSync(SCHEMA, 'utf8'));
    await seedOrders(pool, ROWS);
    const { listening } = await processes.startNode({ name: 'sink', args: [SINK_MAIN] });
    const works = await worksOn(pool, postgres.url, { endpoint: `http://${listening.http}`, folder });
    const costs: Record<string, Cost[]> = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
    for (let round = 0; round <= options.rounds; round++) {
      for (const [name, work] of Object.entries(works)) {
        const cost = await costOf(work);
        if (round > 0) costs[name]?.push(cost); // The first one compiles.
      }
    }
    const middle = (name: string, of: keyof Cost) => median((costs[name] ?? []).map((cost) => cost[of]));
    const rows = Object.keys(works).map((name) => [
      name,
      Math.round(middle(name, 'rowsPerSecond')).toLocaleString('en'),
      middle(name, 'cpuMicrosPerRow').toFixed(1),
    ]);
    return {
      title: `10. Data jobs: ${ROWS.toLocaleString('en')} orders`,
      tables: [{ title: '', columns: ['rows/s', 'CPU us/row'], rows }],
      budgets: [],
      notes: [
        'the naive script reads pages, maps them alike and writes by BatchWriteItem of the SDK: without conditions, changes or resuming',
        'the table answers at once: a real one throttles long before',
      ],
      data: costs,
      broken: [],
    };
  } finally {
    await pool.end();
    await postgres.close();
    rmSync(dataFolder(dataDir), { recursive: true, force: true });
  }
}

async function worksOn(pool: Pool, url: string, { endpoint, folder }: { endpoint: string; folder: string }) {
  const schema = await readFingerprint(pool, orders);
  const source = createPostgresSource({ url, pool, job: orders, schema });
  const { upTos } = await survey(orders, source, CHUNK_ROWS, PLANNED_AT_MS);
  let runs = 0;
  const everything = { after: null, upTo: null };
  return {
    'a job: read, mapped, put conditionally': async () => {
      const ledger = await openSqliteLedger(join(folder, `bench-${runs++}.sqlite`));
      const target = createDynamoTarget({ endpoint, region: 'us-east-1', table: TABLE });
      await ledger.begin({ name: 'orders', planHash: 'bench', key: orders.key, startLsn: 0n, upTos });
      const engine = { job: orders, source, target, ledger, plannedAtMs: PLANNED_AT_MS, now: Date.now };
      for (const { id } of await ledger.chunks('orders'))
        await copyChunk({ ...engine, chunkRowsMax: CHUNK_ROWS * 2 }, id);
      await target.close();
      await ledger.close();
    },
    'a naive script: read, mapped, BatchWriteItem': () => naive(pool, endpoint),
    'read alone': async () => {
      await source.readChunk(everything, ROWS);
    },
    'read and mapped': async () => {
      const { rows } = await source.readChunk(everything, ROWS);
      for (const row of rows) orders.toItem(row, PLANNED_AT_MS);
    },
    'verified: both readings and digests': async () => {
      const digest = new Digest();
      for (const { text } of await printedRange(pool, orders, everything, ROWS)) digest.add(text);
      const { rows } = await source.readChunk(everything, ROWS);
      for (const row of rows) {
        const reading = readingOfItem(orders, orders.toItem(row, PLANNED_AT_MS), PLANNED_AT_MS);
        digest.add(reading?.text ?? '');
      }
    },
  };
}

async function naive(pool: Pool, endpoint: string): Promise<void> {
  const client = createClient({ endpoint, region: 'us-east-1' });
  const columns = orders.columns.join(', ');
  const { rows } = await pool.query<Row>(`select ${columns} from orders order by order_id`);
  const batches: Row[][] = [];
  for (let at = 0; at < rows.length; at += BATCH_ITEMS) batches.push(rows.slice(at, at + BATCH_ITEMS));
  const writer = async () => {
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const requests = batch.map((row) => ({ PutRequest: { Item: orders.toItem(row, PLANNED_AT_MS) } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, writer));
  client.destroy();
}
