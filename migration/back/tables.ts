// What the way back and the cutover keep, in a schema of their own in the source's database: beside the rows that they are about,
// so that one transaction holds both.
import type { Pool } from 'pg';
import type { Job } from '../jobs/job.ts';

export const SCHEMA = 'banyan';

/**
 * written: of each row that the way back wrote, the version it was written from, also when it was deleted (a late write finds a
 * newer one). positions: how far each shard was read. refused: dead letters. control: who may write, and what was proven.
 */
const LAYOUT = `
  create schema if not exists ${SCHEMA};
  create table if not exists ${SCHEMA}.written (
    job text not null, key text not null, sequence numeric(40) not null, deleted boolean not null, pk text not null,
    sk text not null, primary key (job, key)
  );
  create table if not exists ${SCHEMA}.positions (
    job text not null, shard text not null, sequence text, ended boolean not null, primary key (job, shard)
  );
  create table if not exists ${SCHEMA}.refused (
    job text not null, key text not null, sequence numeric(40) not null, reason text not null, item jsonb not null,
    at timestamptz not null default now(), primary key (job, key)
  );
  create table if not exists ${SCHEMA}.control (
    job text primary key, phase text not null default 'legacy' check (phase in ('legacy', 'fenced', 'new', 'final')),
    until timestamptz, generation bigint not null default 0, rehearsed_at timestamptz, rehearsed_plan text
  );`;

/** Says what it made. */
export async function ensureBackTables(pool: Pool, job: Job): Promise<readonly string[]> {
  const { rows } = await pool.query('select to_regclass($1)::text as present', [`${SCHEMA}.control`]);
  const isThere = rows[0]?.present !== null;
  // Made together or not at all: a text of several statements is one transaction.
  if (!isThere) await pool.query(LAYOUT);
  await pool.query(`insert into ${SCHEMA}.control (job) values ($1) on conflict do nothing`, [job.name]);
  return isThere ? [] : [`made the schema ${SCHEMA} in the source's database`];
}

/** Forgets everything of the job, and the schema with the last one; says what it did. */
export async function dropBackTables(pool: Pool, job: Job): Promise<readonly string[]> {
  const { rows } = await pool.query('select to_regclass($1)::text as present', [`${SCHEMA}.control`]);
  if (rows[0]?.present === null) return [];
  for (const table of ['written', 'positions', 'refused', 'control'])
    await pool.query(`delete from ${SCHEMA}.${table} where job = $1`, [job.name]);
  const others = await pool.query(`select 1 from ${SCHEMA}.control`);
  if (others.rows.length > 0) return [`forgot the way back of ${job.name}`];
  await pool.query(`drop schema ${SCHEMA} cascade`);
  return [`dropped the schema ${SCHEMA} from the source's database`];
}
