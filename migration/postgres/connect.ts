// Connections to the source: every value comes as Postgres's own text, in UTC and ISO whatever the server's defaults.
import { Client, type ClientConfig, Pool } from 'pg';

const SESSION =
  '-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1';
const CONNECT_TIMEOUT_MS = 10_000;
/** Reads of a chunk take well under a second; a minute means that the server does not answer. */
const QUERY_TIMEOUT_MS = 120_000;

function settings(url: string): ClientConfig {
  return {
    connectionString: url,
    options: SESSION,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'banyan-migrate',
    types: { getTypeParser: () => (text: string) => text },
  };
}

/** At most `max` connections; a broken idle one is replaced at the next use. */
export function connectPool(url: string, max: number): Pool {
  const pool = new Pool({ ...settings(url), max, query_timeout: QUERY_TIMEOUT_MS });
  pool.on('error', () => {}); // The query that meets the broken server reports it.
  return pool;
}

/** A connection in replication mode ("database": logical), where only replication commands and simple queries work. */
export async function connectReplication(url: string): Promise<Client> {
  const mode: ClientConfig & { readonly replication: 'database' } = { ...settings(url), replication: 'database' };
  const client = new Client(mode);
  client.on('error', () => {}); // The stream that meets the broken connection reports it.
  await client.connect();
  return client;
}
