// What of a market is worth telling at once: pure decisions on two successive looks at it.
import { compare, type Decimal, decimalOf, divide, multiply, negate, subtract, ZERO } from '../domain/money.ts';
import type { Trade } from '../exchange/market-feed.ts';
import type { BookMeasures } from './book-measures.ts';

export type SignificantEvent =
  | { readonly kind: 'price_jump'; readonly from: Decimal; readonly to: Decimal; readonly share: Decimal }
  | { readonly kind: 'spread_wide'; readonly spread: Decimal; readonly share: Decimal }
  /** The best bid is above the best ask: an auction, or something is wrong. */
  | { readonly kind: 'crossed'; readonly bid: Decimal; readonly ask: Decimal }
  | { readonly kind: 'imbalance'; readonly imbalance: Decimal }
  | {
      readonly kind: 'large_trade';
      readonly price: Decimal;
      readonly quantity: Decimal;
      readonly takerSide: 'BUY' | 'SELL';
    };

/** One per cent within a look back; half a per cent of spread; four fifths of the levels on one side. */
const JUMP_SHARE = decimalOf('0.01');
const SPREAD_SHARE = decimalOf('0.005');
const IMBALANCE = decimalOf('0.8');
/** A trade this many times the average of the last minute, where there were enough to have an average. */
const LARGE_TIMES = decimalOf('20');
const TRADES_LEAST = 20;
const SHARE_SCALE = 6;

const absolute = (value: Decimal): Decimal => (compare(value, ZERO) < 0 ? negate(value) : value);
const shareOf = (part: Decimal, whole: Decimal): Decimal =>
  compare(whole, ZERO) > 0 ? divide(part, whole, SHARE_SCALE) : ZERO;

/**
 * What the book has come to since `before`: a jump of the middle, and states when they begin, not while they last.
 * `reference` is the middle some seconds ago.
 */
export function bookEvents(
  before: BookMeasures | undefined,
  after: BookMeasures,
  reference: Decimal | undefined,
): SignificantEvent[] {
  const events: SignificantEvent[] = [];
  const isWide = (measures: BookMeasures) => compare(shareOf(measures.spread, measures.mid), SPREAD_SHARE) >= 0;
  const isCrossed = (measures: BookMeasures) => compare(measures.spread, ZERO) < 0;
  const isOneSided = (measures: BookMeasures) => compare(absolute(measures.imbalance), IMBALANCE) >= 0;
  const share = reference === undefined ? ZERO : shareOf(subtract(after.mid, reference), reference);
  if (reference !== undefined && compare(absolute(share), JUMP_SHARE) >= 0)
    events.push({ kind: 'price_jump', from: reference, to: after.mid, share });
  if (isWide(after) && !(before && isWide(before)))
    events.push({ kind: 'spread_wide', spread: after.spread, share: shareOf(after.spread, after.mid) });
  if (isCrossed(after) && !(before && isCrossed(before)))
    events.push({ kind: 'crossed', bid: after.bid.price, ask: after.ask.price });
  if (isOneSided(after) && !(before && isOneSided(before)))
    events.push({ kind: 'imbalance', imbalance: after.imbalance });
  return events;
}

/** Trades far above the average of the minute before them. */
export function tradeEvents(
  trades: readonly Trade[],
  before: { readonly quantity: Decimal; readonly count: number },
): SignificantEvent[] {
  if (before.count < TRADES_LEAST) return [];
  const least = multiply(before.quantity, LARGE_TIMES); // Compared times `count`, so that nothing is divided.
  const count = decimalOf(String(before.count));
  return trades
    .filter(({ quantity }) => compare(multiply(quantity, count), least) >= 0)
    .map(({ price, quantity, takerSide }) => ({ kind: 'large_trade', price, quantity, takerSide }));
}
