// The intervals of candles by the exchange's names, and when candles of each begin. All in UTC, ms since 1970.
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const WEEK_MS = 7 * DAY_MS;
/** The first Monday: 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

type Grid = {
  /** When the candle of this moment began. */
  readonly openOf: (timeMs: number) => number;
  /** When the candle `count` after the one that began at `openMs` begins; before it, where `count` is negative. */
  readonly shifted: (openMs: number, count: number) => number;
};

function every(lengthMs: number, firstMs = 0): Grid {
  return {
    openOf: (timeMs) => Math.floor((timeMs - firstMs) / lengthMs) * lengthMs + firstMs,
    shifted: (openMs, count) => openMs + count * lengthMs,
  };
}

const monthMs = (timeMs: number, later: number): number => {
  const date = new Date(timeMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later);
};
const MONTHS: Grid = { openOf: (timeMs) => monthMs(timeMs, 0), shifted: monthMs };

const INTERVALS = {
  '1m': every(MINUTE_MS),
  '5m': every(5 * MINUTE_MS),
  '15m': every(15 * MINUTE_MS),
  '30m': every(30 * MINUTE_MS),
  '60m': every(60 * MINUTE_MS),
  '4h': every(4 * 60 * MINUTE_MS),
  '1d': every(DAY_MS),
  '1W': every(WEEK_MS, FIRST_MONDAY_MS),
  '1M': MONTHS,
} as const satisfies Record<string, Grid>;

export type Interval = keyof typeof INTERVALS;
export const INTERVAL_NAMES = Object.keys(INTERVALS).join(', ');
export const isInterval = (text: string): text is Interval => Object.hasOwn(INTERVALS, text);
/** How candles of the interval follow each other. */
export const gridOf = (interval: Interval): Grid => INTERVALS[interval];
