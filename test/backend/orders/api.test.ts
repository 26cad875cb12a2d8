import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import { ORDER_TYPES } from '../../../backend/exchange/exchange.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { StoreUnavailable } from '../../../backend/store/store.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { eventually } from '../../helpers/deadline.ts';
import { createFakeExchange } from '../../helpers/fake-exchange.ts';

const LIMIT = {
  user_id: 'user-0001',
  symbol: 'BTCUSDT',
  side: 'BUY',
  order_type: 'LIMIT',
  quantity: '0.50',
  price: 60000.5,
};
const MARKET = { user_id: 'user-0001', symbol: 'BTCUSDT', side: 'BUY', order_type: 'MARKET', quantity: 2 };
const path = (id: unknown, user = 'user-0001') => `/api/trade/order/${user}/${id}`;

describe('creating an order', () => {
  test('a limit order that rests is open, durable and published', async () => {
    const { call, published } = testBackend();
    const created = await call('POST', '/api/trade/order', LIMIT);
    assert.equal(created.status, 201);
    assert.deepEqual(Object.keys(created.json), ['order_id', 'status', 'mexc_order_id']);
    assert.equal(created.json.status, 'open');
    const id = created.json.order_id;
    const read = await call('GET', path(id));
    assert.equal(read.status, 200);
    assert.deepEqual(read.json, {
      order_id: id,
      user_id: 'user-0001',
      symbol: 'BTCUSDT',
      side: 'BUY',
      order_type: 'LIMIT',
      quantity: '0.5',
      price: '60000.5',
      filled_quantity: '0',
      average_price: null,
      fee: '0',
      status: 'open',
      mexc_order_id: 'X1',
      client_order_id: String(id).replaceAll('-', ''),
      created_at: '2026-01-05T10:00:00.000Z',
      updated_at: '2026-01-05T10:00:00.000Z',
      server_time: '2026-01-05T10:00:00.000Z',
    });
    const statuses = published.map(({ channel, message }) => [channel, JSON.parse(message).status]);
    assert.deepEqual(statuses, [
      ['orders:user-0001', 'pending'],
      ['orders:user-0001', 'open'],
    ]);
  });

  test('a market order is filled when it is answered, and the position has it', async () => {
    const { call } = testBackend();
    const { user_id, ...body } = MARKET;
    const created = await call('POST', '/api/trade/order', body, { 'x-user-id': user_id });
    assert.deepEqual([created.status, created.json.status], [201, 'filled']);
    const positions = await call('GET', '/api/positions/user-0001');
    assert.deepEqual(positions.json, {
      user_id: 'user-0001',
      positions: [
        {
          symbol: 'BTCUSDT',
          side: 'long',
          quantity: '2',
          entry_price: '65000.25',
          realized_pnl: '0',
          opened_at: '2026-01-05T10:00:00.000Z',
          updated_at: '2026-01-05T10:00:00.000Z',
        },
      ],
      server_time: '2026-01-05T10:00:00.000Z',
    });
    await call('POST', '/api/trade/order', { ...MARKET, side: 'SELL' });
    assert.deepEqual((await call('GET', '/api/positions/user-0001')).json.positions, []);
  });

  test('a request that is not valid is a 400 that names the field, and nothing is stored or sent', async () => {
    const { call, exchange } = testBackend();
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ ...LIMIT, quantity: 0 }, 'quantity must be greater than 0'],
      [{ ...LIMIT, quantity: '-1' }, 'quantity must be greater than 0'],
      [{ ...LIMIT, quantity: 'many' }, 'quantity must be a number'],
      [{ ...LIMIT, quantity: '0.1234567890123456789' }, 'quantity has too many digits'],
      [{ ...LIMIT, quantity: undefined }, 'quantity must be a number'],
      [{ ...LIMIT, price: null }, 'price is required for LIMIT orders'],
      [{ ...LIMIT, price: '0' }, 'price must be greater than 0'],
      [{ ...LIMIT, symbol: 'btc' }, 'symbol must be upper-case letters and digits'],
      [{ ...LIMIT, side: 'HOLD' }, 'side must be BUY or SELL'],
      [{ ...LIMIT, order_type: 'STOP' }, `order_type must be ${ORDER_TYPES.join(' or ')}`],
      [{ ...LIMIT, order_type: 'FILL_OR_KILL', price: null }, 'price is required for FILL_OR_KILL orders'],
      [{ ...LIMIT, quantity: undefined, quote_quantity: '5' }, 'quote_quantity is for MARKET orders that BUY'],
      [{ ...MARKET, side: 'SELL', quote_quantity: '5' }, 'quote_quantity is for MARKET orders that BUY'],
      [{ ...MARKET, quote_quantity: '5' }, 'give a quantity or a quote_quantity, not both'],
      [{ ...MARKET, quantity: undefined, quote_quantity: '-5' }, 'quote_quantity must be greater than 0'],
      [{ ...LIMIT, user_id: undefined }, 'user_id is required'],
      ['[1]', 'the body must be a JSON object'],
      ['{"a":', 'the body must be a JSON object'],
    ];
    for (const [body, detail] of wrong) {
      const { status, json, headers } = await call('POST', '/api/trade/order', body);
      assert.deepEqual([status, json.detail, json.code], [400, detail, 'invalid_request']);
      assert.equal(headers.get('content-type'), 'application/problem+json');
    }
    assert.equal(exchange.calls.submit, 0);
    assert.deepEqual((await call('GET', '/api/trade/orders/user-0001')).json.orders, []);
  });

  test('a body above 16 KB is a 413', async () => {
    const { call } = testBackend();
    const body = JSON.stringify({ ...LIMIT, note: 'x'.repeat(20_000) });
    const { status } = await call('POST', '/api/trade/order', body, { 'content-length': String(body.length) });
    assert.equal(status, 413);
  });

  test('an order that breaks a published rule is denied by its reason, and nothing is stored or sent', async () => {
    const { call, exchange } = testBackend();
    const value = { min: decimalOf('5'), max: decimalOf('1e6') };
    const rules = { pricePlaces: 2, quantityPlaces: 4, quantityMin: decimalOf('0.001'), value, marketValue: value };
    exchange.setRules('BTCUSDT', { ...rules, band: { buyAbove: decimalOf('0.1'), sellBelow: decimalOf('0.1') } });
    const byQuote = { ...MARKET, quantity: undefined };
    const denied: readonly (readonly [unknown, string, Record<string, string>])[] = [
      [{ ...LIMIT, price: '60000.001' }, 'PRICE_EXCEEDS_PRECISION', { price: '60000.001', decimals: '2' }],
      [{ ...LIMIT, quantity: '0.00101' }, 'QUANTITY_EXCEEDS_PRECISION', { quantity: '0.00101', decimals: '4' }],
      [{ ...LIMIT, quantity: '0.0009' }, 'QUANTITY_BELOW_MINIMUM', { quantity: '0.0009', minimum: '0.001' }],
      [{ ...LIMIT, price: '4', quantity: 1 }, 'NOTIONAL_BELOW_MINIMUM', { value: '4', minimum: '5' }],
      [
        { ...byQuote, quote_quantity: '1000000.01' },
        'NOTIONAL_EXCEEDS_MAXIMUM',
        { value: '1000000.01', maximum: '1000000' },
      ],
      [{ ...LIMIT, symbol: 'NOSUCH' }, 'INSTRUMENT_NOT_FOUND', {}],
    ];
    for (const [body, reason, context] of denied) {
      const { status, json } = await call('POST', '/api/trade/order', body);
      const symbol = reason === 'INSTRUMENT_NOT_FOUND' ? 'NOSUCH' : 'BTCUSDT';
      assert.deepEqual([status, json.reason, json.context], [400, reason, { symbol, ...context }]);
      assert.equal(json.code, reason === 'INSTRUMENT_NOT_FOUND' ? 'unknown_symbol' : 'order_rejected');
    }
    exchange.setRules('BTCUSDT', { sides: ['SELL'] });
    const { status, json } = await call('POST', '/api/trade/order', LIMIT);
    assert.deepEqual([status, json.code, json.reason], [502, 'exchange_refused', 'INVALID_ORDER_SIDE']);
    assert.equal(exchange.calls.submit, 0);
    assert.deepEqual((await call('GET', '/api/trade/orders/user-0001')).json.orders, []);
  });

  test('a market buy by what it spends fills what that buys, and reserves and shows it', async () => {
    const { call, exchange } = testBackend();
    exchange.setPrice('BTCUSDT', '50000');
    const made = await call('POST', '/api/trade/order', { ...MARKET, quantity: undefined, quote_quantity: '125' });
    assert.deepEqual([made.status, made.json.status], [201, 'filled']);
    const { json } = await call('GET', `/api/trade/order/user-0001/${made.json.order_id}`);
    const { quantity, quote_quantity, filled_quantity, average_price } = json;
    assert.deepEqual(
      { quantity, quote_quantity, filled_quantity, average_price },
      { quantity: '0.0025', quote_quantity: '125', filled_quantity: '0.0025', average_price: '50000' },
    );
  });

  test('a market buy by what it spends while nobody knows the price is denied, not sent', async () => {
    const { call, exchange } = testBackend();
    exchange.trouble('price', 'unknown');
    const { status, json } = await call('POST', '/api/trade/order', {
      ...{ ...MARKET, quantity: undefined, quote_quantity: '125' },
    });
    assert.deepEqual([status, json.reason], [422, 'QUANTITY_CONVERSION_FAILED']);
    assert.equal(exchange.calls.submit, 0);
  });

  test('types that never rest end at once: what is left of them is cancelled; a maker that would take is refused', async () => {
    const { call, exchange } = testBackend();
    const placed = async (order_type: string, price: string) => {
      const { status, json } = await call('POST', '/api/trade/order', { ...LIMIT, order_type, price });
      return [status, json.code ?? json.status];
    };
    exchange.setPrice('BTCUSDT', '50000');
    assert.deepEqual(await placed('IMMEDIATE_OR_CANCEL', '40000'), [201, 'cancelled']);
    assert.deepEqual(await placed('FILL_OR_KILL', '60000'), [201, 'filled']);
    assert.deepEqual(await placed('LIMIT_MAKER', '40000'), [201, 'open']);
    assert.deepEqual(await placed('LIMIT_MAKER', '60000'), [400, 'order_rejected']);
  });

  test('the exchange refuses, then 400 or 502 by whose fault it is, and the order is in error', async () => {
    const { call, exchange } = testBackend();
    const reason = { kind: 'rejected', reason: 'unknown_symbol', code: 10007, detail: 'bad symbol' } as const;
    exchange.trouble('submit', reason);
    const unknown = await call('POST', '/api/trade/order', { ...LIMIT, symbol: 'ETHUSDT' });
    assert.deepEqual(
      [unknown.status, unknown.json.code, unknown.json.detail],
      [400, 'unknown_symbol', 'unknown symbol: ETHUSDT'],
    );
    exchange.trouble('submit', { kind: 'rejected', reason: 'rate_limited', code: 429, detail: 'Too Many Requests' });
    const limited = await call('POST', '/api/trade/order', LIMIT);
    assert.deepEqual([limited.status, limited.json.detail], [502, 'exchange refused the order: Too Many Requests']);
    const { orders } = (await call('GET', '/api/trade/orders/user-0001')).json as { orders: { status: string }[] };
    assert.deepEqual(
      orders.map(({ status }) => status),
      ['error', 'error'],
    );
  });

  test('the exchange does not say, then the order is unknown, not failed, and found out later', async () => {
    const { call, exchange, backend } = testBackend();
    exchange.trouble('submit', 'lost');
    const created = await call('POST', '/api/trade/order', MARKET);
    assert.deepEqual([created.status, created.json.status, created.json.mexc_order_id], [201, 'unknown', null]);
    assert.equal(await backend.reconcile(), 1);
    assert.equal((await call('GET', path(created.json.order_id))).json.status, 'filled');
    assert.equal(exchange.orderCount(), 1);
  });

  test('the intent cannot be stored, then 500 and nothing is sent', async () => {
    const exchange = createFakeExchange();
    const insertOrder = async () => {
      throw new StoreUnavailable('down');
    };
    const { call } = testBackend({ exchange, store: { ...createMemoryStore(() => START_MS), insertOrder } });
    const { status, json, headers } = await call('POST', '/api/trade/order', LIMIT, { 'x-request-id': 'req-1' });
    assert.deepEqual([status, json.code, headers.get('x-request-id')], [500, 'storage', 'req-1']);
    assert.equal(exchange.calls.submit, 0);
  });

  test('the order is in the store before the exchange hears of it', async () => {
    const { call, exchange, store } = testBackend();
    let statusSeen: string | undefined;
    exchange.duringSubmit(async () => {
      statusSeen = (await store.listOrders('user-0001', { limit: 1 })).orders[0]?.status;
    });
    await call('POST', '/api/trade/order', LIMIT);
    assert.equal(statusSeen, 'pending');
  });

  test('the outcome cannot be stored, then the client gets it all the same and reconciling repairs the store', async () => {
    const memory = createMemoryStore(() => START_MS);
    let down = true;
    const store: typeof memory = {
      ...memory,
      async replaceOrder(order) {
        if (down) throw new StoreUnavailable('down');
        return memory.replaceOrder(order);
      },
    };
    const { call, backend } = testBackend({ store });
    const created = await call('POST', '/api/trade/order', LIMIT);
    assert.deepEqual([created.status, created.json.status], [201, 'open']);
    assert.equal((await call('GET', path(created.json.order_id))).json.status, 'pending');
    down = false;
    await backend.reconcile();
    assert.equal((await call('GET', path(created.json.order_id))).json.status, 'open');
  });
});

