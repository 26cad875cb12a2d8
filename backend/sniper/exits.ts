// Watching what was bought, and selling it: the steps of exit.ts, carried out.
import { parseOrderId } from '../domain/ids.ts';
import { multiply } from '../domain/money.ts';
import type { Prices } from '../market/prices.ts';
import type { OrderDeps } from '../orders/deps.ts';
import type { Orders } from '../orders/orders.ts';
import { isDenial } from '../orders/place.ts';
import type { OrderRecord } from '../store/items.ts';
import type { TargetRecord } from '../store/sniper-items.ts';
import type { Look } from './entry.ts';
import { afterSale, heldBack, leftToSell, sold, triggered } from './exit.ts';
import type { BalanceEvents } from './trail.ts';

const WATCH_EVERY_MS = 250;
/** A sale that is under way, or was held back. */
const SALE_LOOK_MS = 500;

export type ExitDeps = Pick<OrderDeps, 'store' | 'exchange'> & {
  readonly prices: Prices;
  readonly orders: Pick<Orders, 'place' | 'settlement'>;
  readonly balanceEvents: BalanceEvents;
};

export function createExits({
  store,
  exchange,
  prices,
  orders,
  balanceEvents,
}: ExitDeps): (target: TargetRecord) => Promise<Look> {
  async function ended(target: TargetRecord, order: OrderRecord): Promise<Look> {
    const nowMs = exchange.now();
    const next = afterSale(target, order, nowMs, await balanceEvents(target, order));
    return next ? { next } : { lookAfterMs: SALE_LOOK_MS };
  }

  async function sell(target: TargetRecord, orderId: string): Promise<Look> {
    const { user_id, symbol } = target;
    const quantity = leftToSell(target);
    if (target.mode !== 'live') {
      const last = await prices.ask(symbol);
      if (last.kind !== 'price') return { lookAfterMs: SALE_LOOK_MS };
      return { next: sold(target, { quantity, quote: multiply(quantity, last.price) }, exchange.now()) };
    }
    const found = await store.getOrder(user_id, orderId);
    const id = parseOrderId(orderId);
    if (!found && id) {
      const wanted = { user_id, symbol, side: 'SELL', order_type: 'MARKET', quantity, price: null } as const;
      const placed = await orders.place(id, { ...wanted, reduce_only: true });
      if (placed === 'exists') return { lookAfterMs: SALE_LOOK_MS };
      if (!isDenial(placed)) return ended(target, placed);
      const next = heldBack(target, placed, exchange.now());
      return next ? { next } : { lookAfterMs: SALE_LOOK_MS }; // Nothing was sent: the same again.
    }
    return found ? ended(target, await orders.settlement.settle(found)) : { lookAfterMs: SALE_LOOK_MS };
  }

  return async function look(target) {
    const { exit } = target;
    if (exit?.status === 'watching') {
      const last = await prices.ask(target.symbol);
      const next = last.kind === 'price' ? triggered(target, last.price, exchange.now()) : undefined;
      return next ? { next } : { lookAfterMs: WATCH_EVERY_MS };
    }
    const waitMs = Date.parse(exit?.not_before ?? '') - exchange.now();
    if (waitMs > 0) return { lookAfterMs: Math.min(SALE_LOOK_MS, waitMs) };
    return exit?.order_id ? sell(target, exit.order_id) : { lookAfterMs: SALE_LOOK_MS };
  };
}
