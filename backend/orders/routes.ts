// The orders' part of the API.
import type { Context } from 'hono';
import { z } from 'zod';
import { isoTime } from '../domain/time.ts';
import { fail, json, ProblemError, parse, type Route, readJson, userId } from '../http.ts';
import { decodeCursor, encodeCursor } from '../store/cursor.ts';
import { createCancelOrder, notFoundDetail } from './cancel.ts';
import { createCreateOrders } from './create.ts';
import type { OrderDeps } from './deps.ts';
import { createBody, idempotencyKey, listQuery, orderAnswer, orderView } from './schemas.ts';
import type { Settlement } from './settle.ts';

const looseBody = z.looseObject({}, { error: 'the body must be a JSON object' });

function orderOf(context: Context) {
  const { user_id: user, order_id: orderId = '' } = context.req.param();
  return { user: parse(userId, user), orderId };
}

export function orderRoutes(route: Route, deps: OrderDeps, settlement: Settlement): void {
  const { store, now } = deps;
  const createOrder = createCreateOrders(deps, settlement);
  const cancelOrder = createCancelOrder(deps, settlement);

  route('POST', '/api/trade/order', async function create(context) {
    const body = parse(looseBody, await readJson(context));
    const user = body.user_id ?? context.req.header('x-user-id');
    const input = parse(createBody, { ...body, user_id: user });
    const key = context.req.header('idempotency-key');
    const result = await createOrder(input, key === undefined ? undefined : parse(idempotencyKey, key));
    if (!result.ok) throw new ProblemError(result.problem);
    return json(result.created, 201, result.replayed ? { 'idempotent-replayed': 'true' } : {});
  });

  route('GET', '/api/trade/order/:user_id/:order_id', async function get(context) {
    const { user, orderId } = orderOf(context);
    const order = await store.getOrder(user, orderId);
    return order ? json(orderAnswer(order, now())) : fail('order_not_found', notFoundDetail(orderId));
  });

  route('DELETE', '/api/trade/order/:user_id/:order_id', async function cancel(context) {
    const { user, orderId } = orderOf(context);
    const result = await cancelOrder(user, orderId);
    if (!result.ok) throw new ProblemError(result.problem);
    return json(orderAnswer(result.order, now()));
  });

  route('GET', '/api/trade/orders/:user_id', async function list(context) {
    const user = parse(userId, context.req.param('user_id'));
    const { limit } = parse(listQuery, { limit: context.req.query('limit') });
    const cursor = context.req.query('cursor');
    const after = cursor ? decodeCursor(cursor) : undefined;
    if (cursor && after === undefined) fail('invalid_cursor', 'cursor is not one of this list');
    const page = await store.listOrders(user, { limit, ...(after ? { after } : {}) });
    return json({
      orders: page.orders.map(orderView),
      next_cursor: page.lastSeen === null ? null : encodeCursor(page.lastSeen),
      server_time: isoTime(now()),
    });
  });
}
