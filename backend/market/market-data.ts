// The market as this process knows it: symbols followed on the exchange's streams, and asked for over REST where nobody
// follows. Who tells the others of it is in publishing.ts.
import type { Clock } from '../domain/ids.ts';
import { createKept } from '../domain/kept.ts';
import type { Decimal } from '../domain/money.ts';
import type { Rejection, Unknown } from '../exchange/exchange.ts';
import type { Levels, MarketFeed, MarketQueries } from '../exchange/market-feed.ts';
import type { Metrics } from '../metrics.ts';
import type { SignificantEvent } from './significant.ts';
import { createSymbolMarket, type MarketView, type SymbolMarket } from './symbol-market.ts';

/** Symbols followed at once: two topics each. */
const SYMBOLS_MAX = 500;
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
  readonly symbols: () => readonly string[];
  /** Symbols that have changed since the last call. */
  readonly takeChanged: () => readonly string[];
  /** What became of a symbol since the last call that is worth telling at once. */
  readonly takeEvents: (symbol: string) => readonly SignificantEvent[];
  /** The followed book, else what the exchange answers. Never rejects. */
  readonly depth: (symbol: string, levels: number) => Promise<DepthResult>;
  readonly close: () => void;
};

export type MarketDataDeps = {
  /** Undefined: nothing can be followed, everything is asked for. */
  readonly feed: MarketFeed | undefined;
  readonly queries: MarketQueries;
  readonly metrics: Pick<Metrics, 'marketResyncs' | 'marketBooks'>;
  readonly now: Clock;
};

export function createMarketData({ feed, queries, metrics, now }: MarketDataDeps): MarketData {
  const followed = new Map<string, SymbolMarket>();
  const changed = new Set<string>();
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
      changed.delete(symbol);
      metrics.marketBooks.set(followed.size);
    },
    lastPrice: (symbol) => followed.get(symbol)?.last()?.price,
    view: (symbol) => followed.get(symbol)?.view(),
    symbols: () => [...followed.keys()],
    takeChanged() {
      const symbols = [...changed];
      changed.clear();
      return symbols;
    },
    takeEvents: (symbol) => followed.get(symbol)?.takeEvents() ?? [],
    async depth(symbol, count) {
      const local = followed.get(symbol)?.depth(count);
      if (local) return { kind: 'depth', depth: local };
      const asked = await depths.ask(symbol);
      if (asked.kind !== 'snapshot') return asked;
      const { version, bids, asks } = asked.snapshot;
      return { kind: 'depth', depth: { version, bids: bids.slice(0, count), asks: asks.slice(0, count) } };
    },
    close() {
      for (const market of followed.values()) market.close();
      followed.clear();
    },
  };
}
