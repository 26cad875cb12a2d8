import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testBackend } from '../../helpers/backend.ts';
import { eventually } from '../../helpers/deadline.ts';

const LIMIT = {
  user_id: 'user-0001',
  symbol: 'BTCUSDT',
  side: 'BUY',
  order_type: 'LIMIT',
  quantity: '0.5',
  price: '60000',
};
const path = (id: unknown) => `/api/trade/order/user-0001/${id}`;
const clientId = (id: unknown) => String(id).replaceAll('-', '');

async function resting(given: Parameters<typeof testBackend>[0] = {}) {
  const backend = testBackend(given);
  const { json } = await backend.call('POST', '/api/trade/order', LIMIT);
  return { ...backend, id: json.order_id };
}

describe('changing an order', () => {
  test('then it is cancelled and another takes its place; asked again, the same answer and no third order', async () => {
    const { call, exchange, id } = await resting();
    const first = await call('PATCH', path(id), { price: '61000' });
    assert.deepEqual(
      [first.status, first.json.status, first.json.price, first.json.quantity, first.json.replaces],
      [200, 'open', '61000', '0.5', id],
    );
    assert.equal((await call('GET', path(id))).json.status, 'cancelled');
    const again = await call('PATCH', path(id), { price: '61000' });
    assert.deepEqual([again.status, again.json.order_id], [200, first.json.order_id]);
    assert.equal(exchange.orderCount(), 2);
    const other = await call('PATCH', path(id), { price: '62000' });
    assert.deepEqual([other.status, other.json.code], [409, 'order_not_amendable']);
  });

  test('of which a part has filled, then the other is for the rest', async () => {
    const { call, exchange, id } = await resting();
    exchange.fill(clientId(id), '0.2');
    const { json } = await call('PATCH', path(id), { quantity: '0.6' });
    assert.deepEqual([json.quantity, json.price], ['0.4', '60000']);
    const positions = (await call('GET', '/api/positions/user-0001')).json.positions;
    assert.equal((positions as { quantity: string }[])[0]?.quantity, '0.2');
  });

  test('that fills meanwhile, then 409 and no other; that is not there, 404; with nothing to change, 400', async () => {
    const { call, exchange, id } = await resting();
    assert.equal((await call('PATCH', path(id), {})).status, 400);
    assert.equal((await call('PATCH', path('none'), { price: '1' })).status, 404);
    exchange.fill(clientId(id), '0.5');
    const late = await call('PATCH', path(id), { price: '61000' });
    assert.deepEqual([late.status, late.json.detail], [409, 'the order is filled and can no longer be changed']);
    assert.equal(exchange.orderCount(), 1);
  });

  test('to what risk denies, then it stays as it is', async () => {
    const { call, id } = await resting({ limits: {} });
    await call('PUT', '/api/risk/users/user-0001/limits', { order_value_max: '30000' });
    const denied = await call('PATCH', path(id), { quantity: '0.51' });
    assert.deepEqual([denied.status, denied.json.reason], [422, 'NOTIONAL_EXCEEDS_MAX_PER_ORDER']);
    assert.equal((await call('GET', path(id))).json.status, 'open');
  });

  test('the cancel is not confirmed, then 502; reconciling goes on with it, once', async () => {
    const { call, exchange, backend, id } = await resting();
    exchange.trouble('cancel', 'unknown');
    const unclear = await call('PATCH', path(id), { price: '61000' });
    assert.deepEqual([unclear.status, unclear.json.code], [502, 'exchange_unclear']);
    await backend.reconcile();
    await backend.reconcile();
    const { orders } = (await call('GET', '/api/trade/orders/user-0001')).json as {
      orders: { status: string; price: string }[];
    };
    assert.deepEqual(
      orders.map(({ status, price }) => [status, price]),
      [
        ['open', '61000'],
        ['cancelled', '60000'],
      ],
    );
    assert.equal(exchange.orderCount(), 2);
  });

  test('left in the middle by a crash, then the start goes on with it, though the user’s new orders have to wait', async (context) => {
    const { call, exchange, store, id } = await resting();
    exchange.trouble('cancel', 'unknown');
    assert.equal((await call('PATCH', path(id), { price: '61000' })).status, 502);
    const next = testBackend({ store, exchange });
    await next.backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 3_600_000 });
    context.after(() => next.backend.close({ timeoutMs: 1000 }));
    await eventually(() => exchange.orderCount() === 2, 'the order that takes the place');
    assert.equal((await next.call('GET', path(id))).json.status, 'cancelled');
  });

  test('left in the middle for longer than a minute, then it is let go', async () => {
    const { call, exchange, backend, clock, id } = await resting();
    exchange.trouble('cancel', 'lost');
    exchange.trouble('find', 'unknown');
    await call('PATCH', path(id), { price: '61000' });
    clock.nowMs += 60_001;
    await backend.reconcile();
    assert.equal((await call('GET', path(id))).json.status, 'cancelled');
    assert.equal(exchange.orderCount(), 1);
  });

  test('then cancelled by its user before it was gone on with, and nothing takes its place', async () => {
    const { call, exchange, backend, id } = await resting();
    exchange.trouble('cancel', 'unknown');
    await call('PATCH', path(id), { price: '61000' });
    assert.equal((await call('DELETE', path(id))).json.status, 'cancelled');
    await backend.reconcile();
    assert.equal(exchange.orderCount(), 1);
  });
});

describe('cancelling all orders', () => {
  test('of a symbol, then those; of all, then the rest; what cannot be is told', async () => {
    const { call, exchange } = testBackend();
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'BTCUSDT'] as const) {
      await call('POST', '/api/trade/order', { ...LIMIT, symbol, price: '100' });
    }
    const some = await call('DELETE', '/api/trade/orders/user-0001?symbol=BTCUSDT');
    assert.deepEqual([(some.json.cancelled as unknown[]).length, some.json.failed, some.json.complete], [2, [], true]);
    exchange.trouble('cancel', { kind: 'rejected', reason: 'refused', code: 1, detail: 'not now' });
    const rest = await call('DELETE', '/api/trade/orders/user-0001');
    assert.deepEqual(
      (rest.json.failed as { code: string }[]).map(({ code }) => code),
      ['exchange_refused'],
    );
    assert.equal(((await call('DELETE', '/api/trade/orders/user-0001')).json.cancelled as unknown[]).length, 1);
  });
});
