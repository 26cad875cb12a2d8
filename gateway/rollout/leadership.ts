// Whether this gateway is the one that moves plans, of all that share a ledger.
import type { PlanStore } from '../ledger/plan-store.ts';

/** How long nobody leads after one that led was killed. It has to be renewed several times within. */
const LEASE_MS = 10_000;

export interface Leadership {
  /** Leads, or goes on; answers whether it does. Rejects when the ledger cannot be reached. */
  renew(): Promise<boolean>;
  /** What each write of the one that leads carries; undefined while it does not, or is not sure any more. */
  token(): number | undefined;
  /** A write was refused because another leads. */
  lost(): void;
  resign(): Promise<void>;
}

export function createLeadership(
  store: Pick<PlanStore, 'lead' | 'resign'>,
  holder: string,
  nowMs: () => number,
  leaseMs = LEASE_MS,
): Leadership {
  let token: number | undefined;
  let untilMs = 0;
  return {
    async renew() {
      const askedMs = nowMs(); // The lease begins later than that, and so ends later.
      token = await store.lead(holder, leaseMs);
      untilMs = askedMs + leaseMs;
      return token !== undefined;
    },
    token: () => (nowMs() < untilMs ? token : undefined),
    lost() {
      token = undefined;
    },
    async resign() {
      if (token !== undefined) await store.resign(holder);
      token = undefined;
    },
  };
}
