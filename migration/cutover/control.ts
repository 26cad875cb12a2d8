// Who may write the job's rows, as one row of the source's database; and the fence that keeps legacy from writing, a trigger that
// asks that row. The fence is a lease until it is confirmed: should whoever cuts over die, legacy writes again by itself.
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { SCHEMA } from '../back/tables.ts';
import { type Job, quotedTable } from '../jobs/job.ts';
import { inTransaction } from '../postgres/transaction.ts';

/** A busy writer holds the fence up for so long at most; others wait behind it meanwhile. */
const LOCK_TIMEOUT_MS = 3_000;
const TRIGGER = 'banyan_fence';

/** legacy: it writes. fenced: nobody does, until a time. new: the new side does. final: for good. */
export type Phase = 'legacy' | 'fenced' | 'new' | 'final';
export type Control = {
  readonly phase: Phase;
  /** Of 'fenced': its time is over, and legacy writes. */
  readonly lapsed: boolean;
  /** Rises with every change of phase. */
  readonly generation: number;
  readonly rehearsedAtMs: number | undefined;
  readonly rehearsedPlan: string | undefined;
};

const controlRow = z.object({
  phase: z.enum(['legacy', 'fenced', 'new', 'final']),
  lapsed: z.enum(['true', 'false']),
  generation: z.string().transform(Number),
  rehearsed_ms: z.string().nullable(),
  rehearsed_plan: z.string().nullable(),
});

/** Undefined when the job was not set up for it. */
export async function readControl(pool: Pool, job: Job): Promise<Control | undefined> {
  const { rows: there } = await pool.query('select to_regclass($1)::text as present', [`${SCHEMA}.control`]);
  if (there[0]?.present === null) return undefined;
  const { rows } = await pool.query(
    `select phase, coalesce(phase = 'fenced' and until <= clock_timestamp(), false)::text as lapsed,
       generation::text as generation, (extract(epoch from rehearsed_at) * 1000)::bigint::text as rehearsed_ms, rehearsed_plan
     from ${SCHEMA}.control where job = $1`,
    [job.name],
  );
  if (rows[0] === undefined) return undefined;
  const { phase, lapsed, generation, rehearsed_ms, rehearsed_plan } = controlRow.parse(rows[0]);
  return {
    ...{ phase, lapsed: lapsed === 'true', generation },
    rehearsedAtMs: rehearsed_ms === null ? undefined : Number(rehearsed_ms),
    rehearsedPlan: rehearsed_plan ?? undefined,
  };
}

export async function noteRehearsal(pool: Pool, job: Job, planHash: string): Promise<void> {
  await pool.query(`update ${SCHEMA}.control set rehearsed_at = now(), rehearsed_plan = $2 where job = $1`, [
    job.name,
    planHash,
  ]);
}

/**
 * The row is locked before the clock is asked, here and in `confirm`: a writer that came in because the time was over, and a
 * confirmation within it, cannot both be. Runs with its owner's rights: writers need none on the schema.
 */
const REFUSE = `
  create or replace function ${SCHEMA}.refuse() returns trigger language plpgsql security definer
  set search_path = pg_catalog as $$
  declare held ${SCHEMA}.control%rowtype;
  begin
    if current_setting('banyan.way_back', true) = 'on' then return null; end if;
    select * into held from ${SCHEMA}.control where job = tg_argv[0] for share;
    if held.phase in ('new', 'final') or (held.phase = 'fenced' and clock_timestamp() < held.until) then
      raise exception '% is written on the new side', tg_table_name
        using errcode = 'read_only_sql_transaction', hint = 'to go back: banyan-migrate rollback ' || tg_argv[0];
    end if;
    return null;
  end $$`;

const changing = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>) =>
  inTransaction(pool, work, LOCK_TIMEOUT_MS);

/**
 * Legacy's writes are refused from here on, for `leaseMs`; those under way are waited for, since making a trigger waits for all
 * who write the table. @throws after LOCK_TIMEOUT_MS of waiting, with nothing changed
 */
export async function fence(pool: Pool, job: Job, leaseMs: number): Promise<void> {
  await changing(pool, async (client) => {
    await client.query(REFUSE);
    await client.query(
      `create or replace trigger ${TRIGGER} before insert or update or delete or truncate on ${quotedTable(job)}
       for each statement execute function ${SCHEMA}.refuse('${job.name}')`,
    );
    await client.query(
      `update ${SCHEMA}.control set phase = 'fenced', until = clock_timestamp() + $2 * interval '1 ms',
         generation = generation + 1 where job = $1 and phase = 'legacy'`,
      [job.name, leaseMs],
    );
  });
}

/** The fence holds for good, and the new side may write. False: its time was over. */
export function confirm(pool: Pool, job: Job): Promise<boolean> {
  return changing(pool, async (client) => {
    await client.query(`select 1 from ${SCHEMA}.control where job = $1 for update`, [job.name]);
    const { rows } = await client.query(
      `update ${SCHEMA}.control set phase = 'new', until = null, generation = generation + 1
       where job = $1 and phase = 'fenced' and until > clock_timestamp() returning 1`,
      [job.name],
    );
    return rows.length === 1;
  });
}

/** Legacy writes again at once. The trigger, which lets all pass now, goes too where no long reader is in the way. */
export async function giveBack(pool: Pool, job: Job): Promise<readonly string[]> {
  await pool.query(
    `update ${SCHEMA}.control set phase = 'legacy', until = null, generation = generation + 1
     where job = $1 and phase in ('fenced', 'new')`,
    [job.name],
  );
  return ['legacy may write', ...(await dropFence(pool, job).catch(() => ['the fence stays, open, until finalize']))];
}

export async function dropFence(pool: Pool, job: Job): Promise<readonly string[]> {
  await changing(pool, (client) => client.query(`drop trigger if exists ${TRIGGER} on ${quotedTable(job)}`));
  return [`took the fence from ${quotedTable(job)}`];
}

/** From here on there is no way back. */
export async function makeFinal(pool: Pool, job: Job): Promise<void> {
  await pool.query(
    `update ${SCHEMA}.control set phase = 'final', generation = generation + 1 where job = $1 and phase = 'new'`,
    [job.name],
  );
}
