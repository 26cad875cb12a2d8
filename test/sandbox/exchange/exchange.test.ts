import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { within } from '../../helpers/deadline.ts';
import { createExchangeSimulator, type ExchangeSimulator } from './server.ts';
import { sign } from './signing.ts';

const NOW_MS = 1_644_489_390_087;
const KEYS = { apiKey: 'mx0testkey', secretKey: '45d0b3c26f2644f19bfb98b07741b2f5' };
let exchange: ExchangeSimulator;

before(async () => {
  exchange = await createExchangeSimulator({ ...KEYS, now: () => NOW_MS, openOrdersMax: 20 });
});
after(() => exchange.close());
beforeEach(() => exchange.clearFaults());

/** What the exchange answers, as far as tests read it; which of it depends on what is asked. */
interface Body {
  readonly code: number;
  readonly orderId: string;
  readonly status: string;
  readonly price: string;
  readonly executedQty: string;
  readonly cummulativeQuoteQty: string;
  readonly bids: readonly (readonly string[])[];
  readonly symbols: readonly { status: string; quotePrecision: number; baseSizePrecision: string }[];
  readonly balances: readonly { readonly asset: string; readonly locked: string }[];
}

interface Trade {
  readonly price: string;
  readonly qty: string;
  readonly commission: string;
  readonly isBuyer: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: Body;
  /** The same as it came. */
  readonly text: string;
  readonly headers: Headers;
}

async function call(
  method: string,
  path: string,
  options: { body?: string; key?: string; type?: string } = {},
): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': options.type ?? 'application/json' };
  if (options.key !== '') headers['x-mexc-apikey'] = options.key ?? KEYS.apiKey;
  const init = { method, headers, ...(options.body === undefined ? {} : { body: options.body }) };
  const answer = await fetch(`${exchange.url}/api/v3/${path}`, init);
  const text = await answer.text();
  const body: Body = JSON.parse(text);
  return { status: answer.status, body, text, headers: answer.headers };
}

function signed(method: string, path: string, params: Record<string, string>): Promise<Answer> {
  const query = new URLSearchParams({ ...params, timestamp: String(NOW_MS) }).toString();
  return call(method, `${path}?${query}&signature=${sign(KEYS.secretKey, query)}`);
}

const limit = (more: Record<string, string> = {}) => ({
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  quantity: '0.01',
  price: '60000',
  ...more,
});

test('the published example, all in the query, then it is accepted', async () => {
  const query = `symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=${NOW_MS}`;
  const signature = 'fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a';
  assert.deepEqual((await call('POST', `order/test?${query}&signature=${signature}`)).body, {});
});

test('the published example of query and body, then nothing stands between the two when signing', async () => {
  const body = `quantity=1&price=11&recvWindow=5000&timestamp=${NOW_MS}`;
  const signature = 'd1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592';
  const query = 'symbol=BTCUSDT&side=BUY&type=LIMIT';
  const answer = await call('POST', `order/test?${query}`, { body: `${body}&signature=${signature}` });
  assert.deepEqual(answer.body, {});
});

test('a request that is signed badly or late, then it is refused in the exchange’s words', async () => {
  const at = (timestamp: number, more = '') => `timestamp=${timestamp}${more}`;
  const send = (query: string, signature = sign(KEYS.secretKey, query)) =>
    call('GET', `account?${query}&signature=${signature}`);
  const code = async (answer: Promise<Answer>) => (await answer).body.code;
  assert.equal(await code(send(at(NOW_MS), 'f'.repeat(64))), 700002);
  assert.equal(await code(send(at(NOW_MS), sign(KEYS.secretKey, at(NOW_MS)).toUpperCase())), 700002);
  assert.equal(await code(send(at(NOW_MS + 1000))), 700003);
  assert.equal((await send(at(NOW_MS + 999))).status, 200);
  assert.equal((await send(at(NOW_MS - 5000))).status, 200);
  assert.equal(await code(send(at(NOW_MS - 5001))), 700003);
  assert.equal((await send(at(NOW_MS - 59_000, '&recvWindow=60000'))).status, 200);
  assert.equal(await code(send(at(NOW_MS, '&recvWindow=60001'))), 700005);
  assert.deepEqual((await call('GET', `account?${at(NOW_MS)}`, { key: '' })).body, {
    code: 400,
    msg: 'api key required',
  });
  assert.equal(await code(call('GET', `account?${at(NOW_MS)}`, { key: 'mx0somebodyelse' })), 10072);
  assert.equal(await code(call('GET', `account?${at(NOW_MS)}`, { key: '?' })), 700001);
  assert.equal(await code(call('POST', `order?${at(NOW_MS)}`, { type: 'text/plain', body: '' })), 700013);
});

