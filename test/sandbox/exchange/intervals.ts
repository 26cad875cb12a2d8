const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MONDAY_MS = Date.parse('1970-01-05T00:00:00Z');

/** When candles begin and end, ms since 1970. */
export interface Interval {
  openOf(timeMs: number): number;
  /** When the candle that began at `openMs` is over. */
  endOf(openMs: number): number;
}

const fixed = (lengthMs: number, firstMs = 0): Interval => ({
  openOf: (timeMs) => timeMs - ((((timeMs - firstMs) % lengthMs) + lengthMs) % lengthMs),
  endOf: (openMs) => openMs + lengthMs,
});

const MONTH: Interval = {
  openOf: (timeMs) => new Date(timeMs).setUTCHours(0, 0, 0, 0) - (new Date(timeMs).getUTCDate() - 1) * DAY_MS,
  endOf: (openMs) => new Date(openMs).setUTCMonth(new Date(openMs).getUTCMonth() + 1),
};

/** By the names of REST. */
export const INTERVALS: Readonly<Record<string, Interval>> = {
  '1m': fixed(MINUTE_MS),
  '5m': fixed(5 * MINUTE_MS),
  '15m': fixed(15 * MINUTE_MS),
  '30m': fixed(30 * MINUTE_MS),
  '60m': fixed(60 * MINUTE_MS),
  '4h': fixed(4 * 60 * MINUTE_MS),
  '1d': fixed(DAY_MS),
  '1W': fixed(7 * DAY_MS, MONDAY_MS),
  '1M': MONTH,
};
