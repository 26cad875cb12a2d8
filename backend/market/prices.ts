// The last price of each symbol, kept for a moment: many clients ask for the same few.
import type { Clock } from '../domain/ids.ts';
import { createKept, type Kept } from '../domain/kept.ts';
import type { Exchange, PriceResult } from '../exchange/exchange.ts';

/** Short enough that nobody trades on an old price, long enough that a crowd makes four calls a second. */
const FRESH_MS = 250;
/** Symbols remembered. Names that do not exist cost an entry too, so a scan of names must not grow this. */
const SYMBOLS_MAX = 2000;

/** `ask` never rejects; what is no answer is not kept, so that the next caller asks anew. */
export type Prices = Kept<PriceResult>;

export function createPrices(deps: { exchange: Pick<Exchange, 'price'>; now: Clock }): Prices {
  return createKept({
    load: deps.exchange.price,
    now: deps.now,
    freshMs: FRESH_MS,
    keysMax: SYMBOLS_MAX,
    isWorthKeeping: (result) => result.kind !== 'unknown',
  });
}
