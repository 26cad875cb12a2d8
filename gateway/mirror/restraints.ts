// All that keeps copies from becoming a burden: to a side that is down or suffers, to the machine, to what the
// configuration allows. Each refusal has a reason, by which it is counted.
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { createBackoff } from './backoff.ts';
import { createCompareBudget } from './budget.ts';
import { type CapRefusal, createCaps } from './caps.ts';
import { createChooser } from './chooser.ts';
import type { Observation } from './observation.ts';
import { createOutage } from './outage.ts';
import type { CopyTicket } from './ticket.ts';

export interface Restraints {
  /** Why this may not be copied now; otherwise it counts as one copy. */
  refuse(ticket: CopyTicket): 'shadow_down' | 'compare_budget' | 'backoff' | CapRefusal | undefined;
  /** A request is copied once more than it was counted for. */
  another(route: RouteModel): void;
  /** A copy with a body of so many bytes was answered, or failed. */
  answered(route: RouteModel, observed: Observation, bodyBytes: number): void;
  /** Comparing has taken this long. */
  compared(milliseconds: number): void;
  /** The share of the copies to each side that may be sent now; less than 1 while the side suffers. */
  readonly allowedShare: Readonly<Record<Side, number>>;
}

export function createRestraints(limits: GatewayConfig['mirror'], nowMs: () => number): Restraints {
  const budget = createCompareBudget(limits.compareCpuPercent, nowMs);
  const caps = createCaps(limits, nowMs);
  const each = <T>(make: () => T): Record<Side, T> => ({ legacy: make(), new: make() });
  const outages = each(() => createOutage(nowMs));
  const backoffs = each(() => createBackoff(nowMs));
  const spared = each(createChooser);
  return {
    refuse({ route, shadow, chosenBy }) {
      if (!outages[shadow].allows()) return 'shadow_down';
      if (!budget.allows(route.id)) return 'compare_budget';
      // The few that are to be seen at least are no burden.
      if (limits.backoff && chosenBy === 'sample' && !spared[shadow](backoffs[shadow].share)) return 'backoff';
      return caps.refuse(route);
    },
    another: (route) => caps.spendCopy(route),
    answered(route, { side, failure, status, durationMs, body }, bodyBytes) {
      outages[side].report(failure === 'connect_failed' || failure === 'connect_timeout');
      backoffs[side].report(route.id, durationMs, failure !== undefined || (status ?? 0) >= 500);
      caps.spendBytes(route, bodyBytes + (body?.length ?? 0));
    },
    compared: (milliseconds) => budget.spend(milliseconds),
    get allowedShare() {
      return limits.backoff ? { legacy: backoffs.legacy.share, new: backoffs.new.share } : { legacy: 1, new: 1 };
    },
  };
}
