// The two readings that verification compares: what Postgres prints of a row, and what the service reads in an item.
import { isDeepStrictEqual } from 'node:util';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import { type Job, quoted, quotedTable } from '../jobs/job.ts';
import { isKey, type Key, type KeyRange } from '../jobs/key.ts';
import { keyExpressions, rangeCondition } from '../postgres/source.ts';
import { inSnapshot } from '../postgres/transaction.ts';
import { unmarked } from '../run/marks.ts';

/** One side's reading of a row: its key, where its item is, and its fields as one text. */
export type Reading = { readonly key: Key; readonly itemKey: ItemKey; readonly text: string };

const rowSchema = z.record(z.string(), z.string().nullable());
const ALTERED = 'altered';

function selectPrinted(job: Job): string {
  const columns = Object.entries(job.printed).map(([field, sql]) => `(${sql}) as ${quoted(field)}`);
  return `select ${columns.join(', ')} from ${quotedTable(job)}`;
}

function readingOf(job: Job, found: unknown): Reading {
  const row = rowSchema.parse(found);
  const text = JSON.stringify(Object.keys(job.printed).map((field) => row[field] ?? null));
  return { key: job.keyOfRecord(row), itemKey: job.itemKeyOf(row), text };
}

/** Rows of the range, at most `limit`, in key order, as Postgres prints them. */
export async function printedRange(pool: Pool, job: Job, range: KeyRange, limit: number): Promise<Reading[]> {
  const { sql, values } = rangeCondition(job, range);
  const text = `${selectPrinted(job)} where ${sql} order by ${keyExpressions(job)} limit ${limit}`;
  const { rows } = await pool.query(text, values);
  return rows.map((row) => readingOf(job, row));
}

/** Those of the rows that are there, by key, in one snapshot. */
export async function printedRows(pool: Pool, job: Job, keys: readonly Key[]): Promise<ReadonlyMap<string, Reading>> {
  const arrays = job.key.map(({ type }, i) => `$${i + 1}::text[]::${type}[]`).join(', ');
  const columns = job.key.map(({ name }) => quoted(name)).join(', ');
  const values = job.key.map((_, i) => keys.map((key) => key[i] ?? ''));
  const text = `${selectPrinted(job)} where (${columns}) in (select * from unnest(${arrays}))`;
  const { rows } = await inSnapshot(pool, (client) => client.query(text, values));
  return new Map(rows.map((row) => readingOf(job, row)).map((reading) => [JSON.stringify(reading.key), reading]));
}

function fieldText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** As the service reads the item; undefined where it cannot. An item with anything altered beside its fields reads as that. */
export function readingOfItem(job: Job, item: Item, plannedAtMs: number): Omit<Reading, 'itemKey'> | undefined {
  try {
    const record = job.recordOf(item);
    const whole = isDeepStrictEqual(job.rewritten(item, plannedAtMs), unmarked(item));
    const fields = Object.keys(job.printed).map((field) => fieldText(record[field]));
    const key = job.keyOfRecord(record);
    if (!isKey(job.key, key)) return undefined;
    return { key, text: whole ? JSON.stringify(fields) : ALTERED };
  } catch {
    return undefined;
  }
}
