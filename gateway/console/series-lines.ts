// What a chart draws of a route's series: every bucket of the span has a value, or none. Pure.
import type { Series } from './answers.ts';

export type Measure = 'perSecond' | 'errorShare' | 'p95Ms';

export interface SeriesLines {
  readonly timesMs: readonly number[];
  readonly legacy: readonly (number | null)[];
  readonly new: readonly (number | null)[];
}

/** More buckets than this are not drawn, whatever a gateway sends. */
const BUCKETS_MAX = 2_000;

/** Lines from the first bucket to the last. A rate is 0 where nothing was served; other measures have no value there. */
export function seriesLines(
  { points, bucketSeconds }: Pick<Series, 'points' | 'bucketSeconds'>,
  measure: Measure,
): SeriesLines {
  const stepMs = bucketSeconds * 1_000;
  const firstMs = Date.parse(points[0]?.at ?? '');
  // Buckets begin a little late at times, when the gateway is busy.
  const byIndex = new Map(points.map((point) => [Math.round((Date.parse(point.at) - firstMs) / stepMs), point]));
  const last = Math.max(-1, ...byIndex.keys());
  const timesMs = Array.from({ length: Math.min(BUCKETS_MAX, last + 1) }, (_, index) => firstMs + index * stepMs);
  const valuesOf = (side: 'legacy' | 'new') =>
    timesMs.map((_, index) => byIndex.get(index)?.[side]?.[measure] ?? (measure === 'perSecond' ? 0 : null));
  return { timesMs, legacy: valuesOf('legacy'), new: valuesOf('new') };
}
