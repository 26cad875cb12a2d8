import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { within } from '../../helpers/deadline.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../exchange/server.ts';
import { dataFolder, type Postgres, startPostgres } from '../postgres/postgres.ts';
import { loadLegacy } from '../seed/load-legacy.ts';
import { ordersOf } from '../seed/orders.ts';
import { restingOrders } from '../seed/resting.ts';
import { createLegacy, type Legacy } from './server.ts';

const KEYS = { apiKey: 'mx0testkey', secretKey: 'test-secret' };
const dataDir = join(mkdtempSync(join(tmpdir(), 'banyan-test-')), 'postgres');
const TRADER = 'user-0190';
let postgres: Postgres;
let exchange: ExchangeSimulator;
let legacy: Legacy;

before(async () => {
  postgres = await startPostgres({ dataDir });
  assert.equal(await loadLegacy(postgres.url), 'loaded');
  exchange = await createExchangeSimulator({ ...KEYS, openOrdersMax: 20_000, restingOrders: restingOrders() });
  legacy = await createLegacy({ databaseUrl: postgres.url, exchange: { url: exchange.url, ...KEYS }, planted: false });
});
after(async () => {
  await legacy?.close();
  await exchange?.close();
  await postgres?.close();
  rmSync(dataFolder(dataDir), { recursive: true, force: true });
  rmSync(join(dataDir, '..'), { recursive: true, force: true });
});

