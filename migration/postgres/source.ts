// The source of a job in Postgres: chunks in short transactions, single rows, and the stream of changes.
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { type Job, quoted, quotedTable } from '../jobs/job.ts';
import type { Key, KeyRange } from '../jobs/key.ts';
import type { Source } from '../run/source.ts';
import { connectReplication } from './connect.ts';
import { parseLsn } from './lsn.ts';
import { type Fingerprint, problemOfRelation } from './schema.ts';
import { slotName } from './slot.ts';
import { startStream } from './stream.ts';
import { inSnapshot } from './transaction.ts';
import type { Row } from './values.ts';

/** The server may still believe in the connection of a process that was killed. */
const STREAM_ATTEMPTS = 20;
const STREAM_PAUSE_MS = 500;
/** "replication slot is active" (object_in_use). */
const SLOT_IN_USE = '55006';

/** A key's columns as SQL, in Postgres's types and the order that key.ts sorts by. */
export function keyExpressions(job: Job): string {
  return job.key.map(({ name, type }) => (type === 'text' ? `${quoted(name)} collate "C"` : quoted(name))).join(', ');
}

function placeholders(job: Job, first: number): string {
  return job.key.map(({ type }, i) => `$${first + i}::${type}`).join(', ');
}

/** The range as a condition and its values. */
export function rangeCondition(
  job: Job,
  { after, upTo }: KeyRange,
): { readonly sql: string; readonly values: string[] } {
  const bounds: string[] = [];
  const values: string[] = [];
  for (const [operator, key] of [
    ['>', after],
    ['<=', upTo],
  ] as const) {
    if (key === null) continue;
    bounds.push(`(${keyExpressions(job)}) ${operator} (${placeholders(job, values.length + 1)})`);
    values.push(...key);
  }
  return { sql: bounds.length === 0 ? 'true' : bounds.join(' and '), values };
}

const snapshotRow = z.object({ snapshot: z.string() });

export async function currentSnapshot(client: PoolClient): Promise<string> {
  const { rows } = await client.query('select pg_current_snapshot()::text as snapshot');
  return snapshotRow.parse(rows[0]).snapshot;
}

export async function logPosition(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query('select pg_current_wal_insert_lsn()::text as lsn');
  return parseLsn(z.object({ lsn: z.string() }).parse(rows[0]).lsn);
}

export type PostgresSourceOptions = {
  readonly url: string;
  readonly pool: Pool;
  readonly job: Job;
  /** What the job was planned on. */
  readonly schema: Fingerprint;
};

export function createPostgresSource({ url, pool, job, schema }: PostgresSourceOptions): Source {
  const columns = job.columns.map(quoted).join(', ');
  const table = quotedTable(job);

  async function xidNow(): Promise<bigint> {
    const { rows } = await pool.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
    return BigInt(z.object({ xid: z.string() }).parse(rows[0]).xid);
  }

  return {
    readChunk: (range, limit) =>
      inSnapshot(pool, async (client) => {
        const snapshot = await currentSnapshot(client);
        const { sql, values } = rangeCondition(job, range);
        const text = `select ${columns} from ${table} where ${sql} order by ${keyExpressions(job)} limit ${limit}`;
        const { rows } = await client.query<Row>(text, values);
        return { snapshot, rows };
      }),
    async readRow(key: Key) {
      const text = `select ${columns} from ${table} where (${keyExpressions(job)}) = (${placeholders(job, 1)})`;
      return (await pool.query<Row>(text, [...key])).rows[0];
    },
    async stream(from) {
      const xidReference = await xidNow();
      for (let attempt = 1; ; attempt++) {
        const client = await connectReplication(url);
        const name = slotName(job);
        const problemOf = (relation: Parameters<typeof problemOfRelation>[1]) => problemOfRelation(schema, relation);
        const stream = startStream({ client, slot: name, publication: name, from, xidReference, problemOf });
        try {
          await stream.started;
          return stream;
        } catch (error) {
          await stream.close();
          const inUse = error instanceof Error && 'code' in error && error.code === SLOT_IN_USE;
          if (!inUse || attempt === STREAM_ATTEMPTS) throw error;
          await new Promise((resolve) => setTimeout(resolve, STREAM_PAUSE_MS));
        }
      }
    },
    position: () => logPosition(pool),
  };
}
