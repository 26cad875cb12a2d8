// The orders' part of the API.
import type { Context } from 'hono';
import { z } from 'zod';
import { isoTime } from '../domain/time.ts';
import { allowed, fail, json, ProblemError, parse, type Route, readJson, symbolName, userId } from '../http.ts';
import { decodeCursor, encodeCursor } from '../store/cursor.ts';
import { notFoundDetail } from './cancel.ts';
import type { OrderDeps } from './deps.ts';
import type { Orders } from './orders.ts';
import { amendBody, createBody, idempotencyKey, listQuery, orderAnswer, orderView } from './schemas.ts';

const looseBody = z.looseObject({}, { error: 'the body must be a JSON object' });

function orderOf(context: Context) {
  const { user_id: user, order_id: orderId = '' } = context.req.param();
  return { user: parse(userId, user), orderId };
}

export function orderRoutes(route: Route, deps: OrderDeps, orders: Orders): void {
  const { store, now } = deps;

  route(
    'POST',
    '/api/trade/order',
    async function create(context, caller) {
      const body = parse(looseBody, await readJson(context));
      const user = body.user_id ?? context.req.header('x-user-id') ?? caller.identity?.subject;
      const input = parse(createBody, { ...body, user_id: user });
      allowed(caller.mayActFor(input.user_id));
      const key = context.req.header('idempotency-key');
      const result = await orders.create(input, key === undefined ? undefined : parse(idempotencyKey, key));
      if (!result.ok) throw new ProblemError(result.problem);
      return json(result.created, 201, result.replayed ? { 'idempotent-replayed': 'true' } : {});
    },
    { summary: 'Place an order; at most once for each Idempotency-Key', body: createBody },
  );

  route(
    'GET',
    '/api/trade/order/:user_id/:order_id',
    async function get(context) {
      const { user, orderId } = orderOf(context);
      const order = await store.getOrder(user, orderId);
      return order ? json(orderAnswer(order, now())) : fail('order_not_found', notFoundDetail(orderId));
    },
    { summary: 'One order' },
  );

  route(
    'DELETE',
    '/api/trade/order/:user_id/:order_id',
    async function cancel(context) {
      const { user, orderId } = orderOf(context);
      const result = await orders.cancel(user, orderId);
      if (!result.ok) throw new ProblemError(result.problem);
      return json(orderAnswer(result.order, now()));
    },
    { summary: 'Cancel an order' },
  );

  route(
    'PATCH',
    '/api/trade/order/:user_id/:order_id',
    async function amend(context) {
      const { user, orderId } = orderOf(context);
      const wish = parse(amendBody, parse(looseBody, await readJson(context)));
      const result = await orders.amendments.amend(user, orderId, wish);
      if (!result.ok) throw new ProblemError(result.problem);
      const { order } = result;
      return json({ ...orderAnswer(order, now()), replaces: order.replaces ?? null });
    },
    { summary: 'Change an order: it is cancelled, and another takes its place', body: amendBody },
  );

  listRoutes(route, deps, orders);
}

/** Of all of a user's orders. */
function listRoutes(route: Route, { store, now }: OrderDeps, orders: Orders): void {
  route(
    'DELETE',
    '/api/trade/orders/:user_id',
    async function cancelAll(context) {
      const user = parse(userId, context.req.param('user_id'));
      const symbol = context.req.query('symbol');
      const result = await orders.cancelAll(user, symbol === undefined ? undefined : parse(symbolName, symbol));
      return json({
        cancelled: result.cancelled.map(orderView),
        failed: result.failed.map(({ order_id, problem: { code, detail } }) => ({ order_id, code, detail })),
        complete: result.complete,
        server_time: isoTime(now()),
      });
    },
    { summary: 'Cancel all orders, or those of ?symbol=' },
  );

  route(
    'GET',
    '/api/trade/orders/:user_id',
    async function list(context) {
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
    },
    { summary: 'Orders, newest first: ?limit= and ?cursor=' },
  );
}
