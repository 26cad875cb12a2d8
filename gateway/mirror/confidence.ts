/** One-sided 95 % quantile of the normal distribution. */
const Z_95 = 1.6448536269514722;

/**
 * The lower end of what a share of `hits` in `trials` can be trusted to be, at 95 % confidence: Wilson's score interval
 * (Wilson 1927), which stays honest for few trials and shares near 1. Undefined without trials.
 */
export function lowerBound95(hits: number, trials: number): number | undefined {
  if (trials <= 0) return undefined;
  const share = hits / trials;
  const z2 = Z_95 * Z_95;
  const centre = share + z2 / (2 * trials);
  const spread = Z_95 * Math.sqrt((share * (1 - share) + z2 / (4 * trials)) / trials);
  return Math.max(0, (centre - spread) / (1 + z2 / trials));
}
