// What counted shares can be trusted to be. Pure.

/** One-sided 95 % quantile of the normal distribution. */
export const Z_95 = 1.6448536269514722;

/** So many of so many. */
export interface Share {
  readonly hits: number;
  readonly trials: number;
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * Between what a share can be trusted to lie, each end at the one-sided confidence of `z`: Wilson's score interval
 * (Wilson 1927), which stays honest for few trials and shares near 0 or 1. Without trials it may be anything.
 */
export function shareBounds({ hits, trials }: Share, z: number): Bounds {
  if (trials <= 0) return { low: 0, high: 1 };
  const share = hits / trials;
  const z2 = z * z;
  const centre = share + z2 / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share) + z2 / (4 * trials)) / trials);
  const scale = 1 + z2 / trials;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}

/** The lower end of what a share of `hits` in `trials` can be trusted to be, at 95 % confidence. Undefined without trials. */
export function lowerBound95(hits: number, trials: number): number | undefined {
  return trials <= 0 ? undefined : shareBounds({ hits, trials }, Z_95).low;
}

/**
 * Between what the increase from one share to another can be trusted to lie: Newcombe's hybrid score interval
 * (Newcombe 1998, method 10). Where both are of the same requests it is wider than need be.
 */
export function increaseBounds(from: Share, to: Share, z: number): Bounds {
  const [a, b] = [shareBounds(from, z), shareBounds(to, z)];
  const [shareA, shareB] = [shareOf(from), shareOf(to)];
  const increase = shareB - shareA;
  return {
    low: increase - Math.hypot(shareB - b.low, a.high - shareA),
    high: increase + Math.hypot(b.high - shareB, shareA - a.low),
  };
}

/** 0 without trials. */
export function shareOf({ hits, trials }: Share): number {
  return trials > 0 ? hits / trials : 0;
}
