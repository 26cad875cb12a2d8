// The audit log in the embedded ledger's file.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { anchorEntry, link, linkAfter } from './audit-chain.ts';
import {
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  type AuditEntry,
  type AuditHead,
  type AuditPage,
  type AuditQuery,
  type StoredAuditEntry,
} from './ledger.ts';

/** Entries that are read at once while they are being chained. */
const CHAIN_PAGE = 500;

/** A value as JSON in a column. */
export const jsonText = z
  .string()
  .nullable()
  .transform((text): unknown => (text === null ? null : JSON.parse(text)));

const auditRow = z
  .object({
    id: z.number(),
    at: z.string(),
    actor: z.string(),
    source: z.enum(AUDIT_SOURCES),
    action: z.enum(AUDIT_ACTIONS),
    scope: z.string(),
    reason: z.string(),
    before: jsonText,
    after: jsonText,
    evidence: jsonText,
    request_id: z.string().nullable(),
    instance: z.string().nullable(),
    prev: z.string(),
    hash: z.string(),
  })
  .transform(
    ({ request_id, instance, ...entry }): StoredAuditEntry => ({
      ...entry,
      requestId: request_id ?? undefined,
      instance: instance ?? undefined,
    }),
  );
const headRow = z.object({ id: z.number(), hash: z.string() }).optional();

/** The log's operations, as calls that block. */
export interface SqliteAudit {
  audit(query: AuditQuery): StoredAuditEntry[];
  auditAfter(page: AuditPage): StoredAuditEntry[];
  auditHead(): AuditHead | undefined;
}

/** `append` is to be called within a transaction: nothing else may be appended meanwhile. */
export function createSqliteAudit(db: DatabaseSync): SqliteAudit & { append(entry: AuditEntry): void } {
  const newest = db.prepare(
    `SELECT * FROM audit WHERE (?1 IS NULL OR scope = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3`,
  );
  const next = db.prepare('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?');
  const head = db.prepare('SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1');
  const add = db.prepare(
    `INSERT INTO audit (id, at, actor, source, action, scope, reason, before, after, evidence, request_id, instance, prev, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const auditHead = () => headRow.parse(head.get());
  return {
    audit: ({ limit, scope, before }) =>
      newest.all(scope ?? null, before ?? null, limit).map((row) => auditRow.parse(row)),
    auditAfter: ({ after, limit }) => next.all(after, limit).map((row) => auditRow.parse(row)),
    auditHead,
    append(entry) {
      const { id, at, actor, source, action, scope, reason, ...rest } = linkAfter(auditHead(), entry);
      const { before, after, evidence, requestId, instance, prev, hash } = rest;
      const values = [before, after, evidence].map((value) => JSON.stringify(value));
      add.run(
        ...[id, at, actor, source, action, scope, reason, ...values],
        ...[requestId ?? null, instance ?? null, prev, hash],
      );
    },
  };
}

/** A layout step: the log becomes a chain, from its first entry on. */
export function chainEntries(db: DatabaseSync): void {
  db.exec(`
    ALTER TABLE audit ADD COLUMN instance TEXT;
    ALTER TABLE audit ADD COLUMN prev TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';`);
  const set = db.prepare('UPDATE audit SET prev = ?, hash = ? WHERE id = ?');
  const { append, auditAfter } = createSqliteAudit(db);
  let first: number | undefined;
  let last: AuditHead | undefined;
  for (;;) {
    const page = auditAfter({ after: last?.id ?? 0, limit: CHAIN_PAGE });
    for (const { id, prev: _prev, hash: _hash, ...entry } of page) {
      const linked = link(entry, id, last?.hash);
      set.run(linked.prev, linked.hash, id);
      first ??= id;
      last = linked;
    }
    if (page.length < CHAIN_PAGE) break;
  }
  if (first !== undefined && last) append(anchorEntry(first, last.id, new Date().toISOString()));
}
