// Telling other parts, and other instances, that something has changed. redis.ts is for several instances, memory.ts for one.

/** Channel names, all of them. */
export const channels = {
  /** A user's orders: one JSON order per message, in the form of the API. */
  orders: (userId: string) => `orders:${userId}`,
  /** The trading state in the store has changed: look. */
  tradingState: 'risk:state',
  /** The kill switch: whoever may publish here may stop all trading, and nobody can start it from here. */
  kill: 'risk:kill',
  /** A symbol's market, ten times a second at most: last price, best prices, measures. */
  market: (symbol: string) => `market:${symbol}`,
  /** What became of a symbol that is worth telling at once. */
  marketEvents: (symbol: string) => `market_events:${symbol}`,
} as const;

export type Unsubscribe = () => Promise<void>;

/**
 * The contract, kept by every implementation (test/contracts/bus.ts):
 *
 * - `publish` returns at once and never throws: nothing that matters may wait for a listener. A message that cannot be handed
 *   over (no connection, too many under way) is dropped and counted. What is published is news, not the record; the store is.
 * - Messages of one publisher on one channel arrive in order, at most once, at every listener subscribed by then.
 * - `subscribe` resolves once messages published from now on will arrive. A listener that throws harms no other.
 * - After `close` nothing is delivered.
 */
export type Bus = {
  readonly publish: (channel: string, message: string) => void;
  readonly subscribe: (channel: string, listener: (message: string) => void) => Promise<Unsubscribe>;
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
