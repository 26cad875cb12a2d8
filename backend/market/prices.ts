// The last price of each symbol, kept for a moment: many clients ask for the same few.
import type { Clock } from '../domain/ids.ts';
import type { Exchange, PriceResult } from '../exchange/exchange.ts';

/** Short enough that nobody trades on an old price, long enough that a crowd makes four calls a second. */
const FRESH_MS = 250;
/** Symbols remembered. Names that do not exist cost an entry too, so a scan of names must not grow this. */
const SYMBOLS_MAX = 2000;

type Entry = { readonly result: PriceResult; readonly atMs: number };

export type Prices = {
  /** The cached answer when it is fresh, else undefined; synchronous, for the hot path. */
  readonly fresh: (symbol: string) => PriceResult | undefined;
  /** The answer of the exchange. Callers that come while one is under way share it. Never rejects. */
  readonly ask: (symbol: string) => Promise<PriceResult>;
};

export function createPrices(deps: { exchange: Pick<Exchange, 'price'>; now: Clock }): Prices {
  const entries = new Map<string, Entry>();
  const asking = new Map<string, Promise<PriceResult>>();

  function keep(symbol: string, result: PriceResult): void {
    if (result.kind === 'unknown') return; // Not an answer; the next caller asks anew.
    entries.delete(symbol); // Re-inserting makes the map's order the order of use.
    if (entries.size >= SYMBOLS_MAX) {
      const oldest = entries.keys().next().value;
      if (oldest !== undefined) entries.delete(oldest);
    }
    entries.set(symbol, { result, atMs: deps.now() });
  }

  return {
    fresh(symbol) {
      const entry = entries.get(symbol);
      return entry && deps.now() - entry.atMs < FRESH_MS ? entry.result : undefined;
    },
    ask(symbol) {
      const shared = asking.get(symbol);
      if (shared) return shared;
      const own = deps.exchange.price(symbol).then((result) => {
        asking.delete(symbol);
        keep(symbol, result);
        return result;
      });
      if (asking.size < SYMBOLS_MAX) asking.set(symbol, own);
      return own;
    },
  };
}
