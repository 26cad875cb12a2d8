// How many requests are under way at once: more while the target keeps up, half as many when it throttles (AIMD, as TCP does).
// What waits is bounded by what callers start: a chunk's rows, a batch of changes.

const AT_ONCE_START = 16;
const AT_ONCE_MIN = 1;
/** As many as there are connections: what waits for one would use up its time. At 6 ms that is 10,000 writes a second. */
const AT_ONCE_MAX = 64;
/** One throttling makes many answers; within this they count as one. */
const HALVE_INTERVAL_MS = 500;

export type PaceState = {
  readonly atOnce: number;
  readonly throttled: number;
  /** Of the last throttling, what was short; undefined before any. */
  readonly reason: string | undefined;
};

export type Pace = {
  readonly within: <T>(work: () => Promise<T>) => Promise<T>;
  /** `reason` where the target says it. */
  readonly throttled: (reason: string | undefined) => void;
  readonly state: () => PaceState;
};

export function createPace(now: () => number = Date.now): Pace {
  let limit = AT_ONCE_START;
  let underWay = 0;
  let throttledCount = 0;
  let halvedAtMs = Number.NEGATIVE_INFINITY;
  let reason: string | undefined;
  const waiting: (() => void)[] = [];

  function next(): void {
    while (underWay < limit && waiting.length > 0) {
      underWay += 1;
      waiting.shift()?.();
    }
  }

  return {
    async within(work) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        next();
      });
      try {
        const result = await work();
        limit = Math.min(AT_ONCE_MAX, limit + 1 / limit);
        return result;
      } finally {
        underWay -= 1;
        next();
      }
    },
    throttled(why) {
      throttledCount += 1;
      reason = why ?? reason ?? 'which limit, it did not say';
      if (now() - halvedAtMs < HALVE_INTERVAL_MS) return;
      halvedAtMs = now();
      limit = Math.max(AT_ONCE_MIN, limit / 2);
    },
    state: () => ({ atOnce: Math.floor(limit), throttled: throttledCount, reason }),
  };
}
