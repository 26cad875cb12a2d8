// How fast a growing count grew lately.

const WINDOW_MS = 15_000;
/** One a second, and some for a clock that jumps. */
const SAMPLES_MAX = 30;

/** Answers, for a count at a time, how much a second it has grown by over the last seconds; 0 for the first. */
export function createRate(): (count: number, atMs: number) => number {
  let samples: readonly { readonly count: number; readonly atMs: number }[] = [];
  return (count, atMs) => {
    const recent = samples.filter((sample) => sample.atMs < atMs && sample.atMs >= atMs - WINDOW_MS);
    samples = [...recent, { count, atMs }].slice(-SAMPLES_MAX);
    const [oldest] = samples;
    if (oldest === undefined || oldest.atMs === atMs) return 0;
    return Math.max(0, ((count - oldest.count) * 1_000) / (atMs - oldest.atMs));
  };
}
