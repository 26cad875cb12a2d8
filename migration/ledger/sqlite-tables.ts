// The SQLite ledger's tables: layout, rows, statements. Synchronous; sqlite.ts makes a ledger of them.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { compareKeys, type Key, type KeyColumn, rangeOf } from '../jobs/key.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { type Chunk, COUNTS, type Counts, type DeadLetter, type Effect } from './ledger.ts';

const LOCK_TIMEOUT_MS = 5_000;
const LAYOUT_VERSION = 1;

/** States of a change: 0 held until its chunk is done, 1 ready, 2 of a transaction not yet whole. */
export const [HELD, READY, OPEN] = [0, 1, 2];

const LAYOUT = `
  CREATE TABLE jobs (
    name TEXT PRIMARY KEY, plan_hash TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
    paused INTEGER NOT NULL DEFAULT 0, spooled_lsn TEXT NOT NULL
  ) STRICT;
  CREATE TABLE counts (job TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (job, name)) STRICT;
  CREATE TABLE chunks (
    job TEXT NOT NULL, id INTEGER NOT NULL, up_to TEXT, done INTEGER NOT NULL DEFAULT 0, snapshot TEXT,
    PRIMARY KEY (job, id)
  ) STRICT;
  CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, chunk INTEGER NOT NULL, state INTEGER NOT NULL,
    kind TEXT NOT NULL, lsn TEXT NOT NULL, seq INTEGER NOT NULL, xid TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL
  ) STRICT;
  CREATE INDEX changes_ready ON changes (job, id) WHERE state = ${READY};
  CREATE INDEX changes_open ON changes (job) WHERE state = ${OPEN};
  CREATE INDEX changes_chunk ON changes (job, chunk, state);
  CREATE INDEX changes_key ON changes (job, key);
  CREATE TABLE dead_letters (
    job TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, row TEXT NOT NULL, version TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (job, key)
  ) STRICT;`;

export const json = <T extends z.ZodType>(schema: T) =>
  z.string().transform((text): z.infer<T> => schema.parse(JSON.parse(text)));
export const key = z.array(z.string());
const row = z.record(z.string(), z.string().nullable());
const lsn = z.string().transform(parseLsn);

export const jobRow = z.object({
  name: z.string(),
  plan_hash: z.string(),
  state: z.enum(['running', 'blocked']),
  reason: z.string().nullable(),
  paused: z.number(),
  spooled_lsn: lsn,
});
const keyColumns = json(z.array(z.object({ name: z.string(), type: z.enum(['uuid', 'text', 'int8']) })));
const chunkRow = z.object({
  id: z.number(),
  up_to: json(key).nullable(),
  done: z.number(),
  snapshot: z.string().nullable(),
});
export const effectRow = z
  .object({
    id: z.number(),
    kind: z.enum(['put', 'delete']),
    lsn,
    seq: z.number(),
    xid: z.string().transform(BigInt),
    key: json(key),
    row: json(row),
  })
  .transform(({ lsn: commitLsn, ...rest }) => ({ ...rest, commitLsn }));
export const readyRow = z.intersection(effectRow, z.object({ snapshot: z.string() }));
export const deadLetterRow = z.object({
  key: json(key),
  reason: z.string(),
  row: json(row),
  version: z.string(),
  at: z.string(),
});
export const countRow = z.object({ name: z.enum(COUNTS), value: z.number() });
export const one = z.object({ n: z.number() });

export const EFFECT_COLUMNS = 'changes.id, kind, lsn, seq, xid, key, row';

export function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('BEGIN IMMEDIATE');
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (found === 0) database.exec(`${LAYOUT} PRAGMA user_version = ${LAYOUT_VERSION};`);
  database.exec('COMMIT');
  if (found > LAYOUT_VERSION) {
    database.close();
    throw new Error(`${file} is of layout ${found}, a newer one than this program's (${LAYOUT_VERSION})`);
  }
  return database;
}

