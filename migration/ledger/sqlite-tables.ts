// The SQLite ledger's tables: layout, rows, statements. Synchronous; sqlite.ts makes a ledger of them.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import type { Key, KeyColumn } from '../jobs/key.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { type Chunk, type Counts, type DeadLetter, type Effect, Superseded } from './ledger.ts';
import { chunkRow, chunksOf, HELD, keyColumns, OPEN, Ranges, READY } from './rows.ts';

const LOCK_TIMEOUT_MS = 5_000;
const LAYOUT_VERSION = 2;

const LAYOUT = `
  CREATE TABLE jobs (
    name TEXT PRIMARY KEY, plan_hash TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
    paused INTEGER NOT NULL DEFAULT 0, spooled_lsn TEXT NOT NULL,
    receiver TEXT
  ) STRICT;
  CREATE TABLE counts (job TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (job, name)) STRICT;
  CREATE TABLE chunks (
    job TEXT NOT NULL, id INTEGER NOT NULL, up_to TEXT, done INTEGER NOT NULL DEFAULT 0, snapshot TEXT, claim TEXT,
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
/** Of the layout before, which had no claims. */
const FROM_1 = 'ALTER TABLE jobs ADD COLUMN receiver TEXT; ALTER TABLE chunks ADD COLUMN claim TEXT;';

export function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('BEGIN IMMEDIATE');
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (found < LAYOUT_VERSION)
    database.exec(`${found === 0 ? LAYOUT : FROM_1} PRAGMA user_version = ${LAYOUT_VERSION};`);
  database.exec('COMMIT');
  if (found > LAYOUT_VERSION) {
    database.close();
    throw new Error(`${file} is of layout ${found}, a newer one than this program's (${LAYOUT_VERSION})`);
  }
  return database;
}

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

  /** @throws Superseded when nothing is found: somebody else has taken over */
  must(sql: string, ...values: (string | number | null)[]): void {
    if (!this.#statement(sql).get(...values)) throw new Superseded('another process has taken this over');
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
    return found.length === 0 ? [] : chunksOf(this.#columnsOf(job), found);
  }

  #columnsOf(job: string): readonly KeyColumn[] {
    const found = this.get(z.object({ key: keyColumns }), 'SELECT key FROM jobs WHERE name = ?', job);
    if (!found) throw new Error(`the ledger has no job ${job}`);
    return found.key;
  }

  /** As the only process that writes, this one knows when they change. */
  ranges(job: string): Ranges {
    const known = this.#ranges.get(job);
    if (known) return known;
    const ranges = new Ranges(this.#columnsOf(job), this.chunks(job));
    this.#ranges.set(job, ranges);
    return ranges;
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
      ...[job, this.ranges(job).chunkOf(effect.key), OPEN, kind, formatLsn(commitLsn), seq, String(xid)],
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