test('a limit below the price, then it rests, is found by either id, and can be cancelled once', async () => {
  const placed = await signed('POST', 'order', limit({ newClientOrderId: 'resting-1' }));
  assert.equal(placed.status, 200);
  assert.equal(typeof placed.body.orderId, 'string');
  const byClient = await signed('GET', 'order', { symbol: 'BTCUSDT', origClientOrderId: 'resting-1' });
  assert.equal(byClient.body.orderId, placed.body.orderId);
  assert.deepEqual([byClient.body.status, byClient.body.executedQty], ['NEW', '0']);
  const cancelled = await signed('DELETE', 'order', { symbol: 'BTCUSDT', orderId: placed.body.orderId });
  assert.equal(cancelled.body.status, 'CANCELED');
  const again = await signed('DELETE', 'order', { symbol: 'BTCUSDT', orderId: placed.body.orderId });
  assert.deepEqual(again.body, { code: -2011, msg: 'Unknown order sent' });
});

test('a limit across the price, then it fills at once at the price, with a trade and its fee', async () => {
  const { orderId } = (await signed('POST', 'order', limit({ price: '66000', newClientOrderId: 'crossing-1' }))).body;
  const order = (await signed('GET', 'order', { symbol: 'BTCUSDT', orderId })).body;
  assert.deepEqual([order.status, order.executedQty, order.cummulativeQuoteQty], ['FILLED', '0.01', '650.0025']);
  const trades: Trade[] = JSON.parse((await signed('GET', 'myTrades', { symbol: 'BTCUSDT', orderId })).text);
  const bought = trades.map(({ price, qty, commission, isBuyer }) => [price, qty, commission, isBuyer]);
  assert.deepEqual(bought[0], ['65000.25', '0.01', '0.32500125', true]);
});

test('market orders, then a buy spends quoteOrderQty and a sell sells quantity', async () => {
  const buy = await signed('POST', 'order', { symbol: 'SOLUSDT', side: 'BUY', type: 'MARKET', quoteOrderQty: '301.5' });
  assert.equal((await signed('GET', 'order', { symbol: 'SOLUSDT', orderId: buy.body.orderId })).body.executedQty, '2');
  const sell = await signed('POST', 'order', { symbol: 'SOLUSDT', side: 'SELL', type: 'MARKET', quantity: '2' });
  assert.equal((await signed('GET', 'order', { symbol: 'SOLUSDT', orderId: sell.body.orderId })).body.status, 'FILLED');
  const byBase = await signed('POST', 'order', { symbol: 'SOLUSDT', side: 'BUY', type: 'MARKET', quantity: '2' });
  assert.equal(byBase.body.code, 10095);
});

test('a client order id used twice, then the second is refused and there is one order', async () => {
  const before = exchange.orderCount();
  assert.equal((await signed('POST', 'order', limit({ newClientOrderId: 'twice' }))).status, 200);
  assert.deepEqual((await signed('POST', 'order', limit({ newClientOrderId: 'twice' }))).body, {
    code: 26,
    msg: 'operation not allowed',
  });
  assert.equal(exchange.orderCount(), before + 1);
});

test('orders that break a rule, then each is refused with its code', async () => {
  const codes: readonly (readonly [number, Record<string, string>])[] = [
    [10007, { symbol: 'NOPEUSDT' }],
    [33333, { side: 'HOLD' }],
    [44444, { price: '' }],
    [30010, { price: '60000.001' }],
    [10102, { quantity: '0' }],
    [10096, { quantity: '0.0000001' }],
    [10097, { quantity: 'many' }],
    [30002, { quantity: '0.00001' }],
    [30003, { quantity: '100' }],
    [33333, { newClientOrderId: 'x'.repeat(33) }],
    [30041, { type: 'LIMIT_MAKER', price: '66000' }],
  ];
  for (const [code, more] of codes) {
    const answer = await signed('POST', 'order', limit(more));
    assert.deepEqual([answer.status, answer.body.code], [400, code], JSON.stringify(more));
  }
});

test('a price that moves across a resting order, then the order fills at its own limit', async () => {
  const { orderId } = (
    await signed('POST', 'order', { symbol: 'ETHUSDT', side: 'BUY', type: 'LIMIT', quantity: '1', price: '3000' })
  ).body;
  exchange.setPrice('ETHUSDT', '2999');
  const order = (await signed('GET', 'order', { symbol: 'ETHUSDT', orderId })).body;
  assert.deepEqual([order.status, order.cummulativeQuoteQty], ['FILLED', '3000']);
  assert.equal((await call('GET', 'ticker/price?symbol=ETHUSDT')).body.price, '2999');
  exchange.setPrice('ETHUSDT', '3400.5');
});

