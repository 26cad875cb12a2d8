// What an operator's answer and the audit log say of the processes that serve: how many follow a change.

import type { Flip } from '../ledger/flip-store.ts';
import { ACKNOWLEDGED, type AuditEntry } from '../ledger/ledger.ts';
import type { Actor } from '../rollout/changes.ts';
import type { OperatorDeps } from './context.ts';

/** A change that may move requests, and when its call came, by `performance.now()`. */
export interface CalledFlip extends Pick<Flip, 'action' | 'oldSide'> {
  readonly calledAt: number;
}

/**
 * Waits until all who serve follow the change that `actor` has just made to `scope`, and keeps in the audit log how many
 * said so. Answers what belongs into the answer: nothing where this process serves by itself. Never rejects.
 */
export async function acknowledge(
  { serving, flips, ledger, instance, now, raised }: OperatorDeps,
  scope: string,
  actor: Actor,
  flip?: CalledFlip,
): Promise<{ readonly flip?: number; readonly acknowledged?: { readonly workers: number; readonly of: number } }> {
  const settled = await serving.settled();
  const called = flip && { action: flip.action, oldSide: flip.oldSide, scope };
  const begun = called && (await flips.begin(called, flip.calledAt));
  const numbered = begun === undefined ? {} : { flip: begun };
  if (!settled) return numbered;
  const { version, workers, of } = settled;
  const { name, source, requestId } = actor;
  const reason =
    workers === of
      ? `in force on all ${of} workers`
      : `in force on ${workers} of ${of} workers; the others did not answer and are replaced`;
  const after = { version, workers, of };
  const audit: AuditEntry = {
    ...{ at: now().toISOString(), actor: name, source, scope, reason, requestId, before: null, after, evidence: null },
    ...{ action: 'acknowledge', instance },
  };
  await ledger
    .commit({ scope: ACKNOWLEDGED, override: undefined, audit })
    .catch((error: unknown) => raised('ledger.acknowledge', error));
  return { ...numbered, acknowledged: { workers, of } };
}
