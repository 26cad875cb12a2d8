import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { ExchangeStatus } from '../../../backend/exchange/exchange.ts';
import type { FillEvent, OrderEvent, UserHooks } from '../../../backend/exchange/user-stream.ts';
import { type Given, testBackend } from '../../helpers/backend.ts';
import { eventually } from '../../helpers/deadline.ts';

const LIMIT = { user_id: 'u1', symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };

type Ids = readonly [string, string];
const orderEvent = (ids: Ids, status: ExchangeStatus, filled: string): OrderEvent => ({
  ...{ kind: 'order', symbol: 'BTCUSDT', ids, status, filledQuantity: decimalOf(filled) },
  filledQuote: decimalOf(`${Number(filled) * 60_000}`),
});
const fillEvent = (ids: Ids, tradeId: string, quantity: string): FillEvent => ({
  ...{ kind: 'fill', symbol: 'BTCUSDT', ids, tradeId, side: 'BUY', price: decimalOf('60000') },
  ...{ quantity: decimalOf(quantity), fee: decimalOf('1.5'), feeAsset: 'MX', isMaker: true, timeMs: 1 },
});

/** A backend that listens, and what plays the exchange's stream. */
async function listening(context: TestContext, given: Given = {}) {
  let hooks: UserHooks | undefined;
  const userFeed = (given: UserHooks) => {
    hooks = given;
    return { close: async () => {} };
  };
  const subject = testBackend({ ...given, userFeed });
  await subject.backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 3_600_000 });
  context.after(() => subject.backend.close({ timeoutMs: 1000 }));
  assert.ok(hooks);
  const { call, store } = subject;
  const placed = async (body: unknown = LIMIT) => {
    const { json } = await call('POST', '/api/trade/order', body);
    const order = await store.getOrder('u1', String(json.order_id));
    assert.ok(order);
    return order;
  };
  const orderIs = (orderId: string, status: string, filled: string, mx: string | undefined) =>
    eventually(async () => {
      const order = await store.getOrder('u1', orderId);
      return order?.status === status && order.filled_quantity === filled && order.other_fees?.MX === mx;
    }, `${status} with ${filled}`);
  return { ...subject, hooks, placed, orderIs };
}

test('an order fills in parts and the stream tells, twice and the wrong way round, then it is stored with its fees, unasked', async (context) => {
  const { hooks, placed, orderIs, exchange, store } = await listening(context);
  hooks.onUp();
  const order = await placed();
  const asked = exchange.calls.find;
  const ids = [order.mexc_order_id ?? '', order.client_order_id] as const;
  for (const event of [
    orderEvent(ids, 'partially_filled', '0.2'),
    orderEvent(ids, 'open', '0'),
    fillEvent(ids, 'T1', '0.2'),
    fillEvent(ids, 'T1', '0.2'),
  ])
    hooks.onEvent(event);
  await orderIs(order.order_id, 'partially_filled', '0.2', '1.5');
  for (const event of [
    orderEvent(ids, 'filled', '0.5'),
    fillEvent(ids, 'T2', '0.3'),
    orderEvent(ids, 'partially_filled', '0.2'),
  ])
    hooks.onEvent(event);
  await orderIs(order.order_id, 'filled', '0.5', '3');
  await eventually(async () => (await store.getPosition('u1', 'BTCUSDT'))?.fees?.MX === '3', 'the position has it');
  assert.equal((await store.getPosition('u1', 'BTCUSDT'))?.quantity, '0.5');
  assert.equal(exchange.calls.find, asked);
});

test('the stream names the order only by the exchange’s id, and tells of it before that is known, then it is taken in', async (context) => {
  const { hooks, orderIs, exchange, placed } = await listening(context);
  exchange.duringSubmit(async () => {
    hooks.onEvent(orderEvent(['', 'X1'], 'partially_filled', '0.1'));
    hooks.onEvent(fillEvent(['X1', ''], 'T1', '0.1'));
  });
  const order = await placed();
  await orderIs(order.order_id, 'partially_filled', '0.1', '1.5');
});

test('the exchange never answered and the stream tells of the order, then it is no longer unknown', async (context) => {
  const { hooks, orderIs, exchange, placed } = await listening(context);
  exchange.trouble('submit', 'lost');
  exchange.trouble('find', 'unknown');
  const order = await placed();
  assert.equal(order.status, 'unknown');
  hooks.onEvent(orderEvent(['X1', order.client_order_id], 'open', '0'));
  await orderIs(order.order_id, 'open', '0', undefined);
});

test('the stream comes up, then the open orders are gone through; while it is up few are asked about, while it is down all', async (context) => {
  const { backend, hooks, exchange, placed } = await listening(context);
  for (let i = 0; i < 20; i++) await placed();
  const askedIn = async () => {
    const before = exchange.calls.find;
    await backend.reconcile();
    return exchange.calls.find - before;
  };
  assert.equal(await askedIn(), 20);
  hooks.onUp();
  assert.equal(await askedIn(), 20);
  assert.equal(await askedIn(), 10);
  hooks.onDown('gone');
  const again = await askedIn();
  assert.ok(again > 10, `${again}`); // From where the last pass ended.
});

test('an order ends and a fill of it was never told, then the exchange is asked what it cost', async (context) => {
  const { hooks, placed, exchange, store } = await listening(context);
  const order = await placed();
  exchange.fill(order.client_order_id, '0.5');
  hooks.onEvent(orderEvent([order.mexc_order_id ?? '', order.client_order_id], 'filled', '0.5'));
  await eventually(async () => (await store.getOrder('u1', order.order_id))?.fee === '15', 'its fee', 10_000);
});
