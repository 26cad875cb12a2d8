// One change of the table written back to its row, in a transaction of the caller's: conditional on the version, whatever comes
// twice or late.
import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { z } from 'zod';
import type { Item } from '../../backend/store/items.ts';
import { type Job, keyOf, quoted, quotedTable } from '../jobs/job.ts';
import type { Fingerprint } from '../postgres/schema.ts';
import { BadValue, type Cell, type Row } from '../postgres/values.ts';
import { reasonOf } from '../run/engine.ts';
import { isMigrated } from '../run/marks.ts';
import type { ItemChange } from './feed.ts';
import { SCHEMA } from './tables.ts';

export type BackJob = { readonly job: Job; readonly schema: Fingerprint };

/** news: the service changed a row of the job. own: the job's own write, come round. other: of no row of the job. */
export function meaningOf(job: Job, { before, after, expired }: ItemChange): 'news' | 'own' | 'other' {
  const item = after ?? before;
  const type = item?.data_type;
  if (after !== undefined && isMigrated(after)) return 'own';
  if (item === undefined || type === undefined || !('S' in type) || type.S !== job.dataType) return 'other';
  // Settled rows leave the table after their time; the source keeps them. An item that was the job's is no service's to delete.
  if (expired) return 'other';
  return 'news';
}

/** Columns as the texts that Postgres reads. @throws BadValue, or what the store's reader throws */
function rowOf(job: Job, item: Item): Row {
  const record = job.recordOf(item);
  return Object.fromEntries(job.columns.map((column) => [column, cellOf(column, record[column])]));
}

function cellOf(column: string, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new BadValue(`${column} has no text`);
}

/** What the values are cast to: without a precision, so that nothing is rounded before it is compared. */
const castOf = (schema: Fingerprint, name: string): string =>
  (schema.find((column) => column.name === name)?.type ?? 'text').replace(/\(.*?\)/, '');

const alteredRow = z.object({ altered: z.string() });

/** Postgres's own reading of what it stored, against what was sent. */
async function upsert(client: PoolClient, { job, schema }: BackJob, row: Row): Promise<void> {
  const names = job.columns.map(quoted);
  const values = job.columns.map((name) => row[name] ?? null);
  const sent = job.columns.map((name, i) => `$${i + 1}::${castOf(schema, name)}`);
  const keys = job.key.map(({ name }) => quoted(name)).join(', ');
  const rest = names.filter((_, i) => !job.key.some(({ name }) => name === job.columns[i]));
  const checks = names.map(
    (name, i) => `case when r.${name} is distinct from ${sent[i]} then ${literal(job.columns[i] ?? '')} end`,
  );
  const { rows } = await client.query(
    `insert into ${quotedTable(job)} as r (${names.join(', ')}) values (${sent.join(', ')})
     on conflict (${keys}) do update set ${rest.map((name) => `${name} = excluded.${name}`).join(', ')}
     returning array_to_string(array[${checks.join(', ')}], ', ') as altered`,
    values,
  );
  const { altered } = alteredRow.parse(rows[0]);
  if (altered.length > 0) throw new BadValue(`the source cannot hold ${altered} exactly`);
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Unless the row's item is another by now: then that item speaks for it. */
async function remove(client: PoolClient, { job, schema }: BackJob, row: Row): Promise<void> {
  const where = job.key.map(({ name }, i) => `${quoted(name)} = $${i + 1}::${castOf(schema, name)}`).join(' and ');
  const key = [...keyOf(job, row)];
  const columns = job.columns.map((name) => `${quoted(name)}::text`).join(', ');
  const found = await client.query<Row>(`select ${columns} from ${quotedTable(job)} where ${where} for update`, key);
  const present = found.rows[0];
  if (present === undefined || !isDeepStrictEqual(job.itemKeyOf(present), job.itemKeyOf(row))) return;
  await client.query(`delete from ${quotedTable(job)} where ${where}`, key);
}

/** Errors of values and of constraints (PostgreSQL docs, "Error Codes", classes 22 and 23): the row's fault, not the server's. */
const isRefusal = (error: unknown): boolean =>
  !(error instanceof Error && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code))) ||
  /^2[23]/.test(String(error.code));

export type Written = 'written' | 'kept' | 'refused';

/** Kept: what is there is of this version or a later one. Refused: the row cannot be; a dead letter says why. */
export async function writeBack(client: PoolClient, back: BackJob, change: ItemChange): Promise<Written> {
  const { job } = back;
  const item = change.after ?? change.before;
  if (item === undefined) return 'kept';
  const identity = JSON.stringify([change.key.pk, change.key.sk]);
  const { rows } = await client.query(
    `insert into ${SCHEMA}.written as w values ($1, $2, $3, $4, $5, $6) on conflict (job, key) do update
     set sequence = excluded.sequence, deleted = excluded.deleted where w.sequence < excluded.sequence returning 1`,
    [job.name, identity, change.sequence, change.after === undefined, change.key.pk, change.key.sk],
  );
  if (rows.length === 0) return 'kept';
  await client.query('savepoint change');
  try {
    const row = rowOf(job, item);
    await (change.after === undefined ? remove(client, back, row) : upsert(client, back, row));
    await client.query(`delete from ${SCHEMA}.refused where job = $1 and key = $2`, [job.name, identity]);
    await client.query('release savepoint change');
    return 'written';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query('rollback to savepoint change');
    await client.query(
      `insert into ${SCHEMA}.refused values ($1, $2, $3, $4, $5) on conflict (job, key) do update
       set sequence = excluded.sequence, reason = excluded.reason, item = excluded.item, at = now()`,
      [job.name, identity, change.sequence, reasonOf(error), JSON.stringify(item)],
    );
    return 'refused';
  }
}
