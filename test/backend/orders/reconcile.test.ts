import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { within } from '../../helpers/deadline.ts';
import { anOrder } from '../../helpers/records.ts';

const created_at = new Date(START_MS).toISOString();
const pending = () => anOrder({ status: 'pending', created_at, updated_at: created_at });

test('a crash after writing and before sending, then error, but only once the exchange can no longer take the order', async () => {
  const { backend, store, clock, exchange } = testBackend();
  const order = pending();
  await store.insertOrder(order);
  clock.nowMs = START_MS + exchange.submissionLifeMs;
  await backend.reconcile();
  assert.equal((await store.getOrder(order.user_id, order.order_id))?.status, 'pending');
  clock.nowMs += 5001;
  await backend.reconcile();
  const given = await store.getOrder(order.user_id, order.order_id);
  assert.deepEqual([given?.status, given?.submission?.code], ['error', 'exchange_refused']);
  assert.equal(exchange.calls.submit, 0);
});

test('an order with an end of its own that was not sent, then it is given up as soon as the exchange’s clock is past that', async () => {
  const { backend, store, clock, exchange } = testBackend();
  const order = { ...pending(), valid_until: new Date(START_MS + 1000).toISOString() };
  await store.insertOrder(order);
  clock.nowMs = START_MS + 1250;
  await backend.reconcile();
  assert.equal((await store.getOrder(order.user_id, order.order_id))?.status, 'pending');
  clock.nowMs += 1;
  await backend.reconcile();
  const given = await store.getOrder(order.user_id, order.order_id);
  assert.deepEqual([given?.status, given?.submission?.reason], ['error', 'expired']);
  assert.equal(exchange.calls.submit, 0);
});

test('a crash after sending and before writing the answer, then the order is as the exchange says and is not sent again', async () => {
  const { backend, store, exchange, call } = testBackend();
  const order = pending();
  await store.insertOrder(order);
  const { symbol, side, client_order_id: clientOrderId } = order;
  await exchange.submit({ clientOrderId, symbol, side, orderType: 'MARKET', quantity: decimalOf('0.5'), price: null });
  await backend.reconcile();
  const given = await store.getOrder(order.user_id, order.order_id);
  assert.deepEqual([given?.status, given?.mexc_order_id, given?.applied_quantity], ['filled', 'X1', '0.5']);
  const positions = (await call('GET', '/api/positions/user-0001')).json.positions;
  assert.equal((positions as { quantity: string }[])[0]?.quantity, '0.5');
  assert.equal(exchange.orderCount(), 1);
});

test('the exchange cannot be asked, then nothing is decided', async () => {
  const { backend, store, clock, exchange } = testBackend();
  const order = pending();
  await store.insertOrder(order);
  clock.nowMs += 3_600_000;
  exchange.trouble('find', 'unknown');
  await backend.reconcile();
  assert.equal((await store.getOrder(order.user_id, order.order_id))?.status, 'pending');
});

test('fills that were not taken into the position, then they are, without asking the exchange', async () => {
  const { backend, store, exchange } = testBackend();
  const order = anOrder({ status: 'filled', filled_quantity: '0.5', average_price: '65000' });
  await store.insertOrder(order);
  await backend.reconcile();
  assert.equal((await store.getPosition(order.user_id, 'BTCUSDT'))?.quantity, '0.5');
  assert.equal((await store.getOrder(order.user_id, order.order_id))?.applied_quantity, '0.5');
  assert.equal(exchange.calls.find, 0);
});

test('more open orders than one pass asks about, then each has its turn, and unsure ones come first', async () => {
  const { backend, store, exchange } = testBackend();
  for (let i = 0; i < 230; i++) await store.insertOrder(anOrder({ mexc_order_id: `gone-${i}` }));
  await store.insertOrder(pending());
  assert.equal(await backend.reconcile(), 101);
  assert.equal(await backend.reconcile(), 101);
  assert.equal(exchange.calls.find, 202);
});

test('a start with an order of one user that the exchange does not answer about, then only that user waits, and until it has', async (context) => {
  const { backend, store, exchange, call } = testBackend();
  await store.insertOrder(pending());
  const answered = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  exchange.duringFind(async () => {
    asked.resolve();
    await answered.promise;
  });
  const listening = backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 3_600_000 });
  context.after(async () => {
    answered.resolve();
    await listening;
    await backend.close({ timeoutMs: 1000 });
  });
  await within(asked.promise, 'the question');
  const body = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };
  const place = async (user_id: string) => {
    const { status, json } = await call('POST', '/api/trade/order', { ...body, user_id });
    return [status, json.reason];
  };
  exchange.duringFind(async () => {});
  assert.deepEqual(await place('user-0002'), [201, undefined]);
  assert.deepEqual(await place('user-0001'), [422, 'RECONCILING']);
  answered.resolve();
  await listening;
  assert.deepEqual(await place('user-0001'), [201, undefined]);
});
