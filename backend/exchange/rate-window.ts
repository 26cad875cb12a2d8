// How much was used of a rate limit in its sliding window. Exact: never more than the limit within any window. Pure but for
// what it counts.

/** At most `count` (requests, or their weight) within any `periodMs`. */
export type RateLimit = { readonly count: number; readonly periodMs: number };

export type RateWindow = {
  /** How long until `amount` more fits into `share` (0..1) of the limit, ms; 0 when it fits now. */
  readonly waitMs: (amount: number, share: number, nowMs: number) => number;
  readonly use: (amount: number, nowMs: number) => void;
};

/** `nowMs` of successive calls must not step back. Keeps at most `limit.count` entries, since each uses 1 or more. */
export function createRateWindow(limit: RateLimit): RateWindow {
  const used: { readonly atMs: number; readonly amount: number }[] = [];
  let sum = 0;

  function forget(nowMs: number): void {
    while (used[0] && used[0].atMs + limit.periodMs <= nowMs) sum -= used.shift()?.amount ?? 0;
  }

  return {
    waitMs(amount, share, nowMs) {
      forget(nowMs);
      // What is heavier than the whole share goes when the share is empty: later it would be no lighter.
      const allowed = Math.max(1, Math.floor(limit.count * share));
      let excess = sum + Math.min(amount, allowed) - allowed;
      for (const entry of used) {
        if (excess <= 0) return 0;
        excess -= entry.amount;
        if (excess <= 0) return entry.atMs + limit.periodMs - nowMs;
      }
      return 0;
    },
    use(amount, nowMs) {
      forget(nowMs);
      used.push({ atMs: nowMs, amount });
      sum += amount;
    },
  };
}
