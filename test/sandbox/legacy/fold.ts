import { type Decimal, divide, multiply, roundTo } from '../decimal.ts';

/** A holding. `quantity` is signed here: positive long, negative short, never zero. */
export interface Holding {
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly realizedPnl: Decimal;
}

export interface Fill {
  readonly side: 'BUY' | 'SELL';
  readonly quantity: Decimal;
  readonly price: Decimal;
}

/** Decimals kept of an average price and of a profit. */
const PLACES = 8;

/**
 * A holding after a fill: adding averages the entry price, reducing realizes profit against it, going through zero
 * opens the other side at the fill's price. Undefined when nothing is held any more.
 */
export function applyFill(holding: Holding | undefined, fill: Fill): Holding | undefined {
  const change = fill.side === 'BUY' ? fill.quantity : -fill.quantity;
  if (!holding) return change === 0n ? undefined : { quantity: change, entryPrice: fill.price, realizedPnl: 0n };
  const quantity = holding.quantity + change;
  const growing = change > 0n === holding.quantity > 0n;
  if (growing) {
    const value = multiply(holding.quantity, holding.entryPrice) + multiply(change, fill.price);
    return { ...holding, quantity, entryPrice: roundTo(divide(value, quantity), PLACES) };
  }
  if (quantity === 0n) return undefined;
  const throughZero = quantity > 0n !== holding.quantity > 0n;
  const closed = throughZero ? holding.quantity : -change;
  const realizedPnl = roundTo(holding.realizedPnl + multiply(closed, fill.price - holding.entryPrice), PLACES);
  return { quantity, realizedPnl, entryPrice: throughZero ? fill.price : holding.entryPrice };
}
