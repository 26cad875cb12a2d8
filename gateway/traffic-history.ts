// What each side has served of each route over the last hour, in buckets of ten seconds, for charts. Read off the totals
// by a timer: requests pay nothing for it. Of this process alone, and gone with it. At most 360 buckets a route.

import type { BothServed, ServedFacts } from './rollout/facts.ts';
import { servedSince } from './rollout/served-history.ts';
import { SIDES, type Side } from './routing/side.ts';
import type { Traffic } from './traffic.ts';

export const BUCKET_MS = 10_000;
const HISTORY_MS = 3_600_000;
const BUCKETS = HISTORY_MS / BUCKET_MS;

/** What a side has served in one bucket. */
export interface ServedInBucket {
  readonly requests: number;
  readonly errors: number;
  /** Undefined where nothing was timed. */
  readonly p95Ms: number | undefined;
}

export interface Bucket {
  /** When it begins. */
  readonly atMs: number;
  /** A side that served nothing is missing. */
  readonly served: Readonly<Partial<Record<Side, ServedInBucket>>>;
}

export interface TrafficHistory {
  /** The buckets that have begun since then and in which anything was served, oldest first. */
  of(route: string, sinceMs: number): readonly Bucket[];
  /** Ends the bucket under way; the timer does. */
  mark(): void;
  close(): void;
}

export interface TrafficHistoryDeps {
  readonly traffic: Pick<Traffic, 'totals'>;
  /** The routes in force. */
  readonly routes: () => readonly string[];
  readonly nowMs: () => number;
}

export function keepTrafficHistory({ traffic, routes, nowMs }: TrafficHistoryDeps): TrafficHistory {
  const kept = new Map<string, RouteHistory>(); // One per configured route.

  function mark(): void {
    const known = new Set(routes());
    for (const route of kept.keys()) if (!known.has(route)) kept.delete(route);
    for (const route of known) {
      const history = kept.get(route) ?? new RouteHistory(nowMs());
      kept.set(route, history);
      history.mark(traffic.totals(route), nowMs());
    }
  }

  mark();
  const timer = setInterval(mark, BUCKET_MS).unref();
  return {
    of: (route, sinceMs) => kept.get(route)?.since(Math.max(sinceMs, nowMs() - HISTORY_MS)) ?? [],
    mark,
    close: () => clearInterval(timer),
  };
}

class RouteHistory {
  #before: BothServed | undefined;
  #beganMs: number;
  /** BUCKETS at most, the oldest first; those without traffic are not kept. */
  #buckets: Bucket[] = [];

  constructor(nowMs: number) {
    this.#beganMs = nowMs;
  }

  mark(totals: BothServed, nowMs: number): void {
    const served = this.#before && inBucket(servedSince(totals, this.#before));
    if (served && (served.legacy ?? served.new)) {
      this.#buckets = [...this.#buckets.slice(1 - BUCKETS), { atMs: this.#beganMs, served }];
    }
    this.#before = totals;
    this.#beganMs = nowMs;
  }

  since(ms: number): Bucket[] {
    return this.#buckets.filter(({ atMs }) => atMs >= ms);
  }
}

function inBucket(served: BothServed): Bucket['served'] {
  return Object.fromEntries(
    SIDES.flatMap((side) => (served[side].requests > 0 ? [[side, figuresOf(served[side])] as const] : [])),
  );
}

function figuresOf({ requests, errors, durations }: ServedFacts): ServedInBucket {
  return { requests, errors, p95Ms: durations.quantileMs(0.95) };
}
