import { type Decimal, multiply } from '../decimal.ts';
import type { Interval } from './intervals.ts';

const MINUTE_MS = 60_000;
/** Minutes with trades that are remembered: a week. */
const MINUTES_MAX = 10_080;

export interface Candle {
  readonly openMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
  readonly quoteVolume: Decimal;
}

export interface Candles {
  add(deal: { readonly price: Decimal; readonly quantity: Decimal; readonly timeMs: number }): void;
  /** Candles that open within [fromMs, toMs], oldest first, at most `limit` of the newest. */
  list(interval: Interval, range: { fromMs: number; toMs: number; limit: number }): readonly Candle[];
}

const startOf = (timeMs: number, intervalMs: number): number => timeMs - (timeMs % intervalMs);

const flat = (openMs: number, price: Decimal): Candle => {
  const prices = { open: price, high: price, low: price, close: price };
  return { openMs, ...prices, volume: 0n, quoteVolume: 0n };
};

const most = (a: Decimal, b: Decimal): Decimal => (a > b ? a : b);
const least = (a: Decimal, b: Decimal): Decimal => (a < b ? a : b);

const joined = (first: Candle, next: Candle): Candle => ({
  openMs: first.openMs,
  open: first.open,
  high: most(first.high, next.high),
  low: least(first.low, next.low),
  close: next.close,
  volume: first.volume + next.volume,
  quoteVolume: first.quoteVolume + next.quoteVolume,
});

/** Minutes of trades. Where nobody traded, the price stood still: at `price` before the first trade. */
export function createCandles(price: Decimal, startedAtMs: number): Candles {
  let minutes: Candle[] = [flat(startOf(startedAtMs, MINUTE_MS), price)];
  return {
    add({ price: paid, quantity, timeMs }) {
      const openMs = startOf(timeMs, MINUTE_MS);
      const last = minutes.at(-1) ?? flat(openMs, paid);
      const deal = { ...flat(openMs, paid), volume: quantity, quoteVolume: multiply(quantity, paid) };
      if (last.openMs === openMs && last.volume > 0n) minutes[minutes.length - 1] = joined(last, deal);
      else if (last.openMs === openMs) minutes[minutes.length - 1] = deal;
      else minutes.push(deal);
      if (minutes.length > MINUTES_MAX) minutes = minutes.slice(-MINUTES_MAX);
    },
    list({ openOf, endOf }, { fromMs, toMs, limit }) {
      const opens: number[] = [];
      for (let openMs = openOf(toMs); openMs >= fromMs && opens.length < limit; openMs = openOf(openMs - 1))
        opens.unshift(openMs);
      const firstOpenMs = opens[0] ?? toMs;
      const candles: Candle[] = [];
      let next = minutes.findIndex(({ openMs }) => openMs >= firstOpenMs);
      if (next < 0) next = minutes.length;
      let close = minutes[next - 1]?.close ?? price;
      for (const openMs of opens) {
        let candle: Candle | undefined;
        for (let minute = minutes[next]; minute && minute.openMs < endOf(openMs); minute = minutes[++next])
          candle = candle ? joined(candle, minute) : { ...minute, openMs };
        candle ??= flat(openMs, close);
        close = candle.close;
        candles.push(candle);
      }
      return candles;
    },
  };
}
