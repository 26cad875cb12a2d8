// What clients may send about orders, and what they get.
import { z } from 'zod';
import { amount } from '../domain/amount.ts';
import { shown } from '../domain/money.ts';
import { isoTime, toMilliseconds } from '../domain/time.ts';
import { ORDER_TYPES } from '../exchange/exchange.ts';
import { symbolName, userId } from '../http.ts';
import type { OrderRecord } from '../store/items.ts';

export const LIST_LIMIT_DEFAULT = 50;
export const LIST_LIMIT_MAX = 200;

const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  z.enum(values, { error: `${name} must be ${values.join(' or ')}` });

const orderBody = z.object({
  user_id: userId,
  symbol: symbolName,
  side: oneOf('side', ['BUY', 'SELL']),
  order_type: oneOf('order_type', ORDER_TYPES),
  quantity: amount('quantity').optional(),
  /** In place of a quantity: what a market buy spends. */
  quote_quantity: amount('quote_quantity').optional(),
  price: z.unknown().optional(),
  /** Denied rather than let the position grow or turn. */
  reduce_only: z.boolean({ error: 'reduce_only must be true or false' }).default(false),
});

type OrderBody = z.infer<typeof orderBody>;

/** What is wrong with how the order is sized: by one of two amounts, and by what it spends only when it buys at market. */
function sizeProblem({ order_type: type, side, quantity, quote_quantity: quote }: OrderBody): string | undefined {
  if (quote === undefined) return quantity === undefined ? 'quantity must be a number' : undefined;
  if (type !== 'MARKET' || side !== 'BUY') return 'quote_quantity is for MARKET orders that BUY';
  return quantity === undefined ? undefined : 'give a quantity or a quote_quantity, not both';
}

/** A price on a market order means nothing: it is not looked at and not kept. */
export const createBody = orderBody.transform(({ price, ...order }, context) => {
  const problem = sizeProblem(order);
  if (problem !== undefined) context.addIssue(problem);
  else if (order.order_type === 'MARKET') return { ...order, price: null };
  else {
    const limit = z.nullish(amount('price')).safeParse(price);
    if (limit.success && limit.data != null) return { ...order, price: limit.data };
    context.addIssue(limit.error?.issues[0]?.message ?? `price is required for ${order.order_type} orders`);
  }
  return z.NEVER;
});
export type CreateOrder = z.infer<typeof createBody>;

/** What an order is to become; what is not given stays. The quantity is all of it, what has filled included. */
export const amendBody = z
  .object({ quantity: amount('quantity').optional(), price: amount('price').optional() })
  .refine(({ quantity, price }) => quantity !== undefined || price !== undefined, 'give a quantity, a price or both');
export type AmendOrder = z.infer<typeof amendBody>;

/** Visible ASCII, as header values go; long enough for any UUID or hash, short enough not to be abused as storage. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'Idempotency-Key must be 1 to 255 visible characters');

export const listQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'limit must be a whole number')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIST_LIMIT_MAX, `limit must be from 1 to ${LIST_LIMIT_MAX}`)
    .default(LIST_LIMIT_DEFAULT),
});

/** An order in the API's form, without the clock field. */
export function orderView(order: OrderRecord) {
  return {
    order_id: order.order_id,
    user_id: order.user_id,
    symbol: order.symbol,
    side: order.side,
    order_type: order.order_type,
    quantity: shown(order.quantity),
    ...(order.quote_quantity === undefined ? {} : { quote_quantity: shown(order.quote_quantity) }),
    price: order.price === null ? null : shown(order.price),
    filled_quantity: shown(order.filled_quantity),
    average_price: order.average_price === null ? null : shown(order.average_price),
    fee: shown(order.fee),
    ...(order.other_fees && { other_fees: order.other_fees }),
    status: order.status,
    mexc_order_id: order.mexc_order_id,
    client_order_id: order.client_order_id,
    created_at: toMilliseconds(order.created_at),
    updated_at: toMilliseconds(order.updated_at),
  };
}

export const orderAnswer = (order: OrderRecord, nowMs: number) => ({
  ...orderView(order),
  server_time: isoTime(nowMs),
});
