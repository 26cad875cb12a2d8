// How much of the event loop comparing may take. Requests come first: when comparing would take more than its share,
// copies are dropped and counted, and coverage says so.

/** Comparing time that may be saved up while there is little to compare, so that short bursts are compared whole. */
const SAVED_MS_MAX = 250;
/** A route that has not been compared for this long gets a comparison even so: rare routes must not starve. */
const STARVED_MS = 1_000;

export interface CompareBudget {
  /** Whether a copy of this route may be sent and compared now. */
  allows(route: string): boolean;
  /** Comparing has taken this long. */
  spend(milliseconds: number): void;
}

/** A budget of `cpuPercent` of one core, by a clock in milliseconds. */
export function createCompareBudget(cpuPercent: number, nowMs: () => number): CompareBudget {
  const perMs = cpuPercent / 100;
  const lastByRoute = new Map<string, number>(); // One per configured route.
  let savedMs = SAVED_MS_MAX;
  let updatedMs = nowMs();
  return {
    allows(route) {
      const now = nowMs();
      savedMs = Math.min(SAVED_MS_MAX, savedMs + (now - updatedMs) * perMs);
      updatedMs = now;
      const last = lastByRoute.get(route) ?? Number.NEGATIVE_INFINITY;
      if (savedMs <= 0 && now - last < STARVED_MS) return false;
      lastByRoute.set(route, now);
      return true;
    },
    spend(milliseconds) {
      savedMs -= milliseconds;
    },
  };
}
