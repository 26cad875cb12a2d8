// How far the messages of two streams lie apart, as counts in buckets that add up over processes. Lags have a sign: the new
// side may be ahead.

/** Counts by bucket; the number of a bucket has the lag's sign. */
export type Lags = Map<number, number>;

/** The smallest lag that is told from none, and the largest that is told from those above it. */
const LAG_MS_MIN = 0.1;
const LAG_MS_MAX = 600_000;
/** Each bucket is wider than the one below it by this factor, so that what is read from it is off by 5 % at most. */
const STEP = 1.1;

/** At most some 330 buckets. */
export function addLag(lags: Lags, lagMs: number, count: number): void {
  const size = Math.min(Math.abs(lagMs), LAG_MS_MAX);
  const bucket =
    size < LAG_MS_MIN ? 0 : Math.sign(lagMs) * (1 + Math.floor(Math.log(size / LAG_MS_MIN) / Math.log(STEP)));
  lags.set(bucket, (lags.get(bucket) ?? 0) + count);
}

export function lagPercentiles(
  lags: Lags,
): { readonly p50: number; readonly p95: number; readonly p99: number } | null {
  const inOrder = [...lags].sort(([a], [b]) => a - b);
  const total = inOrder.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const at = (percentile: number) => {
    let left = Math.ceil((percentile / 100) * total);
    const found = inOrder.find(([, count]) => {
      left -= count;
      return left <= 0;
    });
    return lagOf(found?.[0] ?? 0);
  };
  return { p50: at(50), p95: at(95), p99: at(99) };
}

/** The middle of a bucket, in milliseconds to three digits. */
function lagOf(bucket: number): number {
  if (bucket === 0) return 0;
  const middle = LAG_MS_MIN * STEP ** (Math.abs(bucket) - 0.5);
  return Math.sign(bucket) * Number(middle.toPrecision(3));
}
