// The election of the one process that receives and applies a job's changes: a lock in the source, held by a connection.
import type { Pool } from 'pg';
import type { Job } from '../jobs/job.ts';

/** An idle connection that broke is noticed by asking. */
const CHECK_INTERVAL_MS = 2_000;

export type Lead = {
  /** Aborted when the lock is lost: another process may lead by then. The ledger's tokens make what is still done harmless. */
  readonly lost: AbortSignal;
  readonly release: () => void;
};

/** Undefined when another process leads. */
export async function tryLead(pool: Pool, job: Job): Promise<Lead | undefined> {
  const client = await pool.connect();
  const losing = new AbortController();
  const lose = () => losing.abort();
  client.on('error', lose);
  client.on('end', lose);
  try {
    const name = `banyan run ${job.name}`;
    const { rows } = await client.query('select pg_try_advisory_lock(hashtext($1))::text as got', [name]);
    if (rows[0]?.got !== 'true') {
      client.off('error', lose);
      client.off('end', lose);
      client.release();
      return undefined;
    }
  } catch (error) {
    client.release(true);
    throw error;
  }
  const timer = setInterval(() => void client.query('select 1').catch(lose), CHECK_INTERVAL_MS);
  return {
    lost: losing.signal,
    release() {
      clearInterval(timer);
      client.release(true); // The lock ends with the connection.
    },
  };
}
