// Whether the new side is slower than legacy at the 95th percentile by more than is borne, and whether that is beyond
// doubt. Pure.
import { shareBounds } from '../mirror/confidence.ts';
import type { Durations } from './durations.ts';

const P95 = 0.95;

export interface Slowness {
  readonly legacyP95Ms: number;
  readonly newP95Ms: number;
  readonly ratio: number;
  /** More of new's requests are slower than the limit than there could be by chance. */
  readonly isBeyondDoubt: boolean;
}

/**
 * The limit is `ratioMax` times what legacy's p95 may be at most; were new within it, no more than 5 % of its requests
 * would be slower. Both ends at the one-sided confidence of `z`. Undefined where a side has no requests.
 */
export function slownessOf(legacy: Durations, fresh: Durations, ratioMax: number, z: number): Slowness | undefined {
  const legacyP95Ms = legacy.quantileMs(P95);
  const newP95Ms = fresh.quantileMs(P95);
  const bounds = legacy.quantileBoundsMs(P95, z);
  if (legacyP95Ms === undefined || newP95Ms === undefined || !bounds) return undefined;
  const slow = shareBounds({ hits: fresh.above(ratioMax * bounds.high), trials: fresh.total }, z);
  return { legacyP95Ms, newP95Ms, ratio: newP95Ms / legacyP95Ms, isBeyondDoubt: slow.low > 1 - P95 };
}
