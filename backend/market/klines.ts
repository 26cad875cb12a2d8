// Candles by range: those that are over come from the table, what it lacks from the exchange, which fills the table.
import type { Clock } from '../domain/ids.ts';
import { createKept } from '../domain/kept.ts';
import type { Rejection, Unknown } from '../exchange/exchange.ts';
import { gridOf, type Interval, isInterval } from '../exchange/intervals.ts';
import type { Kline, KlinesResult, MarketQueries } from '../exchange/market-feed.ts';
import type { KlineRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';

/** The most the exchange gives at once, and the most a caller gets. */
export const KLINES_MAX = 500;
/** The present candle changes with every trade; a crowd shares a look at it. */
const PRESENT_FRESH_MS = 1000;
const ANSWERS_KEPT_MAX = 1000;

export type Klines = {
  /** Candles that open within [fromMs, toMs], oldest first, at most `limit` of the newest. Never rejects for the exchange's sake. */
  readonly query: (
    symbol: string,
    interval: Interval,
    range: { readonly fromMs: number | undefined; readonly toMs: number | undefined; readonly limit: number },
  ) => Promise<{ readonly kind: 'klines'; readonly klines: readonly Kline[] } | Rejection | Unknown>;
};

export type KlinesDeps = {
  readonly store: Pick<Store, 'putKlines' | 'klines'>;
  readonly queries: Pick<MarketQueries, 'klines'>;
  readonly now: Clock;
  /** Storing failed; the answer was given all the same. */
  readonly raised: (operation: string, error: unknown) => void;
};

function recordOf(symbol: string, interval: Interval, kline: Kline): KlineRecord {
  const { openMs, open, high, low, close, volume, quoteVolume } = kline;
  return { symbol, interval, open_time: openMs, open, high, low, close, volume, quote_volume: quoteVolume };
}

function klineOf({ open_time: openMs, open, high, low, close, volume, quote_volume: quoteVolume }: KlineRecord): Kline {
  return { openMs, open, high, low, close, volume, quoteVolume };
}

export function createKlines({ store, queries, now, raised }: KlinesDeps): Klines {
  /** The exchange, by "symbol interval from to": equal questions within a second are one. */
  const asked = createKept({
    async load(key: string): Promise<KlinesResult> {
      const [symbol = '', interval = '', fromMs, toMs] = key.split(' ');
      if (!isInterval(interval)) throw new TypeError(`not an interval: ${interval}`); // Keys are made of one, below.
      const range = { fromMs: Number(fromMs), toMs: Number(toMs), limit: KLINES_MAX };
      const result = await queries.klines(symbol, interval, range);
      if (result.kind === 'klines') await keep(symbol, interval, result.klines);
      return result;
    },
    now,
    freshMs: PRESENT_FRESH_MS,
    keysMax: ANSWERS_KEPT_MAX,
    isWorthKeeping: ({ kind }) => kind !== 'unknown',
  });

  /** Only candles that are over: they never change, so whoever stores one stores the same. */
  async function keep(symbol: string, interval: Interval, klines: readonly Kline[]): Promise<void> {
    const over = klines.filter(({ openMs }) => gridOf(interval).shifted(openMs, 1) <= now());
    try {
      await store.putKlines(over.map((kline) => recordOf(symbol, interval, kline)));
    } catch (error) {
      raised('klines.store', error);
    }
  }

  async function stored(symbol: string, interval: Interval, fromMs: number, toMs: number): Promise<readonly Kline[]> {
    try {
      const records = await store.klines(symbol, interval, { fromMs, toMs, limit: KLINES_MAX });
      return records.map(klineOf);
    } catch (error) {
      raised('klines.read', error);
      return []; // The exchange has them, too.
    }
  }

  return {
    async query(symbol, interval, { fromMs, toMs, limit }) {
      const { openOf, shifted } = gridOf(interval);
      const lastMs = openOf(Math.min(toMs ?? now(), now()));
      const leastMs = shifted(lastMs, 1 - Math.min(limit, KLINES_MAX));
      const wantedMs = fromMs ?? leastMs;
      if (wantedMs > lastMs) return { kind: 'klines', klines: [] };
      const openedMs = openOf(wantedMs);
      const firstMs = Math.max(leastMs, openedMs === wantedMs ? openedMs : shifted(openedMs, 1));
      const known = await stored(symbol, interval, firstMs, lastMs);
      const times = new Set(known.map(({ openMs }) => openMs));
      let missingMs = firstMs;
      while (times.has(missingMs)) missingMs = shifted(missingMs, 1);
      if (missingMs > lastMs) return { kind: 'klines', klines: known };
      const answer = await asked.ask(`${symbol} ${interval} ${missingMs} ${lastMs}`);
      if (answer.kind !== 'klines') return answer;
      const before = known.filter(({ openMs }) => openMs < missingMs);
      return { kind: 'klines', klines: [...before, ...answer.klines.filter(({ openMs }) => openMs >= missingMs)] };
    },
  };
}
