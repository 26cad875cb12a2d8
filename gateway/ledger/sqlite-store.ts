// The embedded ledger's file. Synchronous, as SQLite is: it runs on a thread of its own (sqlite-worker.ts), since a disk
// that stalls must not stall requests.
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import type { LedgerChange, Override, StoredRule } from './ledger.ts';
import { chainEntries, createSqliteAudit, jsonText, type SqliteAudit } from './sqlite-audit.ts';
import { createSqliteEvidence, EVIDENCE_LAYOUT, type SqliteEvidence } from './sqlite-evidence.ts';
import { createSqliteIds, ID_LAYOUT, type SqliteIds } from './sqlite-ids.ts';
import { createSqliteMoves, MOVE_LAYOUT, type SqliteMoves } from './sqlite-moves.ts';
import { createSqlitePlans, PLAN_LAYOUT, type SqlitePlans } from './sqlite-plans.ts';
import { createSqliteWrites, type SqliteWrites, WRITE_LAYOUT } from './sqlite-writes.ts';

/** How long to wait for another process (a backup, a shell) that holds the file. */
const LOCK_TIMEOUT_MS = 2_000;

/** The steps to the layout that this code reads and writes: SQL, or what SQL cannot do. A file says how many of them it has seen. */
const LAYOUT_STEPS: readonly (string | ((db: DatabaseSync) => void))[] = [
  `CREATE TABLE overrides (scope TEXT PRIMARY KEY, side TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL) STRICT;
  CREATE TABLE revisions (scope TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL, action TEXT NOT NULL,
    scope TEXT NOT NULL, reason TEXT NOT NULL, before TEXT, after TEXT, evidence TEXT, request_id TEXT
  ) STRICT;
  CREATE INDEX audit_scope ON audit (scope, id);`,
  `CREATE TABLE rules (
    id TEXT PRIMARY KEY, route TEXT NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL, permanent TEXT, actor TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT;`,
  EVIDENCE_LAYOUT,
  ID_LAYOUT,
  PLAN_LAYOUT,
  (db) => {
    chainEntries(db);
    db.exec(WRITE_LAYOUT);
  },
  MOVE_LAYOUT,
];

const overrideRow = z.object({
  scope: z.string(),
  side: z.enum(['legacy', 'new']),
  reason: z.string(),
  actor: z.string(),
  at: z.string(),
});

const ruleRow = z
  .object({
    id: z.string(),
    route: z.string(),
    kind: z.string(),
    rule: jsonText,
    permanent: z.string().nullable(),
    actor: z.string(),
    at: z.string(),
  })
  .transform(({ permanent, ...rule }): StoredRule => ({ ...rule, permanent: permanent ?? undefined }));

/** The ledger's operations, as calls that block; see ledger.ts for what they promise. */
export interface SqliteStore extends SqliteAudit, SqliteEvidence, SqliteIds, SqliteMoves, SqlitePlans, SqliteWrites {
  overrides(): Override[];
  rules(): StoredRule[];
  revisions(): Map<string, number>;
  commit(change: LedgerChange): number;
  close(): void;
}

/** Opens the ledger in `file` (`:memory:` for none), made when missing. @throws when it cannot be opened or is of another version. */
export function openSqliteStore(file: string): SqliteStore {
  const db = openDatabase(file);
  const statements = {
    overrides: db.prepare('SELECT scope, side, reason, actor, at FROM overrides ORDER BY scope'),
    rules: db.prepare('SELECT id, route, kind, rule, permanent, actor, at FROM rules ORDER BY at, id'),
    putRule: db.prepare('INSERT INTO rules (id, route, kind, rule, permanent, actor, at) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    removeRule: db.prepare('DELETE FROM rules WHERE id = ?'),
    revisions: db.prepare('SELECT scope, revision FROM revisions'),
    putOverride: db.prepare('INSERT OR REPLACE INTO overrides (scope, side, reason, actor, at) VALUES (?, ?, ?, ?, ?)'),
    liftOverride: db.prepare('DELETE FROM overrides WHERE scope = ?'),
    bump: db.prepare(
      `INSERT INTO revisions (scope, revision) VALUES (?, 1)
       ON CONFLICT (scope) DO UPDATE SET revision = revision + 1 RETURNING revision`,
    ),
  };

  const { append, ...auditing } = createSqliteAudit(db);

  function store(change: LedgerChange): number {
    const { scope, override, rule, audit } = change;
    if (override === 'lift') statements.liftOverride.run(scope);
    else if (override) {
      statements.putOverride.run(scope, override.side, override.reason, override.actor, override.at);
    }
    if (rule && 'remove' in rule) statements.removeRule.run(rule.remove);
    else if (rule) storeRule(rule);
    append(audit);
    return numberOf(statements.bump.get(scope)?.revision);
  }

  function storeRule({ id, route, kind, rule, permanent, actor, at }: StoredRule): void {
    statements.putRule.run(id, route, kind, JSON.stringify(rule), permanent ?? null, actor, at);
  }

  function atomically<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    ...auditing,
    ...createSqliteEvidence(db, atomically),
    ...createSqliteIds(db, atomically),
    ...createSqliteMoves(db, atomically, store),
    ...createSqlitePlans(db, atomically),
    ...createSqliteWrites(db, atomically),
    overrides() {
      return statements.overrides.all().map((row) => overrideRow.parse(row));
    },
    rules() {
      return statements.rules.all().map((row) => ruleRow.parse(row));
    },
    revisions() {
      return new Map(statements.revisions.all().map(({ scope, revision }) => [String(scope), numberOf(revision)]));
    },
    commit: (change) => atomically(() => store(change)),
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function numberOf(value: SQLOutputValue | undefined): number {
  return z.number().parse(value);
}

function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS });
  try {
    // Reasons and samples are nobody else's business.
    if (file !== ':memory:') chmodSync(file, 0o600);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    const version = numberOf(db.prepare('PRAGMA user_version').get()?.user_version);
    const latest = LAYOUT_STEPS.length;
    if (version > latest) {
      throw new Error(`${file} has ledger layout ${version}, this gateway reads ${latest}; use the matching release`);
    }
    if (version < latest) {
      db.exec('BEGIN');
      for (const step of LAYOUT_STEPS.slice(version)) typeof step === 'string' ? db.exec(step) : step(db);
      db.exec(`PRAGMA user_version = ${latest}; COMMIT;`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
