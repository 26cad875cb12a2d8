// A change based on what has changed since: who has done that, and when, as the audit log has it.
import { type AuditEntry, RULES, type StoredAuditEntry } from '../ledger/ledger.ts';
import type { StaleError } from '../rollout/changes.ts';
import { type OperatorDeps, Refusal } from './context.ts';

/** Entries that are looked at; the change is one of the latest. */
const ENTRIES_MAX = 50;
const OF_RULES: readonly AuditEntry['action'][] = ['add_rule', 'remove_rule'];

export async function staleRefusal(
  { ledger, raised }: { readonly ledger: Pick<OperatorDeps['ledger'], 'audit'> } & Pick<OperatorDeps, 'raised'>,
  { scope, revision, message }: StaleError,
): Promise<Refusal> {
  const isOfRules = scope === RULES;
  const query = { limit: ENTRIES_MAX, ...(isOfRules ? {} : { scope }) };
  const entries = await ledger.audit(query).catch((error: unknown): StoredAuditEntry[] => {
    raised('ledger.audit', error);
    return [];
  });
  const change = entries.find(({ action }) => action !== 'acknowledge' && OF_RULES.includes(action) === isOfRules);
  if (!change) return new Refusal(412, message, { extra: { revision } });
  const { actor: changedBy, at: changedAt } = change;
  const detail = `${message}. Changed by ${changedBy} at ${changedAt}: ${change.reason}`;
  return new Refusal(412, detail, { extra: { revision, changedBy, changedAt } });
}
