// The Postgres ledger's tables, and transactions on them: each holds its job's row, so that those of one job come one after the other.
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { connectPool } from '../postgres/connect.ts';
import { type Counts, type DeadLetter, type Effect, Superseded } from './ledger.ts';
import { HELD, OPEN, READY } from './rows.ts';

const CONNECTIONS_MAX = 4;
export const SCHEMA = 'banyan_ledger';
const LAYOUT_VERSION = 1;

/** Like the SQLite ledger's, and with the number of splits, by which a process sees that its ranges are old. */
const LAYOUT = `
  create schema ${SCHEMA};
  create table ${SCHEMA}.layout (version integer not null);
  insert into ${SCHEMA}.layout values (${LAYOUT_VERSION});
  create table ${SCHEMA}.jobs (
    name text primary key, plan_hash text not null, key text not null, state text not null, reason text,
    paused integer not null default 0, spooled_lsn text not null, receiver text, splits integer not null default 0
  );
  create table ${SCHEMA}.counts (job text, name text, value bigint not null, primary key (job, name));
  create table ${SCHEMA}.chunks (
    job text, id integer, up_to text, done integer not null default 0, snapshot text, claim text, primary key (job, id)
  );
  create table ${SCHEMA}.changes (
    id bigint generated always as identity primary key, job text not null, chunk integer not null, state integer not null,
    kind text not null, lsn text not null, seq integer not null, xid text not null, key text not null, row text not null
  );
  create index changes_ready on ${SCHEMA}.changes (job, id) where state = ${READY};
  create index changes_open on ${SCHEMA}.changes (job) where state = ${OPEN};
  create index changes_chunk on ${SCHEMA}.changes (job, chunk, state);
  create index changes_key on ${SCHEMA}.changes (job, md5(key));
  create table ${SCHEMA}.dead_letters (
    job text, key text, reason text not null, row text not null, version text not null, at text not null
  );
  create unique index dead_letters_key on ${SCHEMA}.dead_letters (job, md5(key));`;

type Value = string | number | null;

/** Opens the ledger in the database at `url`, made when missing. @throws when it is newer than this program */
export async function openTables(url: string): Promise<PostgresTables> {
  const tables = new PostgresTables(connectPool(url, CONNECTIONS_MAX));
  try {
    await tables.transaction(undefined, async (at) => {
      await at.run('select pg_advisory_xact_lock(hashtext($1))', SCHEMA); // Two processes may be the first.
      const [there] = await at.all(
        z.object({ at: z.string().nullable() }),
        'select to_regclass($1)::text as at',
        `${SCHEMA}.layout`,
      );
      if (there?.at === null) await at.run(LAYOUT);
    });
    const versions = await tables.all(z.object({ version: z.coerce.number() }), `select version from ${SCHEMA}.layout`);
    const found = versions[0]?.version ?? 0;
    if (found > LAYOUT_VERSION)
      throw new Error(
        `the ledger in Postgres is of layout ${found}, a newer one than this program's (${LAYOUT_VERSION})`,
      );
    return tables;
  } catch (error) {
    await tables.close();
    throw error;
  }
}

/** Statements, on a connection of the pool or on that of a transaction. */
class Statements {
  readonly #on: Pool | PoolClient;
  constructor(on: Pool | PoolClient) {
    this.#on = on;
  }
  async run(sql: string, ...values: readonly (Value | readonly Value[])[]): Promise<void> {
    await this.#on.query(sql, values.length === 0 ? undefined : [...values]);
  }
  async all<T extends z.ZodType>(
    schema: T,
    sql: string,
    ...values: readonly (Value | readonly Value[])[]
  ): Promise<z.infer<T>[]> {
    return (await this.#on.query(sql, [...values])).rows.map((row) => schema.parse(row));
  }
}

/** What one transaction does to one job. */
export class Transaction extends Statements {
  /** @throws Superseded when not all of `count` rows are found: somebody else has taken over */
  async must(count: number, sql: string, ...values: readonly (Value | readonly Value[])[]): Promise<void> {
    const found = await this.all(z.unknown(), sql, ...values);
    if (found.length !== count) throw new Superseded('another process has taken this over');
  }

  async count(job: string, counts: Partial<Counts>): Promise<void> {
    for (const [name, value] of Object.entries(counts))
      await this.run(
        `insert into ${SCHEMA}.counts as c values ($1, $2, $3)
         on conflict (job, name) do update set value = c.value + excluded.value`,
        ...[job, name, value],
      );
  }

  /** All at once: a delivery may hold thousands. */
  async addEffects(
    job: string,
    effects: readonly (Effect & { readonly chunk: number; readonly lsn: string })[],
  ): Promise<void> {
    if (effects.length === 0) return;
    const rows = effects.map(({ chunk, kind, lsn, seq, xid, key, row }) => ({
      ...{ chunk, kind, lsn, seq, xid: String(xid), key: JSON.stringify(key), row: JSON.stringify(row) },
    }));
    await this.run(
      `insert into ${SCHEMA}.changes (job, chunk, state, kind, lsn, seq, xid, key, row)
       select $1, chunk, ${OPEN}, kind, lsn, seq, xid, key, row
       from rows from (json_to_recordset($2::json) as (
         chunk integer, kind text, lsn text, seq integer, xid text, key text, row text
       )) with ordinality as e (chunk, kind, lsn, seq, xid, key, row, n) order by n`,
      ...[job, JSON.stringify(rows)],
    );
  }

  /** Every open change belongs to a whole transaction now. */
  async closeOpen(job: string): Promise<void> {
    await this.run(
      `update ${SCHEMA}.changes set state = case chunks.done when 1 then ${READY} else ${HELD} end from ${SCHEMA}.chunks
       where chunks.job = changes.job and chunks.id = changes.chunk and changes.job = $1 and changes.state = ${OPEN}`,
      job,
    );
  }

  async putLetter(job: string, { key, reason, row, version, at }: DeadLetter): Promise<void> {
    await this.run(
      `insert into ${SCHEMA}.dead_letters values ($1, $2, $3, $4, $5, $6) on conflict (job, md5(key)) do update
       set reason = excluded.reason, row = excluded.row, version = excluded.version, at = excluded.at`,
      ...[job, JSON.stringify(key), reason, JSON.stringify(row), version, at],
    );
  }
}

export class PostgresTables extends Statements {
  readonly #pool: Pool;
  constructor(pool: Pool) {
    super(pool);
    this.#pool = pool;
  }

  /**
   * All of `work` or nothing of it, on the disk when it resolves (acknowledging to the source relies on that); `job` is not
   * changed by others meanwhile.
   */
  async transaction<T>(job: string | undefined, work: (at: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin; set local synchronous_commit = on');
      if (job !== undefined) await client.query(`select 1 from ${SCHEMA}.jobs where name = $1 for update`, [job]);
      const result = await work(new Transaction(client));
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      client.release(true); // Its transaction ends with it.
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
