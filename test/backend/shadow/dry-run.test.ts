// What a dry run answers beside what the same request would have been answered, and that it leaves no trace.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testBackend } from '../../helpers/backend.ts';
import { SHADOW_KEYS, signed } from '../../helpers/shadow.ts';

const LIMIT = { user_id: 'u1', symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };
const MARKET = { user_id: 'u1', symbol: 'BTCUSDT', side: 'SELL', order_type: 'MARKET', quantity: 1 };

function subject() {
  const backend = testBackend({ shadowKeys: SHADOW_KEYS });
  const dryRun = (method: string, target: string, given?: unknown, headers: Record<string, string> = {}) => {
    const body = given === undefined ? '' : JSON.stringify(given);
    const nowMs = backend.clock.nowMs;
    const all = { ...headers, ...signed({ method, target, body }, { nowMs }) };
    return backend.call(method, target, given === undefined ? undefined : body, all);
  };
  return { ...backend, dryRun };
}

describe('creating an order as a dry run', () => {
  const requests: readonly (readonly [name: string, body: unknown])[] = [
    ['a limit away from the market', LIMIT],
    ['a limit that the market satisfies', { ...LIMIT, price: '70000' }],
    ['a market order', MARKET],
    ['an unknown symbol', { ...LIMIT, symbol: 'NONEUSDT' }],
    ['a quantity of zero', { ...LIMIT, quantity: 0 }],
    ['a limit without its price', { ...LIMIT, price: undefined }],
    ['a body that is no object', [1, 2]],
  ];
  for (const [name, body] of requests) {
    test(`${name}, then the answer has the status and the shape of the real one`, async () => {
      const { dryRun, call } = subject();
      const dry = await dryRun('POST', '/api/trade/order', body);
      const real = await call('POST', '/api/trade/order', body);
      assert.equal(dry.status, real.status);
      const ids = { order_id: 'an id', mexc_order_id: 'an id' };
      const withoutIds = (json: Record<string, unknown>) => ('order_id' in json ? { ...json, ...ids } : json);
      assert.deepEqual(withoutIds(dry.json), withoutIds(real.json));
      assert.equal(typeof dry.json.mexc_order_id, typeof real.json.mexc_order_id);
    });
  }

  test('then nothing is sent, stored, told or counted as a user', async () => {
    const { dryRun, exchange, store, published, metrics } = subject();
    for (const body of [LIMIT, MARKET]) assert.equal((await dryRun('POST', '/api/trade/order', body)).status, 201);
    assert.equal(exchange.calls.submit, 0);
    assert.equal(exchange.orderCount(), 0);
    assert.deepEqual(await store.listOrders('u1', { limit: 10 }), { orders: [], lastSeen: null });
    assert.deepEqual(await store.listPositions('u1'), []);
    assert.deepEqual(published, []);
    assert.deepEqual((await metrics.orderChanges.get()).values, []);
    assert.deepEqual((await metrics.requestSeconds.get()).values, []);
    const counted = (await metrics.shadowRequestSeconds.get()).values.find(({ metricName }) =>
      metricName?.endsWith('_count'),
    );
    assert.deepEqual([counted?.labels.route, counted?.value], ['POST /api/trade/order', 2]);
  });

  test('an Idempotency-Key is not used up by it', async () => {
    const { dryRun, call } = subject();
    const key = { 'idempotency-key': 'once' };
    assert.equal((await dryRun('POST', '/api/trade/order', LIMIT, key)).status, 201);
    const real = await call('POST', '/api/trade/order', LIMIT, key);
    assert.equal(real.headers.get('idempotent-replayed'), null);
    const conflict = await dryRun('POST', '/api/trade/order', { ...LIMIT, quantity: '0.6' }, key);
    assert.equal(conflict.status, 422, 'a key that a real order has used is known to a dry run');
  });
});

describe('cancelling an order as a dry run', () => {
  test('an open order, then the answer says cancelled, and the order is open still', async () => {
    const { dryRun, call, exchange } = subject();
    const { json } = await call('POST', '/api/trade/order', LIMIT);
    const path = `/api/trade/order/u1/${json.order_id}`;
    const dry = await dryRun('DELETE', path);
    assert.deepEqual([dry.status, dry.json.status], [200, 'cancelled']);
    assert.equal(exchange.calls.cancel, 0);
    assert.equal((await call('GET', path)).json.status, 'open');
    assert.equal((await call('DELETE', path)).json.status, 'cancelled', 'and can be cancelled');
  });

  test('an order that the other side has just cancelled, then the answer is that of a cancelled one', async () => {
    const { dryRun, call, exchange, store } = subject();
    const { json } = await call('POST', '/api/trade/order', LIMIT);
    const order = await store.getOrder('u1', String(json.order_id));
    await exchange.cancel({ symbol: 'BTCUSDT', clientOrderId: order?.client_order_id ?? '', exchangeOrderId: null });
    const dry = await dryRun('DELETE', `/api/trade/order/u1/${json.order_id}`);
    assert.deepEqual([dry.status, dry.json.status], [200, 'cancelled']);
    assert.equal((await store.getOrder('u1', String(json.order_id)))?.status, 'open', 'what was learnt is not kept');
  });

  test('a filled order, then 409; none, then 404', async () => {
    const { dryRun, call } = subject();
    const { json } = await call('POST', '/api/trade/order', MARKET);
    assert.equal((await dryRun('DELETE', `/api/trade/order/u1/${json.order_id}`)).status, 409);
    assert.equal((await dryRun('DELETE', '/api/trade/order/u1/none')).status, 404);
  });
});

describe('a dry run of a write that the backend does not serve', () => {
  test('then 404, as it is without', async () => {
    const { dryRun, call } = subject();
    for (const method of ['PATCH', 'PUT']) {
      const [dry, real] = [
        await dryRun(method, '/api/trade/order/u1/1', {}),
        await call(method, '/api/trade/order/u1/1', {}),
      ];
      assert.deepEqual([dry.status, dry.json], [real.status, real.json]);
    }
  });
});

describe('reading as a dry run', () => {
  test('then what is stored is read', async () => {
    const { dryRun, call } = subject();
    await call('POST', '/api/trade/order', LIMIT);
    const [dry, real] = [await dryRun('GET', '/api/trade/orders/u1'), await call('GET', '/api/trade/orders/u1')];
    assert.deepEqual(dry.json, real.json);
  });
});
