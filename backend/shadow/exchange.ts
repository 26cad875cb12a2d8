// An exchange for dry runs: reads are the real one's, orders exist here only. What it is given can read and nothing else, so
// that no order and no cancel can leave from here.
import { compare, type Decimal, multiply, ZERO } from '../domain/money.ts';
import type { Exchange, ExchangeOrder, NewOrder, OrderRef, Rejection } from '../exchange/exchange.ts';

/** What is asked of the real exchange: questions. */
export type ReadExchange = Pick<
  Exchange,
  'submissionLifeMs' | 'now' | 'preview' | 'find' | 'price' | 'balances' | 'rules' | 'ping'
>;

/** A market order, or a limit that the last price satisfies, fills at once. */
function fillsAt({ side, price }: NewOrder, last: Decimal): boolean {
  if (price === null) return true;
  return side === 'BUY' ? compare(price, last) >= 0 : compare(price, last) <= 0;
}

const WOULD_TAKE: Rejection = {
  kind: 'rejected',
  reason: 'invalid_order',
  code: 30_041,
  detail: 'current order type can not place order',
};

/** What does not fill rests, unless it is of a type that never does. */
function simulated(order: NewOrder, last: Decimal): ExchangeOrder | Rejection {
  const { orderType } = order;
  const fills = fillsAt(order, last);
  if (fills && orderType === 'LIMIT_MAKER') return WOULD_TAKE;
  const rests = orderType === 'LIMIT' || orderType === 'LIMIT_MAKER';
  return {
    exchangeOrderId: `dry-run-${order.clientOrderId}`,
    status: fills ? 'filled' : rests ? 'open' : 'cancelled',
    filledQuantity: fills ? order.quantity : ZERO,
    filledQuote: fills ? multiply(order.quantity, last) : ZERO,
    fees: null, // Only trades tell, and there are none.
  };
}

/** One per request: what one dry run has placed, another does not see. */
export function createSimulatedExchange(real: ReadExchange): Exchange {
  const placed = new Map<string, ExchangeOrder>(); // By our id; a request places one.

  async function find(ref: OrderRef): ReturnType<Exchange['find']> {
    const own = placed.get(ref.clientOrderId);
    return own ? { kind: 'found', order: own } : real.find(ref);
  }

  return {
    submissionLifeMs: real.submissionLifeMs,
    now: real.now,
    prepare: async () => {},
    preview: real.preview,
    price: real.price,
    balances: real.balances,
    rules: real.rules,
    ping: real.ping,
    find,
    async submit(order) {
      const preview = await real.preview(order);
      if (preview.kind !== 'acceptable') return preview;
      const taken = simulated(order, preview.lastPrice);
      if ('kind' in taken) return taken;
      placed.set(order.clientOrderId, taken);
      return { kind: 'accepted', exchangeOrderId: taken.exchangeOrderId };
    },
    async cancel(ref) {
      const found = await find(ref);
      if (found.kind !== 'found') return found;
      if (found.order.status === 'filled' || found.order.status === 'cancelled') return { kind: 'not_found' };
      const order: ExchangeOrder = { ...found.order, status: 'cancelled' };
      placed.set(ref.clientOrderId, order);
      return { kind: 'cancelled', order };
    },
    close: async () => {},
  };
}
