// The audit log as CSV (RFC 4180), for spreadsheets. Pure.
import { canonicalJson } from '../ledger/canonical-json.ts';
import type { StoredAuditEntry } from '../ledger/ledger.ts';

const COLUMNS = [
  ...['id', 'at', 'actor', 'source', 'action', 'scope', 'reason', 'before', 'after', 'evidence'],
  ...['requestId', 'instance', 'prev', 'hash'],
] as const;
/** What spreadsheets take for the beginning of a formula, or skip on the way to one (OWASP, CSV Injection). */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]/;

export const CSV_HEADER = rowOf(COLUMNS);

/** One record, its line end included. A text that begins like a formula has an apostrophe before it. */
export function csvRow(entry: StoredAuditEntry): string {
  const { id, at, actor, source, action, scope, reason, requestId, instance, prev, hash } = entry;
  const [before, after, evidence] = [entry.before, entry.after, entry.evidence].map(jsonCell);
  return rowOf([
    ...[String(id), at, actor, source, action, scope, reason, before, after, evidence],
    ...[requestId, instance, prev, hash],
  ]);
}

function jsonCell(value: unknown): string {
  return value === null || value === undefined ? '' : canonicalJson(value);
}

function rowOf(cells: readonly (string | undefined)[]): string {
  return `${cells.map((cell = '') => quoted(FORMULA.test(cell) ? `'${cell}` : cell)).join()}\r\n`;
}

function quoted(cell: string): string {
  return NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
