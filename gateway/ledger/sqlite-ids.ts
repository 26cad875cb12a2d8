// Pairs of ids in the embedded ledger's file; id-store.ts says what it promises.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { StoredIdChange, StoredIdPair } from './id-store.ts';

export const ID_LAYOUT = `
  CREATE TABLE id_pairs (
    name TEXT NOT NULL, legacy TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (name, legacy, new)
  ) STRICT;`;

const pairRow = z.object({ name: z.string(), legacy: z.string(), new: z.string() });

/** The store's operations, as calls that block. */
export interface SqliteIds {
  loadIds(): readonly StoredIdPair[];
  saveIds(batch: { readonly changes: readonly StoredIdChange[]; readonly pairsMax: number }): void;
}

/** `atomically` runs work that is stored as a whole or not at all. */
export function createSqliteIds(db: DatabaseSync, atomically: <T>(work: () => T) => T): SqliteIds {
  const all = db.prepare('SELECT name, legacy, new FROM id_pairs ORDER BY rowid');
  const put = db.prepare('INSERT OR REPLACE INTO id_pairs (name, legacy, new) VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM id_pairs WHERE name = ? AND legacy = ? AND new = ?');
  const trim = db.prepare(
    'DELETE FROM id_pairs WHERE rowid <= (SELECT rowid FROM id_pairs ORDER BY rowid DESC LIMIT 1 OFFSET ?)',
  );
  return {
    loadIds: () => all.all().map((row) => pairRow.parse(row)),
    saveIds({ changes, pairsMax }) {
      atomically(() => {
        for (const { pair, kept } of changes) (kept ? put : drop).run(pair.name, pair.legacy, pair.new);
        trim.run(pairsMax);
      });
    },
  };
}
