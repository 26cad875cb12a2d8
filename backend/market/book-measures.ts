// What a book says: spread, middle, microprice, imbalance, the price of an amount. Pure and exact; ratios to eight decimals.
import {
  add,
  compare,
  type Decimal,
  divide,
  multiply,
  PRICE_SCALE,
  parseDecimal,
  subtract,
  ZERO,
} from '../domain/money.ts';
import type { Level, Levels } from '../exchange/market-feed.ts';

const RATIO_SCALE = 8;
const TWO = add(parseDecimal(1) ?? ZERO, parseDecimal(1) ?? ZERO);

/** A level that has been looked at: canonical decimals. */
export type Quote = { readonly price: Decimal; readonly quantity: Decimal };

/** Levels of a book are plain decimals: the book has refused any other. */
export function quotesOf(levels: readonly Level[]): Quote[] {
  return levels.flatMap(({ price, quantity }) => {
    const quote = { price: parseDecimal(price), quantity: parseDecimal(quantity) };
    return quote.price === undefined || quote.quantity === undefined
      ? []
      : [{ price: quote.price, quantity: quote.quantity }];
  });
}

export type BookMeasures = {
  readonly bid: Quote;
  readonly ask: Quote;
  /** Ask less bid. */
  readonly spread: Decimal;
  readonly mid: Decimal;
  /** The middle weighted by the other side's quantity: where the next trade is likelier. */
  readonly microprice: Decimal;
  /** (bids - asks) / (bids + asks) by quantity over the levels given: -1 to 1. */
  readonly imbalance: Decimal;
};

const totalOf = (quotes: readonly Quote[]) => quotes.reduce((sum, { quantity }) => add(sum, quantity), ZERO);

/** Of the levels given, best first; undefined while a side is empty. */
export function measuresOf(levels: Levels): BookMeasures | undefined {
  const [bids, asks] = [quotesOf(levels.bids), quotesOf(levels.asks)];
  const [bid, ask] = [bids[0], asks[0]];
  if (!bid || !ask) return undefined;
  const weights = add(bid.quantity, ask.quantity);
  const weighted = add(multiply(bid.price, ask.quantity), multiply(ask.price, bid.quantity));
  const [bidTotal, askTotal] = [totalOf(bids), totalOf(asks)];
  return {
    bid,
    ask,
    spread: subtract(ask.price, bid.price),
    mid: divide(add(bid.price, ask.price), TWO, PRICE_SCALE),
    microprice: divide(weighted, weights, PRICE_SCALE),
    imbalance: divide(subtract(bidTotal, askTotal), add(bidTotal, askTotal), RATIO_SCALE),
  };
}

/** What `quantity` costs on average, taken from `quotes` best first; `filled` is less than asked when they do not hold it. */
export function averagePrice(
  quotes: readonly Quote[],
  quantity: Decimal,
): { price: Decimal; filled: Decimal } | undefined {
  let [left, cost] = [quantity, ZERO];
  for (const quote of quotes) {
    const taken = compare(left, quote.quantity) < 0 ? left : quote.quantity;
    cost = add(cost, multiply(taken, quote.price));
    left = subtract(left, taken);
    if (compare(left, ZERO) <= 0) break;
  }
  const filled = subtract(quantity, left);
  return compare(filled, ZERO) > 0 ? { price: divide(cost, filled, PRICE_SCALE), filled } : undefined;
}
