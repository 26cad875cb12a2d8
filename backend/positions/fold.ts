// What a fill makes of a position. Pure.
import {
  add,
  compare,
  type Decimal,
  divide,
  isPositive,
  multiply,
  negate,
  PRICE_SCALE,
  subtract,
  ZERO,
} from '../domain/money.ts';

export type PositionState = {
  readonly side: 'long' | 'short';
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly realizedPnl: Decimal;
  /** When it last left zero. */
  readonly openedAt: string;
};

export type Fill = {
  readonly side: 'BUY' | 'SELL';
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly at: string;
};

const sideOf = (fill: Fill) => (fill.side === 'BUY' ? 'long' : 'short');

function opened(fill: Fill, quantity: Decimal, realizedPnl: Decimal): PositionState {
  return { side: sideOf(fill), quantity, entryPrice: fill.price, realizedPnl, openedAt: fill.at };
}

/**
 * The position after `fill`: a fill on its side adds to it at the average price; one against it realises profit at the entry
 * price, and what is left of it opens the other side. `realizedPnl` sums from when the user last held nothing; no fees in it.
 */
export function fold(position: PositionState | undefined, fill: Fill): PositionState {
  if (!position || !isPositive(position.quantity)) return opened(fill, fill.quantity, ZERO);
  if (sideOf(fill) === position.side) {
    const quantity = add(position.quantity, fill.quantity);
    const cost = add(multiply(position.quantity, position.entryPrice), multiply(fill.quantity, fill.price));
    return { ...position, quantity, entryPrice: divide(cost, quantity, PRICE_SCALE) };
  }
  const closing = compare(fill.quantity, position.quantity) < 0 ? fill.quantity : position.quantity;
  const gain = multiply(subtract(fill.price, position.entryPrice), closing);
  const realizedPnl = add(position.realizedPnl, position.side === 'long' ? gain : negate(gain));
  const beyond = subtract(fill.quantity, closing);
  if (isPositive(beyond)) return opened(fill, beyond, realizedPnl);
  return { ...position, quantity: subtract(position.quantity, closing), realizedPnl };
}