describe('the same Idempotency-Key', () => {
  const key = { 'idempotency-key': 'key-1' };

  test('again, then the same answer and no second order, even after the order has changed', async () => {
    const { call, exchange, backend } = testBackend();
    const first = await call('POST', '/api/trade/order', LIMIT, key);
    exchange.fill(String(first.json.order_id).replaceAll('-', ''), '0.5');
    await backend.reconcile();
    const second = await call('POST', '/api/trade/order', LIMIT, key);
    assert.equal((await call('GET', path(first.json.order_id))).json.status, 'filled');
    assert.deepEqual([second.status, second.json], [201, first.json]);
    assert.equal(second.headers.get('idempotent-replayed'), 'true');
    assert.equal(exchange.orderCount(), 1);
  });

  test('many at once, then one order', async () => {
    const { call, exchange } = testBackend();
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('POST', '/api/trade/order', LIMIT, key)));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(exchange.orderCount(), 1);
  });

  test('at two instances at once, then one order, and the slower one is told to wait or gets the answer', async () => {
    const one = testBackend();
    const two = testBackend({ store: one.store, exchange: one.exchange });
    const answers = await Promise.all([one, two].map(({ call }) => call('POST', '/api/trade/order', LIMIT, key)));
    assert.equal(one.exchange.orderCount(), 1);
    for (const { status, json } of answers) assert.ok(status === 201 || json.code === 'order_in_flight');
    const [again, other] = [
      await one.call('POST', '/api/trade/order', LIMIT, key),
      await two.call('POST', '/api/trade/order', LIMIT, key),
    ];
    assert.deepEqual(again.json, other.json);
  });

  test('with another body, then 422; of another user, then another order', async () => {
    const { call, exchange } = testBackend();
    await call('POST', '/api/trade/order', LIMIT, key);
    const other = await call('POST', '/api/trade/order', { ...LIMIT, quantity: '0.6' }, key);
    assert.deepEqual([other.status, other.json.code], [422, 'idempotency_conflict']);
    assert.equal((await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'user-0002' }, key)).status, 201);
    assert.equal(exchange.orderCount(), 2);
  });

  test('after a refusal, then the same refusal and no new attempt', async () => {
    const { call, exchange } = testBackend();
    exchange.trouble('submit', { kind: 'rejected', reason: 'invalid_order', code: 30002, detail: 'too small' });
    const first = await call('POST', '/api/trade/order', LIMIT, key);
    const second = await call('POST', '/api/trade/order', LIMIT, key);
    assert.deepEqual([first.status, second.status, second.json], [400, 400, first.json]);
    assert.equal(exchange.calls.submit, 1);
  });

  test('after a crash between claim and order, then the order is made once under the claimed id', async () => {
    const { call, exchange, store } = testBackend();
    const memory = store;
    let crash = true;
    const crashing = testBackend({
      exchange,
      store: {
        ...memory,
        async insertOrder(order) {
          if (crash) throw new StoreUnavailable('crashed');
          return memory.insertOrder(order);
        },
      },
    });
    assert.equal((await crashing.call('POST', '/api/trade/order', LIMIT, key)).status, 500);
    crash = false;
    const first = await call('POST', '/api/trade/order', LIMIT, key);
    const second = await crashing.call('POST', '/api/trade/order', LIMIT, key);
    assert.deepEqual([first.status, second.status, second.json], [201, 201, first.json]);
    assert.equal(exchange.orderCount(), 1);
  });
});

