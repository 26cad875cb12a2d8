// The fill log and the position as its fold: what to append for an order, and what an entry makes of a position. Pure.

import { added, type ByAsset, beyond, isNothing } from '../domain/by-asset.ts';
import {
  add,
  compare,
  type Decimal,
  divide,
  isPositive,
  multiply,
  PRICE_SCALE,
  parseDecimal,
  subtract,
  ZERO,
} from '../domain/money.ts';
import { quoteAssetOf } from '../domain/symbols.ts';
import type { FillRecord } from '../store/fill-items.ts';
import type { OrderRecord, PositionRecord } from '../store/items.ts';
import { fold, type PositionState } from './fold.ts';

const amount = (text: string | null | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;

/** What a unit cost; the limit is the best guess where the exchange did not say. */
const unitPrice = (order: OrderRecord): Decimal => amount(order.average_price ?? order.price);

type Taken = {
  readonly quantity: Decimal;
  readonly quote: Decimal;
  readonly fee: Decimal;
  /** In other assets than the quote one. */
  readonly other_fees?: ByAsset;
};

const withOtherFees = (otherFees: ByAsset | undefined) => (otherFees ? { other_fees: otherFees } : {});

/** What the position has from this order so far: its own note, or what the order itself says was taken. */
function takenBefore(order: OrderRecord, position: PositionRecord | undefined): Taken {
  const note = position?.applied[order.order_id];
  const fee = amount(note?.fee ?? order.applied_fee ?? order.fee);
  const others = withOtherFees(note ? note.other_fees : order.applied_other_fees);
  if (note) return { quantity: amount(note.quantity), quote: amount(note.quote), fee, ...others };
  const quantity = amount(order.applied_quantity);
  return { quantity, quote: multiply(quantity, unitPrice(order)), fee, ...others };
}

function stateOf(position: Pick<PositionRecord, 'side' | 'quantity' | 'entry_price' | 'realized_pnl' | 'opened_at'>) {
  return {
    side: position.side,
    quantity: amount(position.quantity),
    entryPrice: amount(position.entry_price),
    realizedPnl: amount(position.realized_pnl),
    openedAt: position.opened_at,
  } satisfies PositionState;
}

/** The entry that a position without a log begins one with: what it holds. */
function openingOf(position: PositionRecord): FillRecord {
  const { user_id, symbol, updated_at: at } = position;
  const { side, quantity, entry_price, realized_pnl, opened_at } = position;
  return {
    kind: 'opening',
    user_id,
    symbol,
    seq: 1,
    at,
    position: { side, quantity, entry_price, realized_pnl, opened_at },
  };
}

/**
 * The next entry of the log towards the position's holding everything of `order`, or undefined when it does. A position that
 * came from elsewhere first gets its opening.
 */
export function entryFor(position: PositionRecord | undefined, order: OrderRecord): FillRecord | undefined {
  const before = takenBefore(order, position);
  const filled = amount(order.filled_quantity);
  const fees = { fee: amount(order.fee), ...withOtherFees(order.other_fees) };
  const total = { quantity: filled, quote: multiply(filled, unitPrice(order)), ...fees };
  const grew = compare(total.quantity, before.quantity) > 0;
  const fee = subtract(total.fee, before.fee);
  const otherFees = beyond(total.other_fees, before.other_fees);
  if (!grew && !isPositive(fee) && isNothing(otherFees)) return undefined;
  if (position && position.seq === undefined) return openingOf(position);
  const quantity = grew ? subtract(total.quantity, before.quantity) : ZERO;
  const paid = grew ? subtract(total.quote, before.quote) : ZERO;
  return {
    kind: 'fill',
    user_id: order.user_id,
    symbol: order.symbol,
    seq: (position?.seq ?? 0) + 1,
    at: order.updated_at,
    order_id: order.order_id,
    side: order.side,
    quantity,
    price: isPositive(paid) ? divide(paid, quantity, PRICE_SCALE) : unitPrice(order),
    fees: { ...(isPositive(fee) ? { [quoteAssetOf(order.symbol)]: fee } : {}), ...otherFees },
    total: grew ? total : { ...before, ...fees },
  };
}

const EMPTY = { applied: {}, version: 0, seq: 0, realized_total: ZERO, fees: {} } as const;

/** The position once it holds `entry`, whose number is the next of its log. */
export function withEntry(position: PositionRecord | undefined, entry: FillRecord): PositionRecord {
  const { user_id, symbol, seq, at } = entry;
  const before = position ?? EMPTY;
  if ((before.seq ?? 0) + 1 !== seq) throw new Error(`entry ${seq} of ${symbol} does not follow ${before.seq ?? 0}`);
  const next = { user_id, symbol, seq, updated_at: at, version: before.version + 1 };
  if (entry.kind === 'opening') {
    return { ...next, ...entry.position, applied: position?.applied ?? {}, realized_total: ZERO, fees: {} };
  }
  const { side, order_id, total } = entry;
  const [quantity, price] = [amount(entry.quantity), amount(entry.price)];
  const was = position && stateOf(position);
  // A fee that came after its fill changes what was paid and nothing else.
  const is = was && !isPositive(quantity) ? was : fold(was, { side, quantity, price, at });
  const isSameRun = was !== undefined && isPositive(was.quantity);
  const gained = isSameRun ? subtract(is.realizedPnl, was.realizedPnl) : ZERO;
  return {
    ...next,
    side: is.side,
    quantity: is.quantity,
    entry_price: is.entryPrice,
    realized_pnl: is.realizedPnl,
    opened_at: is.openedAt,
    applied: { ...before.applied, [order_id]: total },
    realized_total: add(amount(before.realized_total), gained),
    fees: added(before.fees ?? {}, entry.fees),
  };
}

/** The position that a whole log, from its first entry on, makes; undefined of an empty one. */
export function rebuilt(log: readonly FillRecord[]): PositionRecord | undefined {
  return log.reduce<PositionRecord | undefined>((position, entry) => withEntry(position, entry), undefined);
}

/** What the position would gain were it closed at `price`; fees not in it. */
export function unrealizedPnl(position: PositionRecord, price: Decimal): Decimal {
  const { side, quantity, entryPrice } = stateOf(position);
  const gain = side === 'long' ? subtract(price, entryPrice) : subtract(entryPrice, price);
  return multiply(gain, quantity);
}
