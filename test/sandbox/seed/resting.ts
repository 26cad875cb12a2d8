import { decimal, multiply } from '../decimal.ts';
import type { ExchangeOrder } from '../exchange/order.ts';
import { allOrders } from './orders.ts';

/**
 * The seed's live orders as the exchange knows them, with exactly the fills that both backends have on record: a
 * backend that asks how they are doing must learn nothing new.
 */
export function restingOrders(): readonly ExchangeOrder[] {
  const resting: ExchangeOrder[] = [];
  for (const order of allOrders()) {
    const live = order.status === 'open' || order.status === 'partially_filled';
    if (!live || order.mexc_order_id === null || order.price === null) continue;
    const executed = decimal(order.filled_quantity);
    resting.push({
      orderId: order.mexc_order_id,
      clientOrderId: order.client_order_id,
      symbol: order.symbol,
      side: order.side,
      type: 'LIMIT',
      price: decimal(order.price),
      quantity: decimal(order.quantity),
      quoteQuantity: 0n,
      executed,
      executedQuote: multiply(executed, decimal(order.average_price ?? '0')),
      status: order.status === 'open' ? 'NEW' : 'PARTIALLY_FILLED',
      timeMs: Date.parse(order.created_at),
      updateTimeMs: Date.parse(order.updated_at),
    });
  }
  return resting;
}
