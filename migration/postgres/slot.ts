// The source's side of a job: its publication, its replication slot, and what must be true of the table.
import type { Pool } from 'pg';
import { z } from 'zod';
import { type Job, quoted, quotedTable } from '../jobs/job.ts';
import { type Lsn, parseLsn } from './lsn.ts';

/** The job's publication and slot, named alike. */
export const slotName = (job: Job): string => `banyan_${job.name}`;

export type SlotHealth = {
  /** Whether a run receives from it. */
  readonly active: boolean;
  /** reserved, extended, unreserved (soon lost) or lost, as pg_replication_slots says. */
  readonly walStatus: string;
  /** Log kept for the slot. */
  readonly keptBytes: number;
  /** What may still be written before the slot is lost; undefined without a limit. */
  readonly safeBytes: number | undefined;
};

const count = z.string().transform(Number);
const slotRow = z.object({ confirmed: z.string().transform(parseLsn), plugin: z.string(), own: z.string() });
const healthRow = z.object({ wal_status: z.string(), active: z.string(), kept: count, safe: count.nullable() });

async function slotPosition(pool: Pool, job: Job): Promise<Lsn | undefined> {
  const { rows } = await pool.query(
    `select confirmed_flush_lsn::text as confirmed, plugin, (database = current_database())::text as own
     from pg_replication_slots where slot_name = $1`,
    [slotName(job)],
  );
  if (rows[0] === undefined) return undefined;
  const { confirmed, plugin, own } = slotRow.parse(rows[0]);
  if (plugin !== 'pgoutput' || own !== 'true')
    throw new Error(`the slot ${slotName(job)} is not of pgoutput in this database: drop it, if nobody needs it`);
  return confirmed;
}

/** Makes the publication and the slot where they are missing; says what it did. `startLsn`: all that commits later comes. */
export async function ensureSlot(pool: Pool, job: Job): Promise<{ startLsn: Lsn; done: readonly string[] }> {
  const done: string[] = [];
  const name = slotName(job);
  const published = await pool.query('select 1 from pg_publication where pubname = $1', [name]);
  if (published.rows.length === 0) {
    await pool.query(`create publication ${quoted(name)} for table ${quotedTable(job)}`);
    done.push(`made the publication ${name}`);
  }
  const present = await slotPosition(pool, job);
  if (present !== undefined) return { startLsn: present, done };
  await pool.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
  done.push(`made the replication slot ${name}`);
  const made = await slotPosition(pool, job);
  if (made === undefined) throw new Error(`the slot ${name} vanished as soon as it was made`);
  return { startLsn: made, done };
}

/** Takes both away, so that the source keeps no log for the job; says what it did. @throws while a run receives from the slot */
export async function dropSlot(pool: Pool, job: Job): Promise<readonly string[]> {
  const done: string[] = [];
  const name = slotName(job);
  if ((await slotPosition(pool, job)) !== undefined) {
    await pool.query('select pg_drop_replication_slot($1)', [name]);
    done.push(`dropped the replication slot ${name}`);
  }
  const published = await pool.query('select 1 from pg_publication where pubname = $1', [name]);
  if (published.rows.length === 0) return done;
  await pool.query(`drop publication ${quoted(name)}`);
  return [...done, `dropped the publication ${name}`];
}

/** Old rows come whole then: where an item is, and large values that a change left alone, are not in the log otherwise. */
export async function ensureFullIdentity(pool: Pool, job: Job): Promise<readonly string[]> {
  if ((await replicaIdentity(pool, job)) === 'f') return [];
  await pool.query(`alter table ${quotedTable(job)} replica identity full`);
  return [`set the replica identity of ${quotedTable(job)} to full`];
}

/** 'f' is full. */
export async function replicaIdentity(pool: Pool, job: Job): Promise<string> {
  const { rows } = await pool.query('select relreplident::text as identity from pg_class where oid = $1::regclass', [
    quotedTable(job),
  ]);
  return z.object({ identity: z.string() }).parse(rows[0]).identity;
}

/** Undefined when there is no slot. */
export async function slotHealth(pool: Pool, job: Job): Promise<SlotHealth | undefined> {
  const { rows } = await pool.query(
    `select coalesce(wal_status, 'lost') as wal_status, active::text as active, safe_wal_size::text as safe,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint::text as kept
     from pg_replication_slots where slot_name = $1`,
    [slotName(job)],
  );
  if (rows[0] === undefined) return undefined;
  const { wal_status: walStatus, active, kept: keptBytes, safe } = healthRow.parse(rows[0]);
  return { walStatus, active: active === 'true', keptBytes, safeBytes: safe ?? undefined };
}