describe('cancelling an order', () => {
  test('open, then cancelled at the exchange and in the store; again, then 409', async () => {
    const { call } = testBackend();
    const { json } = await call('POST', '/api/trade/order', LIMIT);
    const cancelled = await call('DELETE', path(json.order_id));
    assert.deepEqual([cancelled.status, cancelled.json.status], [200, 'cancelled']);
    assert.equal((await call('GET', path(json.order_id))).json.status, 'cancelled');
    const again = await call('DELETE', path(json.order_id));
    assert.deepEqual([again.status, again.json.detail], [409, 'the order is cancelled and can no longer be cancelled']);
  });

  test('filled meanwhile, then 409 and the store knows of the fill', async () => {
    const { call, exchange } = testBackend();
    const { json } = await call('POST', '/api/trade/order', LIMIT);
    exchange.fill(String(json.order_id).replaceAll('-', ''), '0.5');
    const refused = await call('DELETE', path(json.order_id));
    assert.deepEqual(
      [refused.status, refused.json.detail],
      [409, 'the order is filled and can no longer be cancelled'],
    );
    assert.equal((await call('GET', path(json.order_id))).json.filled_quantity, '0.5');
  });

  test('no answer but done, then 200; no answer and not done, then 502 and the order stays open', async () => {
    const { call, exchange } = testBackend();
    const one = await call('POST', '/api/trade/order', LIMIT);
    exchange.trouble('cancel', 'lost');
    assert.equal((await call('DELETE', path(one.json.order_id))).json.status, 'cancelled');
    const two = await call('POST', '/api/trade/order', LIMIT);
    exchange.trouble('cancel', 'unknown');
    const unclear = await call('DELETE', path(two.json.order_id));
    assert.deepEqual([unclear.status, unclear.json.code], [502, 'exchange_unclear']);
    assert.equal((await call('GET', path(two.json.order_id))).json.status, 'open');
  });

  test('no such order, of this user, then 404', async () => {
    const { call } = testBackend();
    const { json } = await call('POST', '/api/trade/order', LIMIT);
    for (const wrong of [path(json.order_id, 'user-0002'), path('nope')]) {
      for (const method of ['GET', 'DELETE']) {
        const { status, json: problem } = await call(method, wrong);
        assert.deepEqual([status, problem.code], [404, 'order_not_found']);
      }
    }
  });
});

