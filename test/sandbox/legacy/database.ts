import { Pool, type PoolClient, types } from 'pg';

const CONNECTIONS_MAX = 20;
const QUERY_MS = 5_000;

/** A row of orders; numerics and times as Postgres prints them. */
export interface OrderRow {
  readonly order_id: string;
  readonly user_id: string;
  readonly symbol: string;
  readonly side: 'BUY' | 'SELL';
  readonly order_type: 'LIMIT' | 'MARKET';
  readonly quantity: string;
  readonly price: string | null;
  readonly filled_quantity: string;
  readonly average_price: string | null;
  readonly fee: string;
  readonly status: string;
  readonly mexc_order_id: string | null;
  readonly client_order_id: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface PositionRow {
  readonly user_id: string;
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly quantity: string;
  readonly entry_price: string;
  readonly realized_pnl: string;
  readonly opened_at: string;
  readonly updated_at: string;
}

export interface Database {
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs `work` in one transaction; what it throws undoes it. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A bounded pool that hands out times as text: a JavaScript Date would cut microseconds off. */
export function openDatabase(connectionString: string): Database {
  const pool = new Pool({
    connectionString,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: QUERY_MS,
    query_timeout: QUERY_MS,
    options: '-c timezone=UTC',
    types: {
      getTypeParser: (oid, format) =>
        oid === types.builtins.TIMESTAMPTZ ? (text: string) => text : types.getTypeParser(oid, format),
    },
  });
  // An idle connection that breaks (the database restarts) is replaced at the next query; nothing is lost.
  pool.on('error', (error) => console.error(`legacy: idle database connection lost: ${error.message}`));
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const { rows } = await pool.query(text, [...values]);
      return rows as Row[]; // The caller names the columns in its statement.
    },
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work(client);
        await client.query('commit');
        client.release();
        return result;
      } catch (error) {
        const lost = await client.query('rollback').then(
          () => undefined,
          (failure: Error) => failure,
        );
        client.release(lost);
        throw error;
      }
    },
    close: () => pool.end(),
  };
}
