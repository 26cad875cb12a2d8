// When to ask the web site again. Pure.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** A listing further ahead than this is not asked about more often than any other, ms. */
export const HORIZON_MS = 72 * 60 * MINUTE_MS;
/** A listing is followed for this long after its announced opening: it may open late, or be moved. */
export const AFTERWARDS_MS = 10 * MINUTE_MS;

export type Source = 'calendar' | 'symbols';

/**
 * ms until the next question. `nearestMs` is how far the nearest opening is away, negative once it has passed, undefined when
 * nothing is pending. `failures` in a row make it twice as long each. Never more than `mostMs`.
 */
export function pollAfterMs(source: Source, nearestMs: number | undefined, failures: number, mostMs: number): number {
  const usualMs = usualAfterMs(source, nearestMs) ?? mostMs;
  return Math.min(mostMs, usualMs * 2 ** Math.min(failures, 20));
}

/** Undefined: as seldom as it is asked at all. */
function usualAfterMs(source: Source, nearestMs: number | undefined): number | undefined {
  if (nearestMs === undefined || nearestMs > HORIZON_MS) return undefined;
  if (source === 'calendar') return nearestMs < 60 * MINUTE_MS ? MINUTE_MS : undefined;
  if (nearestMs < 2 * MINUTE_MS) return 2 * SECOND_MS;
  return nearestMs < 60 * MINUTE_MS ? 5 * SECOND_MS : 30 * SECOND_MS;
}
