// The price that an entry is worked out from where its target gives none: the last one, or before the first trade what the book asks.
import { createKept } from '../domain/kept.ts';
import { type Decimal, isPositive, parseDecimal } from '../domain/money.ts';
import type { Levels, MarketQueries } from '../exchange/market-feed.ts';
import type { OrderDeps } from '../orders/deps.ts';

/** The ticker weighs three times what the book does: it is asked about a symbol this often at most, ms. */
const TICKER_FRESH_MS = 3000;
/** Targets of one symbol share an answer of the book, ms. */
const BOOK_FRESH_MS = 50;
const BOOK_LEVELS = 5;
const SYMBOLS_MAX = 1000;

/** What is known of the symbol's price now; undefined while the exchange tells of none. Never rejects. */
export type ReferenceOf = (symbol: string) => Promise<Decimal | undefined>;

export type ReferenceDeps = Pick<OrderDeps, 'exchange' | 'now'> & {
  readonly marketQueries: Pick<MarketQueries, 'snapshot'>;
};

/** What a buyer would pay, else what another buyer offers. */
export function priceIn({ asks, bids }: Levels): Decimal | undefined {
  const price = parseDecimal((asks[0] ?? bids[0])?.price ?? '');
  return price && isPositive(price) ? price : undefined;
}

export function createReferenceOf({ exchange, marketQueries, now }: ReferenceDeps): ReferenceOf {
  const shared = { now, keysMax: SYMBOLS_MAX, isWorthKeeping: () => true };
  const tickers = createKept({ ...shared, load: exchange.price, freshMs: TICKER_FRESH_MS });
  const book = (symbol: string) => marketQueries.snapshot(symbol, BOOK_LEVELS);
  const books = createKept({ ...shared, load: book, freshMs: BOOK_FRESH_MS });
  return async function referenceOf(symbol) {
    const last = await tickers.ask(symbol);
    if (last.kind === 'price') return last.price;
    const asked = await books.ask(symbol);
    return asked.kind === 'snapshot' ? priceIn(asked.snapshot) : undefined;
  };
}
