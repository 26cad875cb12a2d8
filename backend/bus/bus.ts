// Telling other parts, other instances and clients that something has changed. redis.ts is for several instances, memory.ts
// for one.
import type { News } from './news.ts';

/** Channel names, all of them. Two carry signals between instances, the others news. */
export const channels = {
  /** A user's orders: one order at a time, in the form of the API. */
  orders: (userId: string) => `orders:${userId}`,
  /** A user's positions, likewise. */
  positions: (userId: string) => `positions:${userId}`,
  /** The trading state in the store has changed: look. */
  tradingState: 'risk:state',
  /** The kill switch: whoever may publish here may stop all trading, and nobody can start it from here. */
  kill: 'risk:kill',
  /** A symbol's market, ten times a second at most: last price, best prices, measures. */
  market: (symbol: string) => `market:${symbol}`,
  /** A symbol's last price, when it changed. */
  price: (symbol: string) => `price:${symbol}`,
  /** What became of a symbol that is worth telling at once. */
  marketEvents: (symbol: string) => `market_events:${symbol}`,
  /** Curves of new tokens that are sold out, and their migrations to a pool; each once. */
  migrations: 'migrations:events',
  /** Tokens that came into a category; each once. */
  pulse: (category: string) => `pulse:${category}`,
  /** Tokens of a category as they change, twice a second at most. */
  pulseUpdates: (category: string) => `pulse:updates:${category}`,
  /** A token of the pulse as it changes, likewise; told only where `listened` has it. */
  tokenInfo: (mint: string) => `token_info:${mint}`,
  /** Listings as they are announced and moved, and the patterns that they show. */
  launches: 'alerts:launch',
  /** A user's sniping targets, in the form of the API. */
  sniper: (userId: string) => `sniper:${userId}`,
} as const;

export type Unsubscribe = () => Promise<void>;

/** What is told of the world: numbered, kept, and sent on to clients. */
export type Newsroom = {
  readonly tell: (channel: string, type: string, data: object) => void;
};

/** A newsroom of one that has taken over from another, and cannot say what was left untold between the two. */
export type HandedOverNewsroom = Newsroom & {
  /** The channel's next news leave one number out, as after a loss. */
  readonly skip: (channel: string) => void;
};

/** What a holder of a lease writes under: the key in the bus's own Redis that names it, by a token that no other ever had. */
export type Fence = { readonly key: string; readonly token: string };

/** News that are told exactly once, however often whoever found them starts over. */
export type OnceNewsroom = {
  /**
   * As `tell`, unless it was told under this key within `TOLD_KEPT_MS`; answers whether it was not. Telling and remembering are one
   * step. Rejects when it could not be handed over, and when nobody can say whether it was: the key is for trying again.
   */
  readonly tellOnce: (key: string, channel: string, type: string, data: object) => Promise<boolean>;
};

/** A day: no stream is read again from further back. */
export const TOLD_KEPT_MS = 86_400_000;

/**
 * The contract, kept by every implementation (test/contracts/bus.ts):
 *
 * - `publish` returns at once and never throws: nothing that matters may wait for a listener. A message that cannot be handed
 *   over (no connection, too many under way) is dropped and counted. What is published is news, not the record; the store is.
 * - Messages of one publisher on one channel arrive in order, at most once, at every listener subscribed by then.
 * - `tell` does the same with news: numbered one by one over all instances, kept for a while, and published as an envelope
 *   (news.ts). News that were dropped leave a hole in the numbers, so that nobody takes what arrived for all there was.
 * - `recent` answers what is kept, oldest first, all of it numbered before it resolves. It rejects while nobody can say.
 * - Under a fence that is another's by now, or nobody's, news are dropped and counted, and `tellOnce` rejects.
 * - `onReturn` hears whenever the bus can be heard (again): what was published before may have been missed.
 * - `subscribe` resolves once messages published from now on will arrive. A listener that throws harms no other.
 * - After `close` nothing is delivered.
 */
export type Bus = Newsroom &
  OnceNewsroom & {
    /** The same newsroom for whoever holds the fence; undefined: one that nobody else could hold. */
    readonly under: (fence: Fence | undefined) => HandedOverNewsroom & OnceNewsroom;
    readonly publish: (channel: string, message: string) => void;
    readonly subscribe: (channel: string, listener: (message: string) => void) => Promise<Unsubscribe>;
    /** Channels, by how their names begin, that anybody listens to, in whichever instance. Rejects when nobody can say. */
    readonly listened: (prefix: string) => Promise<readonly string[]>;
    readonly recent: (channel: string) => Promise<readonly News[]>;
    readonly onReturn: (listener: () => void) => void;
    /** Undefined when messages can be published, else the reason. */
    readonly ping: () => Promise<string | undefined>;
    readonly close: () => Promise<void>;
  };

export type BusHooks = {
  /** A message was not handed over. */
  readonly onDrop: () => void;
  /** A listener threw, or the connection reported trouble. `operation` says which. */
  readonly raised: (operation: string, error: unknown) => void;
};
