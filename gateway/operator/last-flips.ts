// Who last moved who serves a route, and when: read from the audit log, which several gateways may write.
import { ALL_ROUTES, type AuditEntry } from '../ledger/ledger.ts';
import type { OperatorDeps } from './context.ts';

/** What moves who serves. */
export const FLIPS: readonly AuditEntry['action'][] = ['stage', 'rollback', 'lift'];
/** Entries that are read at once; of what lies further back nothing is said. */
const ENTRIES_MAX = 500;

export type LastFlip = Pick<AuditEntry, 'at' | 'actor' | 'action'>;

export interface LastFlips {
  /** Reads what has come since. Never rejects: an old answer is better than none. */
  refresh(): Promise<void>;
  /** Of the route itself, or of all routes where that is later. */
  of(route: string): LastFlip | undefined;
}

export function createLastFlips({ ledger, raised }: Pick<OperatorDeps, 'ledger' | 'raised'>): LastFlips {
  const known = new Map<string, LastFlip>(); // One per scope that was ever moved: routes, and all.
  let after: number | undefined;

  function take(entries: Awaited<ReturnType<typeof ledger.audit>>): void {
    for (const { id, at, actor, action, scope } of entries) {
      after = Math.max(after ?? 0, id);
      if (FLIPS.includes(action)) known.set(scope, { at, actor, action });
    }
  }

  return {
    async refresh() {
      try {
        if (after === undefined) take((await ledger.audit({ limit: ENTRIES_MAX })).reverse());
        else take(await ledger.auditAfter({ after, limit: ENTRIES_MAX }));
      } catch (error) {
        raised('ledger.audit', error);
      }
    },
    of(route) {
      const [own, all] = [known.get(route), known.get(ALL_ROUTES)];
      return own && all ? (own.at > all.at ? own : all) : (own ?? all);
    },
  };
}
