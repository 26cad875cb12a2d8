// The exchange's market data as the rest of the backend sees it: what streams tell, and what can be asked for.
import type { Decimal } from '../domain/money.ts';
import type { Rejection, Side, Unknown } from './exchange.ts';
import type { Interval } from './intervals.ts';

/** A level of a book, as the exchange wrote it; not looked at yet. */
export type Level = { readonly price: string; readonly quantity: string };
/** Best first in a snapshot, in any order in a delta. */
export type Levels = { readonly bids: readonly Level[]; readonly asks: readonly Level[] };
/** Versions are counted by the exchange; a delta spans those from `from` to `to`, and its quantities are absolute. */
export type Delta = Levels & { readonly from: number; readonly to: number };
export type Snapshot = Levels & { readonly version: number };

export type Trade = {
  /** The same for a trade that is told twice. */
  readonly id: string;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly takerSide: Side;
  readonly timeMs: number;
};

export type Kline = {
  readonly openMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
  readonly quoteVolume: Decimal;
};

type Liveness = {
  /** What happens from now on arrives. */
  readonly onUp: () => void;
  /** What happens until the next `onUp` is lost. */
  readonly onDown: (reason: string) => void;
};

export type MarketFeed = {
  /** Changes of a symbol's book. Answers how to stop. Throws when there is no room for another symbol. */
  readonly book: (symbol: string, listener: Liveness & { readonly onDelta: (delta: Delta) => void }) => () => void;
  readonly trades: (
    symbol: string,
    listener: Liveness & { readonly onTrades: (trades: readonly Trade[]) => void },
  ) => () => void;
  readonly close: () => void;
};

export type SnapshotResult = { readonly kind: 'snapshot'; readonly snapshot: Snapshot } | Rejection | Unknown;
/** Oldest first. The last may not be over yet. */
export type KlinesResult = { readonly kind: 'klines'; readonly klines: readonly Kline[] } | Rejection | Unknown;

/** What can be asked for. Nothing here rejects. */
export type MarketQueries = {
  readonly snapshot: (symbol: string, levels: number) => Promise<SnapshotResult>;
  /** Candles that open within [fromMs, toMs], at most `limit` (500 at most) of them. */
  readonly klines: (
    symbol: string,
    interval: Interval,
    range: { readonly fromMs: number; readonly toMs: number; readonly limit: number },
  ) => Promise<KlinesResult>;
};