describe('listing orders', () => {
  test('newest first, in pages, without the clock in each', async () => {
    const { call, clock } = testBackend();
    const ids: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      ids.unshift((await call('POST', '/api/trade/order', LIMIT)).json.order_id);
      clock.nowMs += 1000;
    }
    const first = await call('GET', '/api/trade/orders/user-0001?limit=2');
    const orders = first.json.orders as Record<string, unknown>[];
    assert.deepEqual(
      orders.map(({ order_id }) => order_id),
      ids.slice(0, 2),
    );
    assert.equal('server_time' in (orders[0] ?? {}), false);
    const second = await call('GET', `/api/trade/orders/user-0001?limit=2&cursor=${first.json.next_cursor}`);
    assert.deepEqual((second.json.orders as Record<string, unknown>[])[0]?.order_id, ids[2]);
    assert.equal(second.json.next_cursor, null);
  });

  test('a limit or cursor that is none, then 400', async () => {
    const { call } = testBackend();
    for (const query of ['limit=0', 'limit=201', 'limit=ten', 'cursor=nonsense', 'cursor=%00']) {
      assert.equal((await call('GET', `/api/trade/orders/user-0001?${query}`)).status, 400, query);
    }
  });
});

describe('amounts and names that could be misread', () => {
  const send = (text: string) =>
    testBackend().call(
      'POST',
      '/api/trade/order',
      `{"user_id":"u","symbol":"BTCUSDT","side":"BUY","order_type":"LIMIT",${text}}`,
    );

  test('then 400 that says which', async () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['"quantity":NaN,"price":1', 'the body must be a JSON object'],
      ['"quantity":1e400,"price":1', 'quantity is a number that JSON readers do not read exactly; send it as a string'],
      [
        '"quantity":0.1000000000000000055,"price":1',
        'quantity is a number that JSON readers do not read exactly; send it as a string',
      ],
      ['"quantity":"Infinity","price":1', 'quantity must be a number'],
      ['"quantity":"1e3","price":1', 'quantity must be a number'],
      ['"quantity":"0x10","price":1', 'quantity must be a number'],
      ['"quantity":" 1","price":1', 'quantity must be a number'],
      ['"quantity":"+1","price":1', 'quantity must be a number'],
      ['"quantity":-0,"price":1', 'quantity must be greater than 0'],
      ['"quantity":"-1","price":1', 'quantity must be greater than 0'],
      ['"quantity":"0.1234567890123456789","price":1', 'quantity has too many digits'],
      ['"quantity":["1"],"price":1', 'quantity must be a number'],
      ['"quantity":1,"price":1,"__proto__":{"user_id":"x"}', 'the body must not have a member __proto__'],
      ['"quantity":1,"price":1,"constructor":1', 'the body must not have a member constructor'],
    ];
    for (const [text, detail] of wrong) {
      const { status, json } = await send(text);
      assert.deepEqual([text, status, json.detail], [text, 400, detail]);
    }
  });

  test('a small number as JavaScript writes it, then it is that number', async () => {
    const { call } = testBackend();
    const { json } = await call('POST', '/api/trade/order', { ...LIMIT, quantity: 1e-7 });
    assert.equal((await call('GET', path(json.order_id))).json.quantity, '0.0000001');
  });
});

test('taken by the exchange, which then does not say what came of it, then it is asked again at once', async () => {
  const { call, exchange } = testBackend();
  exchange.trouble('find', 'unknown');
  const { json } = await call('POST', '/api/trade/order', MARKET);
  assert.equal(json.status, 'open');
  await eventually(
    async () => (await call('GET', path(json.order_id))).json.status === 'filled',
    'the order to be followed',
  );
});