test('balances, then an open order locks what it costs and a cancel gives it back', async () => {
  const locked = async () => (await signed('GET', 'account', {})).body.balances.find((b) => b.asset === 'USDT')?.locked;
  const before = Number(await locked());
  const { orderId } = (await signed('POST', 'order', limit())).body;
  assert.equal(Number(await locked()), before + 600);
  await signed('DELETE', 'order', { symbol: 'BTCUSDT', orderId });
  assert.equal(Number(await locked()), before);
});

test('an error after the work, then the answer is 502 but the order exists', async () => {
  exchange.inject({ kind: 'error', status: 502, when: 'after', method: 'POST', path: '/order' });
  const failed = await signed('POST', 'order', limit({ newClientOrderId: 'unclear-1' }));
  assert.equal(failed.status, 502);
  const found = await signed('GET', 'order', { symbol: 'BTCUSDT', origClientOrderId: 'unclear-1' });
  assert.equal(found.body.status, 'NEW');
});

test('an error before the work, then the answer is 500 and there is no order', async () => {
  exchange.inject({ kind: 'error', status: 500, when: 'before', path: '/order' });
  assert.equal((await signed('POST', 'order', limit({ newClientOrderId: 'never-1' }))).status, 500);
  assert.equal((await signed('GET', 'order', { symbol: 'BTCUSDT', origClientOrderId: 'never-1' })).body.code, -2013);
});

test('a reset, a rate limit and a partial fill, then each strikes once', async () => {
  exchange.inject({ kind: 'reset', when: 'before' });
  await assert.rejects(call('GET', 'ping'));
  exchange.inject({ kind: 'rate-limit', retryAfterSeconds: 7 });
  const limited = await call('GET', 'ping');
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
  assert.equal((await call('GET', 'ping')).status, 200);
  exchange.inject({ kind: 'partial-fill', share: '0.5', method: 'POST' });
  const { orderId } = (await signed('POST', 'order', limit({ price: '66000' }))).body;
  const order = (await signed('GET', 'order', { symbol: 'BTCUSDT', orderId })).body;
  assert.deepEqual([order.status, order.executedQty], ['PARTIALLY_FILLED', '0.005']);
});

test('a request that hangs, then closing the exchange does not wait for it', async () => {
  const other = await createExchangeSimulator(KEYS);
  other.inject({ kind: 'hang', when: 'before' });
  const hanging = assert.rejects(fetch(`${other.url}/api/v3/ping`));
  await fetch(`${other.url}/api/v3/time`).catch(() => {}); // Whichever of the two comes first hangs.
  await within(other.close(), 'the exchange to close');
  await hanging;
});

test('the control endpoint, then faults and prices can be set from another process, and nonsense is refused', async () => {
  const control = (method: string, path: string, body?: object) =>
    fetch(`${exchange.url}/__control/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  assert.equal(
    (await control('POST', 'faults', { kind: 'error', status: 503, when: 'before', path: '/time' })).status,
    200,
  );
  assert.equal((await call('GET', 'time')).status, 503);
  assert.equal((await control('POST', 'faults', { kind: 'earthquake' })).status, 400);
  assert.equal((await control('POST', 'price', { symbol: 'MXUSDT', price: '0' })).status, 400);
  assert.equal((await control('POST', 'price', { symbol: 'MXUSDT', price: '2.5' })).status, 200);
  assert.equal((await call('GET', 'ticker/price?symbol=MXUSDT')).body.price, '2.5');
  const state = (await (await control('GET', 'state')).json()) as { orders: number };
  assert.equal(state.orders, exchange.orderCount());
});

test('more open orders than an account may have, then the next is refused', async () => {
  const other = await createExchangeSimulator({ ...KEYS, now: () => NOW_MS, openOrdersMax: 1 });
  const mine = exchange;
  exchange = other;
  try {
    assert.equal((await signed('POST', 'order', limit())).status, 200);
    assert.equal((await signed('POST', 'order', limit())).body.code, 30029);
  } finally {
    exchange = mine;
    await other.close();
  }
});

test('market data, then it has the published shapes', async () => {
  assert.deepEqual((await call('GET', 'ping')).body, {});
  assert.deepEqual((await call('GET', 'time')).body, { serverTime: NOW_MS });
  assert.deepEqual((await call('GET', 'ticker/price?symbol=DOGEUSDT')).body, { symbol: 'DOGEUSDT', price: '0.12345' });
  assert.deepEqual((await call('GET', 'ticker/price?symbol=NOPE')).body, { code: 10007, msg: 'bad symbol' });
  const depth = (await call('GET', 'depth?symbol=DOGEUSDT&limit=2')).body;
  assert.deepEqual(depth.bids, [
    ['0.12345', '100'],
    ['0.12344', '200'],
  ]);
  const [info] = (await call('GET', 'exchangeInfo?symbol=BTCUSDT')).body.symbols;
  assert.deepEqual([info?.status, info?.quotePrecision, info?.baseSizePrecision], ['1', 2, '0.000001']);
});
