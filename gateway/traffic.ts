// What each side has done with each route's requests lately: counts, errors, rate and latency, for operators and for
// the evidence of a change. Bounded: three histograms and two rings a route and side.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Durations } from './rollout/durations.ts';
import type { BothServed, ServedFacts } from './rollout/facts.ts';
import { SIDES, type Side } from './routing/side.ts';

/** Rates are over this many seconds. */
const RATE_SECONDS = 60;
/** Latency is over the current and the last of these windows. */
const WINDOW_MS = 60_000;
const DURATION_US_MAX = 600_000_000;

export interface SideTraffic {
  readonly requests: number;
  /** Answers of 500 and above, and requests that could not be answered. */
  readonly errors: number;
  readonly perSecond: number;
  /** Of the requests that `perSecond` counts; null where there are none. */
  readonly errorShare: number | null;
  /** Milliseconds; null before anything was measured in the window. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}

export interface Traffic {
  count(route: string, side: Side, durationMs: number, isError: boolean): void;
  of(route: string): Readonly<Record<Side, SideTraffic>>;
  /** All since this process began; does not change any more. */
  totals(route: string): BothServed;
  /** When the last request ended that a side answered, by the clock in milliseconds; undefined before the first. */
  lastMs(route: string, side: Side): number | undefined;
  /** Requests that no route names. */
  requests(route: string): number;
}

/** Of a route that nobody has used: histograms are made with its first request. */
const NO_TRAFFIC: SideTraffic = { requests: 0, errors: 0, perSecond: 0, errorShare: null, latencyMs: null };
const NO_TOTALS: ServedFacts = { requests: 0, errors: 0, durations: new Durations() };

export function createTraffic(nowMs: () => number): Traffic {
  const routes = new Map<string, Record<Side, SideCounts>>(); // One per configured route, and version of the new side.
  // One for all summaries: each would cost a hundred kilobytes that the collector does not see.
  const scratch = newHistogram();
  const counts = (route: string) => {
    const known = routes.get(route);
    if (known) return known;
    const fresh = { legacy: new SideCounts(nowMs()), new: new SideCounts(nowMs()) };
    routes.set(route, fresh);
    return fresh;
  };
  return {
    count: (route, side, durationMs, isError) => counts(route)[side].count(nowMs(), durationMs, isError),
    of(route) {
      const { legacy, new: fresh } = routes.get(route) ?? {};
      if (!legacy || !fresh) return { legacy: NO_TRAFFIC, new: NO_TRAFFIC };
      return { legacy: legacy.summary(nowMs(), scratch), new: fresh.summary(nowMs(), scratch) };
    },
    totals(route) {
      const { legacy, new: fresh } = routes.get(route) ?? {};
      return { legacy: legacy?.totals() ?? NO_TOTALS, new: fresh?.totals() ?? NO_TOTALS };
    },
    lastMs: (route, side) => routes.get(route)?.[side].lastMs,
    requests: (route) => SIDES.reduce((total, side) => total + (routes.get(route)?.[side].requests ?? 0), 0),
  };
}

class SideCounts {
  requests = 0;
  lastMs: number | undefined;
  #errors = 0;
  readonly #durations = new Durations();
  readonly #perSecond = new Uint32Array(RATE_SECONDS);
  readonly #errorsPerSecond = new Uint32Array(RATE_SECONDS);
  #second: number;
  #current = newHistogram();
  #last = newHistogram();
  #windowStartedMs: number;

  constructor(nowMs: number) {
    this.#second = Math.floor(nowMs / 1000);
    this.#windowStartedMs = nowMs;
  }

  count(nowMs: number, durationMs: number, isError: boolean): void {
    this.#advance(nowMs);
    this.requests++;
    this.lastMs = nowMs;
    this.#durations.add(durationMs);
    const slot = this.#second % RATE_SECONDS;
    this.#perSecond[slot] = (this.#perSecond[slot] ?? 0) + 1;
    if (isError) {
      this.#errors++;
      this.#errorsPerSecond[slot] = (this.#errorsPerSecond[slot] ?? 0) + 1;
    }
    this.#current.record(Math.min(DURATION_US_MAX, Math.max(1, Math.round(durationMs * 1000))));
  }

  totals(): ServedFacts {
    return { requests: this.requests, errors: this.#errors, durations: this.#durations.copy() };
  }

  /** `recent` is written over. */
  summary(nowMs: number, recent: RecordableHistogram): SideTraffic {
    this.#advance(nowMs);
    recent.reset();
    recent.add(this.#last);
    recent.add(this.#current);
    const at = (percentile: number) => recent.percentile(percentile) / 1000;
    const [served, failed] = [total(this.#perSecond), total(this.#errorsPerSecond)];
    return {
      requests: this.requests,
      errors: this.#errors,
      perSecond: served / RATE_SECONDS,
      errorShare: served > 0 ? failed / served : null,
      latencyMs: recent.count > 0 ? { p50: at(50), p95: at(95), p99: at(99) } : null,
    };
  }

  /** Empties the seconds that have passed unused, and turns the window. */
  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(RATE_SECONDS, second - this.#second);
    for (let i = 1; i <= passed; i++) {
      const slot = (this.#second + i) % RATE_SECONDS;
      this.#perSecond[slot] = 0;
      this.#errorsPerSecond[slot] = 0;
    }
    if (passed > 0) this.#second = second;
    const age = nowMs - this.#windowStartedMs;
    if (age < WINDOW_MS) return;
    [this.#last, this.#current] = [this.#current, this.#last];
    this.#current.reset();
    if (age >= 2 * WINDOW_MS) this.#last.reset();
    this.#windowStartedMs = nowMs;
  }
}

function total(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: DURATION_US_MAX, figures: 2 });
}
