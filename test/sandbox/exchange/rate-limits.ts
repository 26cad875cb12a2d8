import { ERRORS, type ExchangeError } from './errors.ts';

/** What is allowed within sliding windows; absent ones are not limited. */
export interface RateLimits {
  /** Weight of one address within 10 s. */
  readonly weightPer10s?: number;
  /** New orders and cancels of one account within 1 s. */
  readonly ordersPerS?: number;
}

/** Refusals in a row (a request that passes ends the row) that turn "too many" into a ban. */
const REFUSALS_MAX = 10;
const BAN_MS = 120_000;

interface Window {
  readonly count: number;
  readonly periodMs: number;
  used: { readonly atMs: number; readonly amount: number }[];
}

export interface Refusal {
  readonly error: ExchangeError;
  readonly retryAfterSeconds: number;
}

/** The exchange's own counting, which the client's is tested against. */
export function createRateLimits(limits: RateLimits, now: () => number) {
  const windows = new Map<string, Window>();
  let refusals = 0;
  let bannedUntilMs = 0;

  const windowOf = (name: string, count: number, periodMs: number): Window => {
    const window = windows.get(name) ?? { count, periodMs, used: [] };
    windows.set(name, window);
    window.used = window.used.filter(({ atMs }) => atMs + periodMs > now());
    return window;
  };
  const refused = (retryAfterMs: number, isBan: boolean): Refusal => ({
    error: isBan ? ERRORS.banned : ERRORS.tooManyRequests,
    retryAfterSeconds: Math.ceil(retryAfterMs / 1000),
  });

  return {
    /** Counts a request, or says why it is refused. */
    take(weight: number, orderOf: string | undefined): Refusal | undefined {
      if (now() < bannedUntilMs) return refused(bannedUntilMs - now(), true);
      const needed: [Window, number][] = [];
      if (limits.weightPer10s !== undefined) needed.push([windowOf('weight', limits.weightPer10s, 10_000), weight]);
      if (limits.ordersPerS !== undefined && orderOf !== undefined)
        needed.push([windowOf(`orders ${orderOf}`, limits.ordersPerS, 1000), 1]);
      const full = needed.find(([{ used, count }, amount]) => used.reduce((sum, u) => sum + u.amount, amount) > count);
      if (!full) {
        refusals = 0;
        for (const [window, amount] of needed) window.used.push({ atMs: now(), amount });
        return undefined;
      }
      refusals += 1;
      if (refusals <= REFUSALS_MAX) return refused((full[0].used[0]?.atMs ?? now()) + full[0].periodMs - now(), false);
      bannedUntilMs = now() + BAN_MS;
      return refused(BAN_MS, true);
    },
  };
}
