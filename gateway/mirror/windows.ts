// A route's counts in windows of time: the last minute, the last ten, and since its stage began. None reaches back beyond
// the stage: what was true of other traffic says nothing of this.
import { addRouteCounts, newRouteCounts, type RouteCounts } from './route-counts.ts';

export const WINDOWS = ['1m', '10m', 'stage'] as const;
export type Window = (typeof WINDOWS)[number];

/** Counts are kept by slices of this length, so that a window is up to one slice longer than its name says. */
export const SLICE_MS = 10_000;
const WINDOW_MS = { '1m': 60_000, '10m': 600_000 } as const;
/** The slices of the longest window, and the one under way. */
export const SLICES_MAX = WINDOW_MS['10m'] / SLICE_MS + 1;

/** Kinds of difference that one slice lists; there are many slices. */
const SLICE_DIFFERENCES_MAX = 100;

/** Counts by the slice in which they were counted, by its first millisecond. */
export type Slices = ReadonlyMap<number, RouteCounts>;

export interface WindowCounts {
  readonly sinceMs: number;
  readonly counts: RouteCounts;
}

export function sliceOf(ms: number): number {
  return ms - (ms % SLICE_MS);
}

export class Windows {
  readonly #sinceMs: number;
  readonly #total: RouteCounts;
  readonly #slices = new Map<number, RouteCounts>(); // SLICES_MAX at most.

  /** From the beginning of a stage, or from what was counted of it before. */
  constructor(sinceMs: number, total: RouteCounts = newRouteCounts(), slices: Slices = new Map()) {
    this.#sinceMs = sinceMs;
    this.#total = newRouteCounts();
    addRouteCounts(this.#total, total);
    for (const [startMs, counts] of slices) addRouteCounts(this.#slice(startMs), counts);
  }

  /** Where what happens in a slice is to be counted: in both of these. */
  at(startMs: number): { readonly total: RouteCounts; readonly slice: RouteCounts } {
    return { total: this.#total, slice: this.#slice(startMs) };
  }

  of(window: Window, nowMs: number): WindowCounts {
    if (window === 'stage') return { sinceMs: this.#sinceMs, counts: this.#total };
    const fromMs = sliceOf(nowMs) - WINDOW_MS[window];
    const counts = newRouteCounts();
    for (const [startMs, slice] of this.#slices) if (startMs >= fromMs) addRouteCounts(counts, slice);
    return { sinceMs: Math.max(fromMs, this.#sinceMs), counts };
  }

  #slice(startMs: number): RouteCounts {
    const known = this.#slices.get(startMs);
    if (known) return known;
    const fresh = newRouteCounts(SLICE_DIFFERENCES_MAX);
    this.#slices.set(startMs, fresh);
    // Slices come in the order of time, but for a clock that is set back.
    if (this.#slices.size > SLICES_MAX) this.#slices.delete(Math.min(...this.#slices.keys()));
    return fresh;
  }
}
