// What is made of several rounds.

/** @throws when there is nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = sorted.length % 2 === 1 ? [middle, middle] : [middle - 1, middle];
  const [a, b] = [sorted[low], sorted[high]];
  if (a === undefined || b === undefined) throw new Error('no values to take the median of');
  return (a + b) / 2;
}

/**
 * The median of the rounds' ratios, and their range. Each round's two values were taken moments apart, so a slow spell of
 * the machine falls on both and cancels out, which it does not in a ratio of medians.
 */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function ratioOf(values: readonly number[], bases: readonly number[]): Ratio {
  const ratios = values.map((value, round) => value / (bases[round] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
