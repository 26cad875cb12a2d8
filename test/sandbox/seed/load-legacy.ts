import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { allEvents } from './calendar.ts';
import { allOrders } from './orders.ts';
import { allPositions } from './positions.ts';

/** Changes with the seed's content, so that an old database is noticed. */
const SEED_VERSION = 'banyan-0001';
/** Rows per INSERT: large enough to be quick, small enough for one message. */
const ROWS_PER_INSERT = 5_000;

/** The tables, their columns and types in the order they are written. */
const TABLES = {
  orders: {
    order_id: 'uuid',
    user_id: 'text',
    symbol: 'text',
    side: 'text',
    order_type: 'text',
    quantity: 'numeric',
    price: 'numeric',
    filled_quantity: 'numeric',
    average_price: 'numeric',
    fee: 'numeric',
    status: 'text',
    mexc_order_id: 'text',
    client_order_id: 'text',
    notes: 'text',
    meta: 'jsonb',
    created_at: 'timestamptz',
    updated_at: 'timestamptz',
  },
  positions: {
    user_id: 'text',
    symbol: 'text',
    side: 'text',
    quantity: 'numeric',
    entry_price: 'numeric',
    realized_pnl: 'numeric',
    opened_at: 'timestamptz',
    updated_at: 'timestamptz',
  },
  calendar_events: {
    vcoin_id: 'text',
    symbol: 'text',
    project_name: 'text',
    first_open_time: 'timestamptz',
    status: 'text',
    launch_price: 'numeric',
    token_supply: 'numeric',
    details: 'jsonb',
    created_at: 'timestamptz',
  },
} as const;

/**
 * Creates the legacy schema with all of the seed, in one transaction. Does nothing when that seed is there already;
 * rejects when another one is, since nobody knows what else was done to that database.
 */
export async function loadLegacy(connectionString: string): Promise<'loaded' | 'present'> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const found = await seedVersion(client);
    if (found === SEED_VERSION) return 'present';
    if (found !== undefined) {
      throw new Error(
        `the legacy database holds seed ${found}, this is ${SEED_VERSION}: remove the data folder (.data)`,
      );
    }
    await client.query('begin');
    await client.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
    await insert(client, 'orders', [...allOrders()]);
    await insert(client, 'positions', [...allPositions()]);
    await insert(client, 'calendar_events', allEvents());
    await client.query('insert into alembic_version values ($1)', [SEED_VERSION]);
    await client.query('commit');
    await client.query('analyze');
    return 'loaded';
  } finally {
    await client.end();
  }
}

async function seedVersion(client: Client): Promise<string | undefined> {
  const { rows } = await client.query("select to_regclass('alembic_version') is not null as present");
  if (!rows[0]?.present) return undefined;
  const versions = await client.query('select version_num from alembic_version');
  return versions.rows[0]?.version_num;
}

/** One array per column: Postgres unnests them into rows, far quicker than a placeholder per value. */
async function insert(client: Client, table: keyof typeof TABLES, rows: readonly object[]): Promise<void> {
  const columns = Object.entries(TABLES[table]);
  const names = columns.map(([name]) => name).join(', ');
  const arrays = columns.map(([, type], i) => `$${i + 1}::text[]::${type}[]`).join(', ');
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const part = rows.slice(from, from + ROWS_PER_INSERT) as Record<string, unknown>[];
    const values = columns.map(([name]) => part.map((row) => cell(row[name])));
    await client.query(`insert into ${table} (${names}) select * from unnest(${arrays})`, values);
  }
}

function cell(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
