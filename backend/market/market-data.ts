// The market as this process knows it: symbols followed on the exchange's streams, told of on the bus at a steady rate, and
// asked for over REST where nobody follows.
import { channels, type Newsroom } from '../bus/bus.ts';
import type { Clock } from '../domain/ids.ts';
import { createKept } from '../domain/kept.ts';
import type { Decimal } from '../domain/money.ts';
import type { Rejection, Unknown } from '../exchange/exchange.ts';
import type { Levels, MarketFeed, MarketQueries } from '../exchange/market-feed.ts';
import type { Metrics } from '../metrics.ts';
import { createSymbolMarket, type MarketView, type SymbolMarket } from './symbol-market.ts';

/** Symbols followed at once: two topics each. */
const SYMBOLS_MAX = 500;
/** Each symbol is told of this often at most, with what it is at that moment: nobody reads faster. */
const PUBLISH_EVERY_MS = 100;
/** An answer over REST serves a crowd for a moment. */
const DEPTH_FRESH_MS = 250;
const DEPTHS_KEPT_MAX = 500;
/** What REST is asked for, whatever the caller wants of it, so that callers share one answer. */
export const DEPTH_LEVELS_MAX = 1000;

export type DepthResult =
  | { readonly kind: 'depth'; readonly depth: Levels & { readonly version: number } }
  | Rejection
  | Unknown;

export type MarketData = {
  /** Follows a symbol from now on. Throws when there is no room. */
  readonly follow: (symbol: string) => void;
  readonly unfollow: (symbol: string) => void;
  /** The last price as followed; undefined where the symbol is not followed or nothing was traded yet. */
  readonly lastPrice: (symbol: string) => Decimal | undefined;
  readonly view: (symbol: string) => MarketView | undefined;
  /** The followed book, else what the exchange answers. Never rejects. */
  readonly depth: (symbol: string, levels: number) => Promise<DepthResult>;
  readonly close: () => void;
};

export type MarketDataDeps = {
  /** Undefined: nothing can be followed, everything is asked for. */
  readonly feed: MarketFeed | undefined;
  readonly queries: MarketQueries;
  readonly bus: Newsroom;
  readonly metrics: Pick<Metrics, 'marketResyncs' | 'marketPublished' | 'marketBooks'>;
  readonly now: Clock;
};

/** What is published of a symbol, in the API's words. */
export function messageOf({ symbol, version, measures, last, vwap, volume, changedAtMs }: MarketView, nowMs: number) {
  const { bid, ask, spread, mid, microprice, imbalance } = measures;
  return {
    symbol,
    price: last?.price ?? mid,
    bid: bid.price,
    bid_quantity: bid.quantity,
    ask: ask.price,
    ask_quantity: ask.quantity,
    ...{ spread, mid, microprice, imbalance },
    vwap_1m: vwap ?? null,
    volume_1m: volume,
    version,
    changed_at: changedAtMs,
    timestamp: nowMs,
  };
}

export function createMarketData({ feed, queries, bus, metrics, now }: MarketDataDeps): MarketData {
  const followed = new Map<string, SymbolMarket>();
  const changed = new Set<string>();
  const toldPrices = new Map<string, Decimal>();
  const hooks = {
    onChange: (symbol: string) => void changed.add(symbol),
    onResync: (_: string, reason: string) => metrics.marketResyncs.inc({ reason }),
  };
  const depths = createKept({
    load: (symbol: string) => queries.snapshot(symbol, DEPTH_LEVELS_MAX),
    now,
    freshMs: DEPTH_FRESH_MS,
    keysMax: DEPTHS_KEPT_MAX,
    isWorthKeeping: ({ kind }) => kind !== 'unknown',
  });

  function publish(): void {
    const symbols = [...changed];
    changed.clear();
    for (const symbol of symbols) {
      const market = followed.get(symbol);
      const view = market?.view();
      if (!market || !view) continue;
      metrics.marketPublished.inc();
      const message = messageOf(view, now());
      bus.tell(channels.market(symbol), 'market_update', message);
      if (toldPrices.get(symbol) !== message.price) {
        const { price, timestamp } = message;
        toldPrices.set(symbol, price);
        bus.tell(channels.price(symbol), 'price_update', { symbol, price, timestamp });
      }
      for (const event of market.takeEvents())
        bus.tell(channels.marketEvents(symbol), 'market_event', { symbol, ...event, timestamp: now() });
    }
  }
  const publishing = setInterval(publish, PUBLISH_EVERY_MS);
  publishing.unref();

  return {
    follow(symbol) {
      if (followed.has(symbol)) return;
      if (!feed) throw new Error('no stream of the exchange is configured; set EXCHANGE_STREAM_URL');
      if (followed.size >= SYMBOLS_MAX) throw new Error(`${SYMBOLS_MAX} symbols are followed already`);
      followed.set(symbol, createSymbolMarket(symbol, { feed, queries, now, hooks }));
      metrics.marketBooks.set(followed.size);
    },
    unfollow(symbol) {
      followed.get(symbol)?.close();
      followed.delete(symbol);
      toldPrices.delete(symbol);
      metrics.marketBooks.set(followed.size);
    },
    lastPrice: (symbol) => followed.get(symbol)?.last()?.price,
    view: (symbol) => followed.get(symbol)?.view(),
    async depth(symbol, count) {
      const local = followed.get(symbol)?.depth(count);
      if (local) return { kind: 'depth', depth: local };
      const asked = await depths.ask(symbol);
      if (asked.kind !== 'snapshot') return asked;
      const { version, bids, asks } = asked.snapshot;
      return { kind: 'depth', depth: { version, bids: bids.slice(0, count), asks: asks.slice(0, count) } };
    },
    close() {
      clearInterval(publishing);
      for (const market of followed.values()) market.close();
      followed.clear();
    },
  };
}
