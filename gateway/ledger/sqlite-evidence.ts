// The evidence of comparing in the embedded ledger's file; evidence-store.ts says what it promises.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { EvidenceBatch, EvidenceLimits, RouteBatch, StoredEvidence, StoredRoute } from './evidence-store.ts';

/** The `start_ms` of what was counted since the stage began. */
const TOTAL = -1;

export const EVIDENCE_LAYOUT = `
  CREATE TABLE evidence_stages (route TEXT PRIMARY KEY, name TEXT NOT NULL, since_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE evidence_counters (
    route TEXT NOT NULL, start_ms INTEGER NOT NULL, counter TEXT NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (route, start_ms, counter)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE evidence_samples (
    route TEXT NOT NULL, n INTEGER NOT NULL, at TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (route, n)
  ) STRICT;
  CREATE TABLE evidence_batches (source TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;`;

const stageRow = z
  .object({ route: z.string(), name: z.string(), since_ms: z.number() })
  .transform(({ route, name, since_ms }) => ({ route, stage: { name, sinceMs: since_ms } }));
const counterRow = z.object({ start_ms: z.number(), counter: z.string(), value: z.number() });
const sampleRow = z.object({ n: z.number(), at: z.string(), document: z.string() });
const lastSampleRow = z.object({ n: z.number() });
const sequenceRow = z.object({ sequence: z.number() }).optional();

/** The store's operations, as calls that block. Only one gateway uses the file, so nobody else ever changes anything. */
export interface SqliteEvidence {
  loadEvidence(): StoredEvidence;
  addEvidence(batch: EvidenceBatch): void;
  pruneEvidence(limits: EvidenceLimits): void;
}

/** `atomically` runs work that is stored as a whole or not at all. */
export function createSqliteEvidence(db: DatabaseSync, atomically: <T>(work: () => T) => T): SqliteEvidence {
  const statements = prepare(db);

  function read({ route, stage }: z.output<typeof stageRow>): StoredRoute {
    const byStart = new Map<number, Map<string, number>>();
    for (const row of statements.counters.all(route)) {
      const { start_ms, counter, value } = counterRow.parse(row);
      const counters = byStart.get(start_ms) ?? new Map<string, number>();
      byStart.set(start_ms, counters.set(counter, value));
    }
    const total = byStart.get(TOTAL) ?? new Map<string, number>();
    byStart.delete(TOTAL);
    const slices = [...byStart].map(([startMs, counters]) => ({ startMs, counters }));
    return { route, stage, total, slices, samples: statements.samples.all(route).map((row) => sampleRow.parse(row)) };
  }

  /** Whether what was counted in this stage still counts. */
  function enter({ route, stage }: RouteBatch): boolean {
    const row = statements.stage.get(route);
    const known = row && stageRow.parse(row).stage;
    if (known && known.sinceMs > stage.sinceMs) return false;
    if (known?.sinceMs !== stage.sinceMs) statements.dropCounters.run(route);
    statements.putStage.run(route, stage.name, stage.sinceMs);
    return true;
  }

  function addRoute(batch: RouteBatch): void {
    const { route, slices, added, removed } = batch;
    for (const { startMs, counters } of enter(batch) ? slices : []) {
      for (const [counter, value] of counters) {
        statements.count.run(route, startMs, counter, value);
        statements.count.run(route, TOTAL, counter, value);
      }
    }
    for (const { n, at, document } of added) statements.putSample.run(route, n, at, document);
    for (const n of removed) statements.dropSample.run(route, n);
  }

  return {
    loadEvidence() {
      statements.dropBatches.run(); // Whoever sent them has ended.
      return {
        routes: statements.stages.all().map((row) => read(stageRow.parse(row))),
        samplesFrom: lastSampleRow.parse(statements.lastSample.get()).n,
      };
    },
    addEvidence({ source, sequence, routes }) {
      atomically(() => {
        const last = sequenceRow.parse(statements.sequence.get(source))?.sequence ?? 0;
        if (sequence <= last) return;
        statements.putSequence.run(source, sequence);
        for (const route of routes) addRoute(route);
      });
    },
    pruneEvidence({ routes, slicesFromMs, samplesFrom }) {
      atomically(() => {
        for (const statement of statements.dropOthers) statement.run(JSON.stringify(routes));
        statements.dropSlices.run(slicesFromMs);
        statements.dropOldSamples.run(samplesFrom);
      });
    },
  };
}

function prepare(db: DatabaseSync) {
  return {
    stages: db.prepare('SELECT route, name, since_ms FROM evidence_stages ORDER BY route'),
    stage: db.prepare('SELECT route, name, since_ms FROM evidence_stages WHERE route = ?'),
    putStage: db.prepare('INSERT OR REPLACE INTO evidence_stages (route, name, since_ms) VALUES (?, ?, ?)'),
    counters: db.prepare('SELECT start_ms, counter, value FROM evidence_counters WHERE route = ? ORDER BY start_ms'),
    count: db.prepare(
      `INSERT INTO evidence_counters (route, start_ms, counter, value) VALUES (?, ?, ?, ?)
       ON CONFLICT (route, start_ms, counter) DO UPDATE SET value = value + excluded.value`,
    ),
    dropCounters: db.prepare('DELETE FROM evidence_counters WHERE route = ?'),
    dropSlices: db.prepare(`DELETE FROM evidence_counters WHERE start_ms <> ${TOTAL} AND start_ms < ?`),
    samples: db.prepare('SELECT n, at, document FROM evidence_samples WHERE route = ? ORDER BY n'),
    putSample: db.prepare('INSERT OR REPLACE INTO evidence_samples (route, n, at, document) VALUES (?, ?, ?, ?)'),
    dropSample: db.prepare('DELETE FROM evidence_samples WHERE route = ? AND n = ?'),
    dropOldSamples: db.prepare('DELETE FROM evidence_samples WHERE at < ?'),
    lastSample: db.prepare('SELECT coalesce(max(n), 0) AS n FROM evidence_samples'),
    sequence: db.prepare('SELECT sequence FROM evidence_batches WHERE source = ?'),
    putSequence: db.prepare('INSERT OR REPLACE INTO evidence_batches (source, sequence) VALUES (?, ?)'),
    dropBatches: db.prepare('DELETE FROM evidence_batches'),
    dropOthers: ['stages', 'counters', 'samples'].map((table) =>
      db.prepare(`DELETE FROM evidence_${table} WHERE route NOT IN (SELECT value FROM json_each(?))`),
    ),
  };
}
