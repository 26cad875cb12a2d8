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

/**
 * What a share is at least, exactly (Clopper and Pearson 1934): were it less, so many hits or more would have less than this
 * chance. Wilson's end is too bold where few of few trials were hits: at z = 4 it takes 4 of 30 for 2.3 % at least, which have a
 * chance of 1 in 200 there, not of 1 in 31,000. Costs a hundred times as much.
 */
export function exactLow({ hits, trials }: Share, chance: number): number {
  let [low, high] = [0, trials > 0 ? hits / trials : 0];
  const ways = logWays({ hits, trials });
  for (let i = 0; i < 50 && high > 0; i++) {
    const middle = (low + high) / 2;
    if (chanceOfAtLeast({ hits, trials }, middle, ways) < chance) low = middle;
    else high = middle;
  }
  return low;
}

/** Of so many hits or more, each of this probability, where that expects fewer. */
function chanceOfAtLeast({ hits, trials }: Share, probability: number, ways: number): number {
  const odds = probability / (1 - probability);
  let term = 1; // Of each number of hits as a part of that of `hits`, which may be too small for a number by itself.
  let sum = 1;
  for (let k = hits; k < trials && term > sum * Number.EPSILON; k++) {
    term *= ((trials - k) / (k + 1)) * odds;
    sum += term;
  }
  return Math.exp(ways + (trials - hits) * Math.log1p(-probability) + hits * Math.log(probability)) * sum;
}

/** The logarithm of in how many ways the hits can lie among the trials. */
function logWays({ hits, trials }: Share): number {
  let sum = 0;
  for (let k = 1; k <= hits; k++) sum += Math.log((trials - hits + k) / k);
  return sum;
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
  return increaseBetween([from, shareBounds(from, z)], [to, shareBounds(to, z)]);
}

/** The same, of ends that were found in another way. */
export function increaseBetween([from, a]: readonly [Share, Bounds], [to, b]: readonly [Share, Bounds]): Bounds {
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
