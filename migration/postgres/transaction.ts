// Transactions on one connection of a pool.
import type { Pool, PoolClient } from 'pg';

/**
 * All of `work` or nothing: it rejects as `work` does, and the connection, with what was begun on it, is given up. A lock is
 * waited for at most `lockTimeoutMs`; 0: as long as the server is set to.
 */
export const inTransaction = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>, lockTimeoutMs = 0): Promise<T> =>
  within(pool, lockTimeoutMs === 0 ? 'begin' : `begin; set local lock_timeout = ${lockTimeoutMs}`, work);

/** In one snapshot, which `work` reads in too. */
export const inSnapshot = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  within(pool, 'begin isolation level repeatable read read only', work);

async function within<T>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    client.release(true); // Its transaction ends with it.
    throw error;
  }
}
