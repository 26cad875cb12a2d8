// Waiting for a moment of the exchange's clock, to the millisecond.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

/** A timer is trusted up to this close to the moment, ms; from there on every turn of the event loop looks at the clock. */
const TIMER_ERROR_MS = 3;
/** The longest sleep: the exchange's clock may be measured anew meanwhile. */
const SLEEP_MOST_MS = 250;

/** Resolves at the moment or as soon after as the event loop allows; false when `signal` aborts before it. */
export async function until(now: () => number, atMs: number, signal: AbortSignal): Promise<boolean> {
  for (let leftMs = atMs - now(); leftMs > 0; leftMs = atMs - now()) {
    if (signal.aborted) return false;
    if (leftMs <= TIMER_ERROR_MS) await turn();
    else await delay(Math.min(SLEEP_MOST_MS, leftMs - TIMER_ERROR_MS), undefined, { signal }).catch(() => undefined);
  }
  return !signal.aborted;
}
