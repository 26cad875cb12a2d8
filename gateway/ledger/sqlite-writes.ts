// Writes that legacy lacks in the embedded ledger's file; write-store.ts says what it promises.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type StoredWrites, WRITE_KEYS_MAX, type WriteBatch, type WriteBatchRoute } from './write-store.ts';

export const WRITE_LAYOUT = `
  CREATE TABLE writes (
    route TEXT PRIMARY KEY, written INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE write_keys (
    route TEXT NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (route, n)
  ) STRICT;
  CREATE TABLE write_batches (source TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;`;

const writesRow = z.object({ route: z.string(), written: z.number(), acknowledged: z.number() });
const keyRow = z
  .object({ n: z.number(), at_ms: z.number(), key: z.string() })
  .transform(({ at_ms, ...key }) => ({ ...key, atMs: at_ms }));
const sequenceRow = z.object({ sequence: z.number() }).optional();

/** The store's operations, as calls that block. */
export interface SqliteWrites {
  loadWrites(): StoredWrites[];
  addWrites(batch: WriteBatch): void;
  acknowledgeWrites(upTo: { readonly route: string; readonly upTo: number }): void;
}

export function createSqliteWrites(db: DatabaseSync, atomically: <T>(work: () => T) => T): SqliteWrites {
  const all = db.prepare('SELECT route, written, acknowledged FROM writes ORDER BY route');
  const find = db.prepare('SELECT route, written, acknowledged FROM writes WHERE route = ?');
  const keys = db.prepare('SELECT n, at_ms, key FROM write_keys WHERE route = ? ORDER BY n');
  const count = db.prepare(
    `INSERT INTO writes (route, written) VALUES (?1, ?2) ON CONFLICT (route) DO UPDATE SET written = written + ?2`,
  );
  const put = db.prepare('INSERT INTO write_keys (route, n, at_ms, key) VALUES (?, ?, ?, ?)');
  const acknowledge = db.prepare('UPDATE writes SET acknowledged = max(acknowledged, min(written, ?)) WHERE route = ?');
  const trim = db.prepare('DELETE FROM write_keys WHERE route = ?1 AND (n <= ?2 OR (n > ?2 + ?4 AND n <= ?3 - ?4))');
  const sequenceOf = db.prepare('SELECT sequence FROM write_batches WHERE source = ?');
  const putSequence = db.prepare('INSERT OR REPLACE INTO write_batches (source, sequence) VALUES (?, ?)');
  const dropSequences = db.prepare('DELETE FROM write_batches');

  const writtenOf = (route: string) => {
    const row = find.get(route);
    return row ? writesRow.parse(row) : { route, written: 0, acknowledged: 0 };
  };
  function trimKeys(route: string): void {
    const { written, acknowledged } = writtenOf(route);
    trim.run(route, acknowledged, written, WRITE_KEYS_MAX);
  }
  function addRoute({ route, count: more, keys: added }: WriteBatchRoute): void {
    const { written } = writtenOf(route);
    count.run(route, more);
    for (const { n, atMs, key } of added) put.run(route, written + n, atMs, key);
    trimKeys(route);
  }

  dropSequences.run(); // Whoever sent batches has ended: only one gateway uses the file.
  return {
    loadWrites: () =>
      all.all().map((row) => {
        const writes = writesRow.parse(row);
        return { ...writes, keys: keys.all(writes.route).map((key) => keyRow.parse(key)) };
      }),
    addWrites({ source, sequence, routes }) {
      atomically(() => {
        const last = sequenceRow.parse(sequenceOf.get(source))?.sequence ?? 0;
        if (sequence <= last) return;
        putSequence.run(source, sequence);
        for (const route of routes) addRoute(route);
      });
    },
    acknowledgeWrites({ route, upTo }) {
      atomically(() => {
        acknowledge.run(upTo, route);
        trimKeys(route);
      });
    },
  };
}
