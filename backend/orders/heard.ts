// What the private stream has told of one order, whichever way round, however often: each event is taken into a sum that only
// grows. Pure.
import { add, compare, type Decimal, multiply, ZERO } from '../domain/money.ts';
import type { ExchangeOrder, ExchangeStatus } from '../exchange/exchange.ts';
import type { FillEvent, OrderEvent } from '../exchange/user-stream.ts';

export type Heard = {
  /** The furthest status and the most filled that any event told of. */
  readonly order: Pick<OrderEvent, 'status' | 'filledQuantity' | 'filledQuote'> | undefined;
  /** By trade id: one that is told twice is one. */
  readonly fills: ReadonlyMap<string, FillEvent>;
};

export const NOTHING_HEARD: Heard = { order: undefined, fills: new Map() };

/** Fills of one order that are remembered; of one with more the exchange is asked at the end. */
const FILLS_MAX = 500;

const RANK: Readonly<Record<ExchangeStatus, number>> = { open: 0, partially_filled: 1, cancelled: 2, filled: 3 };

/** `heard` itself when the event is nothing new. */
export function heardAlso(heard: Heard, event: OrderEvent | FillEvent): Heard {
  if (event.kind === 'fill') {
    if (heard.fills.has(event.tradeId) || heard.fills.size >= FILLS_MAX) return heard;
    return { ...heard, fills: new Map(heard.fills).set(event.tradeId, event) };
  }
  const before = heard.order;
  if (!before) return { ...heard, order: event };
  const [isLater, isFuller] = [
    RANK[event.status] > RANK[before.status],
    compare(event.filledQuantity, before.filledQuantity) > 0,
  ];
  if (!isLater && !isFuller) return heard;
  const { filledQuantity, filledQuote } = isFuller ? event : before;
  return { ...heard, order: { status: isLater ? event.status : before.status, filledQuantity, filledQuote } };
}

function sumOf(fills: Heard['fills']) {
  let [quantity, quote]: [Decimal, Decimal] = [ZERO, ZERO];
  const fees: Record<string, Decimal> = {};
  for (const fill of fills.values()) {
    quantity = add(quantity, fill.quantity);
    quote = add(quote, multiply(fill.quantity, fill.price));
    if (fill.fee !== ZERO) fees[fill.feeAsset] = add(fees[fill.feeAsset] ?? ZERO, fill.fee);
  }
  return { quantity, quote, fees };
}

/**
 * The order as all that was heard describes it; what was not heard is missing from it, never made up. Fees are those of the fills
 * that were heard.
 */
export function sightingOf({ order, fills }: Heard, exchangeOrderId: string): ExchangeOrder {
  const sum = sumOf(fills);
  const told = order && compare(order.filledQuantity, sum.quantity) >= 0 ? order : undefined;
  const isFilling = fills.size > 0 && (!order || order.status === 'open');
  return {
    exchangeOrderId,
    status: isFilling ? 'partially_filled' : (order?.status ?? 'open'),
    filledQuantity: told?.filledQuantity ?? sum.quantity,
    filledQuote: told?.filledQuote ?? sum.quote,
    fees: sum.fees,
  };
}

export const hasEnded = ({ order }: Heard): boolean => order?.status === 'filled' || order?.status === 'cancelled';

/** Whether every fill of an order that has ended was heard, and so what it cost. */
export function isComplete(heard: Heard): boolean {
  const { order, fills } = heard;
  return order !== undefined && hasEnded(heard) && compare(sumOf(fills).quantity, order.filledQuantity) >= 0;
}