async function get(path: string, method = 'GET') {
  const answer = await fetch(legacy.url + path, { method });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function create(body: object) {
  const headers = { 'content-type': 'application/json', 'x-user-id': TRADER };
  const answer = await fetch(`${legacy.url}/api/trade/order`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

test('loaded a second time, then nothing happens', async () => {
  assert.equal(await loadLegacy(postgres.url), 'present');
});

test('one order, then it has a Python service’s habits down to the byte', async () => {
  const order = ordersOf(4).find((one) => one.status === 'filled' && one.order_type === 'MARKET');
  assert.ok(order);
  const { status, headers, text } = await get(`/api/trade/order/${order.user_id}/${order.order_id}`);
  assert.equal(status, 200);
  assert.equal(headers.get('server'), 'uvicorn');
  assert.equal(headers.get('content-type'), 'application/json');
  const body = JSON.parse(text);
  assert.equal(Object.keys(body)[1], 'client_order_id');
  assert.ok(text.includes(`"created_at":"${order.created_at.replace('Z', '000+00:00')}"`), text);
  assert.ok(text.includes('"price":null'), text);
  const quantity = order.quantity.includes('.') ? order.quantity : `${order.quantity}.0`;
  assert.ok(text.includes(`"quantity":${quantity},`), text);
});

test('pages of orders, then they are whole, newest first, and end with no cursor', async () => {
  const wanted = ordersOf(30)
    .toSorted((a, b) => (a.order_id < b.order_id ? 1 : -1))
    .map((order) => order.order_id);
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = JSON.parse((await get(`/api/trade/orders/user-0031?limit=25&cursor=${cursor}`)).text);
    seen.push(...page.orders.map((order: { order_id: string }) => order.order_id));
    cursor = page.next_cursor ?? '';
  } while (cursor !== '');
  assert.deepEqual(seen, wanted);
});

test('requests that make no sense, then each says what is wrong under "detail"', async () => {
  const cases: readonly (readonly [path: string, status: number, detail: string])[] = [
    ['/api/trade/order/user-0001/not-an-id', 404, 'order not found'],
    ['/api/trade/orders/user-0001?limit=0', 400, 'limit must be from 1 to 200'],
    ['/api/trade/orders/user-0001?limit=x', 400, 'limit must be a whole number'],
    ['/api/trade/orders/user-0001?cursor=AAAA', 400, 'cursor is not valid'],
    ['/api/market/ticker/NOPE', 404, 'unknown symbol: NOPE'],
    ['/api/nothing', 404, 'Not Found'],
    ['/api/trade/order', 405, 'Method Not Allowed'],
  ];
  for (const [path, status, detail] of cases) {
    const answer = await get(path);
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [status, { detail }], path);
  }
});

test('orders that make no sense, then they are refused and none is stored', async () => {
  const good = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.01', price: 60000 };
  const cases: readonly (readonly [object, string])[] = [
    [{ quantity: 0 }, 'quantity must be greater than 0'],
    [{ quantity: 'ten' }, 'quantity must be a number'],
    [{ price: null }, 'price is required for LIMIT orders'],
    [{ side: 'HOLD' }, 'side must be BUY or SELL'],
    [{ symbol: 'NOPEUSDT' }, 'unknown symbol: NOPEUSDT'],
    [{ user_id: 'no spaces, please' }, 'user_id must be 1 to 128 letters, digits or _ . @ : -'],
  ];
  const before = exchange.orderCount();
  for (const [change, detail] of cases) {
    assert.deepEqual(await create({ ...good, ...change }), { status: 400, body: { detail } });
  }
  assert.equal(exchange.orderCount(), before);
});

test('a market order, then it is filled, paid for and in the position', async () => {
  const user = 'somebody-new';
  const { status, body } = await create({
    user_id: user,
    symbol: 'SOLUSDT',
    side: 'BUY',
    order_type: 'MARKET',
    quantity: 2,
  });
  assert.deepEqual([status, body.status], [201, 'filled']);
  const order = JSON.parse((await get(`/api/trade/order/${user}/${body.order_id}`)).text);
  assert.deepEqual([order.filled_quantity, order.average_price, order.fee, order.price], [2, 150.75, 0.15075, null]);
  const { positions } = JSON.parse((await get(`/api/positions/${user}`)).text);
  assert.deepEqual([positions[0].symbol, positions[0].side, positions[0].quantity], ['SOLUSDT', 'long', 2]);
});

test('a resting order, then it can be cancelled once', async () => {
  const { body } = await create({
    symbol: 'BTCUSDT',
    side: 'BUY',
    order_type: 'LIMIT',
    quantity: '0.01',
    price: '60000',
  });
  assert.equal(body.status, 'open');
  const path = `/api/trade/order/${TRADER}/${body.order_id}`;
  const cancelled = await get(path, 'DELETE');
  assert.deepEqual([cancelled.status, JSON.parse(cancelled.text).status], [200, 'cancelled']);
  const again = await get(path, 'DELETE');
  assert.deepEqual([again.status, again.text], [409, '{"detail":"order is cancelled and can no longer be cancelled"}']);
});

test('an open order of the seed, then the exchange knows it and cancels it', async () => {
  const order = ordersOf(1).find((one) => one.status === 'open');
  assert.ok(order);
  assert.equal((await get(`/api/trade/order/${order.user_id}/${order.order_id}`, 'DELETE')).status, 200);
});

test('an exchange that fails after taking the order, then the order is unknown, not failed', async () => {
  exchange.inject({ kind: 'error', status: 503, when: 'after', method: 'POST' });
  const { status, body } = await create({
    symbol: 'BTCUSDT',
    side: 'BUY',
    order_type: 'LIMIT',
    quantity: '0.01',
    price: '60000',
  });
  assert.deepEqual([status, body.status, body.mexc_order_id], [201, 'unknown', null]);
});

test('an exchange that refuses, then the client learns why and whose fault it is', async () => {
  exchange.inject({ kind: 'rate-limit', retryAfterSeconds: 1, method: 'POST' });
  const order = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.01', price: '60000' };
  assert.deepEqual(await create(order), {
    status: 502,
    body: { detail: 'exchange refused the order: Too Many Requests' },
  });
  const tooSmall = await create({ ...order, quantity: '0.000001' });
  assert.equal(tooSmall.status, 400);
  assert.match(tooSmall.body.detail ?? '', /^order rejected by the exchange: The minimum transaction volume/);
});

test('the calendar, then its numbers are floats as Python prints them', async () => {
  const { status, text } = await get('/api/sniper/calendar?status=sniped');
  assert.equal(status, 200);
  assert.match(text, /"launch_price":\d\.\d+e-\d\d,/);
  assert.match(text, /"token_supply":\d\.\d+e\+\d\d,/);
});

test('a price stream, then events are numbered, go on after Last-Event-ID, and end when the server stops', async () => {
  const other = await createLegacy({
    databaseUrl: postgres.url,
    exchange: { url: exchange.url, ...KEYS },
    planted: false,
  });
  const answer = await fetch(`${other.url}/api/sse/price/BTC`, { headers: { 'last-event-id': '41' } });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.ok(answer.body);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('price_update')) text += (await within(reader.read(), 'a price')).value ?? '';
  assert.match(text, /id: 42\ndata: \{"type":"connected","symbol":"BTCUSDT",/);
  assert.match(text, /id: 43\ndata: \{"type":"price_update","symbol":"BTCUSDT","price":65000\.25,/);
  await within(other.close(), 'the legacy backend to stop');
  while (!(await within(reader.read(), 'the stream to end')).done);
});
