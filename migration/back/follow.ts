// The way back: the table's changes, written to the source's rows for as long as somebody may want to go back.
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import type { Job } from '../jobs/job.ts';
import { WAY_BACK } from '../postgres/stream.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { ItemFeed, Shard } from './feed.ts';
import { type BackJob, meaningOf, writeBack } from './rows.ts';
import { SCHEMA } from './tables.ts';

const IDLE_PAUSE_MS = 250;

export type BackCounts = {
  readonly written: number;
  /** Newer already. */
  readonly kept: number;
  readonly refused: number;
  /** The job's own writes, come round. */
  readonly own: number;
};

export type WayBack = BackJob & { readonly pool: Pool; readonly feed: ItemFeed };

const positionRow = z.object({
  shard: z.string(),
  sequence: z.string().nullable(),
  ended: z.union([z.boolean(), z.enum(['t', 'f'])]).transform((value) => value === true || value === 't'),
});
type Position = z.infer<typeof positionRow>;

/** One process at a time writes back: others would only be told 'kept', at a cost. Held by the connection. */
const lockOf = ({ job }: BackJob): string => `banyan way back ${job.name}`;

async function positionsOf({ pool, job }: WayBack): Promise<Map<string, Position>> {
  const { rows } = await pool.query(`select shard, sequence, ended from ${SCHEMA}.positions where job = $1`, [
    job.name,
  ]);
  return new Map(rows.map((row) => positionRow.parse(row)).map((position) => [position.shard, position]));
}

/** Shards that may be read now: children wait for their parents, so that an item's changes come in their order. */
export function readable(shards: readonly Shard[], ended: (shard: string) => boolean): readonly Shard[] {
  const known = new Set(shards.map(({ id }) => id));
  return shards.filter(({ id, parent }) => !ended(id) && (parent === undefined || !known.has(parent) || ended(parent)));
}

/** Finalizing rewrites items, which is nothing to write back. */
async function refuseWhenFinal(client: PoolClient, job: Job): Promise<void> {
  const { rows } = await client.query(`select phase from ${SCHEMA}.control where job = $1 for share`, [job.name]);
  if (rows[0]?.phase === 'final') throw new Error(`${job.name} is finalized: there is no way back`);
}

/** Reads every readable shard once, and writes what it holds. Each page and its position are one transaction. */
export async function followOnce(back: WayBack): Promise<BackCounts> {
  const { pool, feed, job } = back;
  const counts = { written: 0, kept: 0, refused: 0, own: 0 };
  const positions = await positionsOf(back);
  const shards = await feed.shards();
  for (const { id } of readable(shards, (shard) => positions.get(shard)?.ended === true)) {
    const at = positions.get(id)?.sequence ?? undefined;
    const { changes, ended } = await feed.read(id, at);
    const last = changes.at(-1)?.sequence ?? at ?? null;
    if (changes.length === 0 && !ended) continue;
    await inTransaction(pool, async (client) => {
      // First of all: our own receiver passes over transactions that begin so. And the fence lets them through.
      await refuseWhenFinal(client, job);
      await client.query("select pg_logical_emit_message(true, $1, $2), set_config('banyan.way_back', 'on', true)", [
        WAY_BACK,
        job.name,
      ]);
      for (const change of changes) {
        const meaning = meaningOf(job, change);
        if (meaning === 'own') counts.own += 1;
        if (meaning === 'news') counts[await writeBack(client, back, change)] += 1;
      }
      await client.query(
        `insert into ${SCHEMA}.positions values ($1, $2, $3, $4)
         on conflict (job, shard) do update set sequence = excluded.sequence, ended = excluded.ended`,
        [job.name, id, last, ended],
      );
    });
  }
  return counts;
}

/**
 * Until `signal` ends it; 'busy' at once when another process does it already. @throws FeedTrimmed when changes are lost, and
 * what the source or the stream throws
 */
export async function follow(
  back: WayBack,
  { signal, onCounts }: { signal: AbortSignal; onCounts: (counts: BackCounts) => void },
): Promise<'ended' | 'busy'> {
  const client = await back.pool.connect();
  try {
    const { rows } = await client.query('select pg_try_advisory_lock(hashtext($1))::text as got', [lockOf(back)]);
    if (rows[0]?.got !== 'true') return 'busy';
    while (!signal.aborted) {
      const counts = await followOnce(back);
      onCounts(counts);
      const isIdle = counts.written + counts.kept + counts.refused + counts.own === 0;
      if (isIdle) await delay(IDLE_PAUSE_MS, undefined, { signal }).catch(() => {});
    }
    return 'ended';
  } finally {
    client.release(true); // The lock ends with the connection.
  }
}

/** `work`, while changes are written back, by another process or by us. Rejects with what ends that, too. */
export async function whileFollowing<T>(back: WayBack, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const failing = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const following = follow(back, { signal: ending.signal, onCounts: () => {} }).catch((error: unknown) => {
    failure = { error };
    failing.abort();
  });
  try {
    return await work(failing.signal);
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  } finally {
    ending.abort();
    await following;
  }
}

/** Changes whose rows could not be: until they are put right, going back loses them. */
export async function refusals(
  { pool, job }: Pick<WayBack, 'pool' | 'job'>,
  limit: number,
): Promise<readonly { readonly key: string; readonly reason: string }[]> {
  const { rows } = await pool.query(`select key, reason from ${SCHEMA}.refused where job = $1 order by key limit $2`, [
    job.name,
    limit,
  ]);
  return rows.map((row) => z.object({ key: z.string(), reason: z.string() }).parse(row));
}
