// What each side has served of the routes under a guard, in the last minutes: totals as they were, to subtract from what
// they are. Of this process alone; what was before it began, nobody knows.
import type { BothServed, ServedFacts } from './facts.ts';

/** How often totals are put down; a window is up to so much longer than it says. */
const EVERY_MS = 10_000;
const LONGEST_MS = 600_000;

export class ServedHistory {
  /** In the order of time; LONGEST_MS / EVERY_MS + 2 at most. */
  #marks: { readonly atMs: number; readonly totals: BothServed }[] = [];

  mark(totals: BothServed, nowMs: number): void {
    const last = this.#marks.at(-1);
    if (last && nowMs - last.atMs < EVERY_MS && nowMs >= last.atMs) return;
    // One that is older than the longest window has to stay: the window begins there.
    const firstNeeded = this.#marks.findLastIndex(({ atMs }) => atMs <= nowMs - LONGEST_MS);
    this.#marks = [...this.#marks.slice(Math.max(0, firstNeeded)), { atMs: nowMs, totals }];
  }

  /** What was served in so many milliseconds up to now, or since the first mark. */
  within(windowMs: number, totals: BothServed, nowMs: number): BothServed {
    const from = this.#marks.findLast(({ atMs }) => atMs <= nowMs - windowMs) ?? this.#marks[0];
    return from ? servedSince(totals, from.totals) : totals;
  }
}

/** What was served between two totals. */
export function servedSince(now: BothServed, earlier: BothServed): BothServed {
  return { legacy: difference(now.legacy, earlier.legacy), new: difference(now.new, earlier.new) };
}

function difference(now: ServedFacts, earlier: ServedFacts): ServedFacts {
  return {
    requests: now.requests - earlier.requests,
    errors: now.errors - earlier.errors,
    durations: now.durations.since(earlier.durations),
  };
}