/** A job's chunks in the order of their keys, to find the one of a key; as the only writer we know when they change. */
type Ranges = { readonly columns: readonly KeyColumn[]; readonly upTos: (Key | null)[]; readonly ids: number[] };

/** The statements, each synchronous. */
export class Tables {
  readonly #database: DatabaseSync;
  readonly #ranges = new Map<string, Ranges>(); // One a job.
  readonly #statements = new Map<string, StatementSync>(); // As many as this file has texts.

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  run(sql: string, ...values: (string | number | null)[]): void {
    this.#statement(sql).run(...values);
  }
  all<T extends z.ZodType>(schema: T, sql: string, ...values: (string | number | null)[]): z.infer<T>[] {
    return this.#statement(sql)
      .all(...values)
      .map((found) => schema.parse(found));
  }
  get<T extends z.ZodType>(schema: T, sql: string, ...values: (string | number | null)[]): z.infer<T> | undefined {
    return this.all(schema, sql, ...values)[0];
  }

  /** All of `work` or nothing of it. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      this.#ranges.clear();
      throw error;
    }
  }

  chunks(job: string): Chunk[] {
    const found = this.all(chunkRow, 'SELECT id, up_to, done, snapshot FROM chunks WHERE job = ?', job);
    if (found.length === 0) return [];
    const columns = this.#columnsOf(job);
    found.sort((a, b) => (a.up_to && b.up_to ? compareKeys(columns, a.up_to, b.up_to) : a.up_to ? -1 : 1));
    let after: Key | null = null;
    return found.map(({ id, up_to: upTo, done, snapshot }) => {
      const chunk = { id, after, upTo, done: done === 1, snapshot };
      after = upTo;
      return chunk;
    });
  }

  #columnsOf(job: string): readonly KeyColumn[] {
    const found = this.get(z.object({ key: keyColumns }), 'SELECT key FROM jobs WHERE name = ?', job);
    if (!found) throw new Error(`the ledger has no job ${job}`);
    return found.key;
  }

  chunkOf(job: string, at: Key): number {
    let ranges = this.#ranges.get(job);
    if (!ranges) {
      const chunks = this.chunks(job);
      ranges = {
        columns: this.#columnsOf(job),
        upTos: chunks.map(({ upTo }) => upTo),
        ids: chunks.map(({ id }) => id),
      };
      this.#ranges.set(job, ranges);
    }
    return ranges.ids[rangeOf(ranges.columns, ranges.upTos, at)] ?? 0;
  }
  forgetRanges(job: string): void {
    this.#ranges.delete(job);
  }

  count(job: string, counts: Partial<Counts>): void {
    for (const [name, value] of Object.entries(counts)) {
      this.run(
        'INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (job, name) DO UPDATE SET value = value + excluded.value',
        ...[job, name, value],
      );
    }
  }

  addEffect(job: string, effect: Effect): void {
    const { kind, commitLsn, seq, xid, row: cells } = effect;
    this.run(
      'INSERT INTO changes (job, chunk, state, kind, lsn, seq, xid, key, row) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[job, this.chunkOf(job, effect.key), OPEN, kind, formatLsn(commitLsn), seq, String(xid)],
      ...[JSON.stringify(effect.key), JSON.stringify(cells)],
    );
  }

  putLetter(job: string, { key: at, reason, row: cells, version, at: time }: DeadLetter): void {
    this.run(
      'INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?)',
      ...[job, JSON.stringify(at), reason, JSON.stringify(cells), version, time],
    );
  }
  dropLetter(job: string, at: Key): void {
    this.run('DELETE FROM dead_letters WHERE job = ? AND key = ?', job, JSON.stringify(at));
  }

  /** Every open change belongs to a whole transaction now. */
  closeOpen(job: string): void {
    this.run(
      `UPDATE changes SET state = (SELECT CASE done WHEN 1 THEN ${READY} ELSE ${HELD} END FROM chunks
       WHERE chunks.job = changes.job AND chunks.id = changes.chunk) WHERE job = ? AND state = ${OPEN}`,
      job,
    );
  }
}
