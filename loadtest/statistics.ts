// Percentiles and what is known of them. Pure.

/** A figure with the interval that holds its true value with 95 % confidence; a bound is null where too little is known. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const CONFIDENCE = 0.95;
/** Student's t for 95 % two-sided, by degrees of freedom from 1 on. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131];
/** Beyond: a little wider than it has to be. */
const T_AFTER = 2.131;

/** Index of the nearest-rank percentile in `count` sorted values. */
export function rankOf(share: number, count: number): number {
  return Math.max(0, Math.ceil(share * count) - 1);
}

/**
 * The interval of a percentile by order statistics: ranks between which the true one lies, by the binomial distribution, whatever
 * the values are distributed like (David and Nagaraja, Order Statistics, 3rd ed., section 7.1). Takes values to be independent.
 * Indices into the sorted values; undefined where there are too few values for a bound.
 */
export function rankInterval(
  share: number,
  count: number,
): { readonly low: number | undefined; readonly high: number | undefined } {
  const tail = (1 - CONFIDENCE) / 2;
  let low: number | undefined;
  let high: number | undefined;
  let below = 0; // P(fewer than k of the values lie below the true percentile), for k of the loop.
  let logTerm = count * Math.log(1 - share);
  const logOdds = Math.log(share / (1 - share));
  for (let k = 0; k < count; k++) {
    below += Math.exp(logTerm);
    logTerm += Math.log((count - k) / (k + 1)) + logOdds;
    if (below <= tail) low = k;
    if (high === undefined && below >= 1 - tail) high = k;
    if (high !== undefined) break;
  }
  return { low, high };
}

/** A percentile of values that are sorted upwards. @throws when there is none. */
export function percentile(sorted: ArrayLike<number>, share: number): Estimate {
  const at = (index: number | undefined): number | null => (index === undefined ? null : (sorted[index] ?? null));
  const value = at(rankOf(share, sorted.length));
  if (value === null) throw new RangeError('no values to take a percentile of');
  const { low, high } = rankInterval(share, sorted.length);
  return { value, low: at(low), high: at(high) };
}

/**
 * The mean of one figure a round, with its interval by Student's t. Rounds are the unit: requests of one round share their
 * machine's mood, so taking each of them as a witness of its own would say more than is known. One round has no interval.
 */
export function meanOverRounds(values: readonly number[]): Estimate {
  const { length } = values;
  if (length === 0) throw new RangeError('no rounds to take a mean of');
  const mean = values.reduce((sum, value) => sum + value, 0) / length;
  if (length === 1) return { value: mean, low: null, high: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (length - 1);
  const margin = (T[length - 2] ?? T_AFTER) * Math.sqrt(variance / length);
  return { value: mean, low: mean - margin, high: mean + margin };
}

/** The geometric mean of one ratio a round, with its interval. */
export function ratioOverRounds(ratios: readonly number[]): Estimate {
  const { value, low, high } = meanOverRounds(ratios.map(Math.log));
  const back = (bound: number | null): number | null => (bound === null ? null : Math.exp(bound));
  return { value: Math.exp(value), low: back(low), high: back(high) };
}
