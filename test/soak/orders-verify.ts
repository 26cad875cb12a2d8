// What must be true after each round of the proof of orders: the table, the exchange and the positions say the same.
import assert from 'node:assert/strict';
import { add, type Decimal, negate, parseDecimal, ZERO } from '../../backend/domain/money.ts';
import type { Exchange } from '../../backend/exchange/exchange.ts';
import { type OrderRecord, orderSetOf } from '../../backend/store/items.ts';
import type { Store } from '../../backend/store/store.ts';

/** Questions to the exchange under way. */
const ASKING = 8;

export type Verified = {
  readonly atExchange: number;
  /** Orders by the status they came to. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly fills: number;
};

export type Verifier = {
  /** Whether anything is still to be found out: what may rest in the book, a limit, is what it seems once it is open. */
  readonly hasOpenEnds: () => Promise<boolean>;
  /**
   * Rejects with an AssertionError unless every order of the table is at the exchange once and as the table says, or was never
   * taken; the exchange has no other; positions are what was filled; and the orders `answered` are there, as are all that were
   * answered before. `address` is the backend's, which audits its positions.
   */
  readonly verify: (address: string, answered: readonly string[]) => Promise<Verified>;
};

/** Works through `all`, so many under way. */
export async function atOnce<T>(count: number, all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  async function worker(): Promise<void> {
    for (const each of waiting) await work(each);
  }
  await Promise.all(Array.from({ length: count }, worker));
}

const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;

const isOpenEnd = (order: OrderRecord) =>
  orderSetOf(order) === 'UNSURE' || (order.order_type === 'MARKET' && orderSetOf(order) === 'OPEN');

async function allOrders(store: Store, user: string): Promise<OrderRecord[]> {
  const orders: OrderRecord[] = [];
  let after: string | null | undefined;
  while (after !== null) {
    const page = await store.listOrders(user, { limit: 200, ...(after === undefined ? {} : { after }) });
    orders.push(...page.orders);
    after = page.lastSeen;
  }
  return orders;
}

export function createVerifier(deps: {
  readonly store: Store;
  readonly exchange: Pick<Exchange, 'find'>;
  readonly users: readonly string[];
  readonly symbols: readonly string[];
  /** Orders that the exchange ever took. */
  readonly orderCount: () => number;
}): Verifier {
  const { store, exchange, users, symbols, orderCount } = deps;
  /** Every order that was answered, and as text every settled one that was verified: the table must say the same for ever. */
  const promised = new Set<string>();
  const settled = new Map<string, string>();

  async function verifyOrder(order: OrderRecord): Promise<void> {
    const text = JSON.stringify(order);
    const before = settled.get(order.order_id);
    if (before !== undefined) return assert.equal(text, before, 'an order changed after it was settled');
    const ref = { symbol: order.symbol, clientOrderId: order.client_order_id, exchangeOrderId: null };
    const found = await exchange.find(ref);
    if (order.status === 'error') {
      assert.equal(found.kind, 'not_found', `order ${order.order_id} is in error, and at the exchange`);
    } else {
      assert.ok(found.kind === 'found', `order ${order.order_id} is ${order.status}, and not at the exchange`);
      const { filledQuantity, status, exchangeOrderId } = found.order;
      assert.deepEqual(
        [order.order_id, order.filled_quantity, order.status, order.mexc_order_id],
        [order.order_id, filledQuantity, status, exchangeOrderId],
      );
    }
    if (orderSetOf(order) === 'DONE') settled.set(order.order_id, text);
  }

  /** Answers how many fills the user's positions are made of. */
  async function verifyPositions(address: string, user: string, orders: readonly OrderRecord[]): Promise<number> {
    const net = new Map<string, Decimal>();
    for (const { symbol, side, filled_quantity: filled } of orders) {
      const signed = side === 'BUY' ? amount(filled) : negate(amount(filled));
      net.set(symbol, add(net.get(symbol) ?? ZERO, signed));
    }
    let fills = 0;
    for (const symbol of symbols) {
      const position = await store.getPosition(user, symbol);
      const held = position?.side === 'short' ? negate(amount(position.quantity)) : amount(position?.quantity);
      assert.equal(held, net.get(symbol) ?? ZERO, `${user}'s position in ${symbol} is not what its orders filled`);
      if (!position) continue;
      fills += position.seq ?? 0;
      const audit = await fetch(`http://${address}/api/positions/${user}/${symbol}/audit`);
      const { equal } = (await audit.json()) as { equal: boolean };
      assert.equal(equal, true, `${user}'s position in ${symbol} is not the fold of its fills`);
    }
    return fills;
  }

  return {
    async hasOpenEnds() {
      for (const user of users) if ((await allOrders(store, user)).some(isOpenEnd)) return true;
      return false;
    },
    async verify(address, answered) {
      for (const orderId of answered) promised.add(orderId);
      const statuses: Record<string, number> = {};
      const known = new Set<string>();
      let fills = 0;
      for (const user of users) {
        const orders = await allOrders(store, user);
        await atOnce(ASKING, orders, verifyOrder);
        for (const { order_id: orderId, status } of orders) {
          known.add(orderId);
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
        fills += await verifyPositions(address, user, orders);
      }
      const atExchange = known.size - (statuses.error ?? 0);
      // No order beside those of the table: each one once, since the exchange takes a client order id once only if we send it once.
      assert.equal(orderCount(), atExchange, 'the exchange has orders that the table does not know');
      for (const orderId of promised) assert.ok(known.has(orderId), `order ${orderId} was answered, and is lost`);
      return { atExchange, statuses, fills };
    },
  };
}
