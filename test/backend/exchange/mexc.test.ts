import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { NewOrder } from '../../../backend/exchange/exchange.ts';
import { createMexc, createMexcExchange, type MexcOptions } from '../../../backend/exchange/mexc.ts';
import { createMexcConnection } from '../../../backend/exchange/mexc-connection.ts';
import { createMexcMarket } from '../../../backend/exchange/mexc-market.ts';
import { eventually } from '../../helpers/deadline.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../../sandbox/exchange/server.ts';

const KEYS = { apiKey: 'mx0mexctest', secretKey: 'test-secret' };
const order = (clientOrderId: string): NewOrder => ({
  clientOrderId,
  symbol: 'BTCUSDT',
  side: 'BUY',
  orderType: 'LIMIT',
  quantity: decimalOf('0.01'),
  price: decimalOf('60000'),
});

describe('MEXC client', () => {
  let simulator: ExchangeSimulator;
  before(async () => {
    simulator = await createExchangeSimulator(KEYS);
  });
  after(() => simulator.close());
  const client = (given: Partial<MexcOptions> = {}) =>
    createMexc({ ...KEYS, url: simulator.url, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now, ...given });

  test('our clock is a minute off either way, then one refusal, one look at the clock, and the order is in', async () => {
    for (const skewMs of [-60_000, 60_000]) {
      const exchange = client({ now: () => Date.now() + skewMs });
      assert.equal((await exchange.submit(order(`skew${skewMs}`))).kind, 'accepted');
      await exchange.close();
    }
  });

  test('a symbol that is followed, then a market buy is sized by its last price without asking for one', async () => {
    const connection = createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now });
    const market = createMexcMarket(connection, Date.now, (symbol) =>
      symbol === 'BTCUSDT' ? decimalOf('1000') : undefined,
    );
    const exchange = createMexcExchange(connection, market, { ...KEYS, recvWindowMs: 5000 });
    const count = simulator.requestCount();
    const bought = await exchange.submit({ ...order('followed'), orderType: 'MARKET', price: null });
    assert.equal(bought.kind, 'accepted');
    assert.equal(simulator.requestCount(), count + 1);
    const found = await exchange.find({ symbol: 'BTCUSDT', clientOrderId: 'followed', exchangeOrderId: null });
    // 0.01 at a last price of 1000 spends 10, whatever the exchange's own price is by now.
    assert.equal(found.kind === 'found' && Math.round(Number(found.order.filledQuote)), 10);
    await connection.close();
  });

  test('a wrong secret, then a definite refusal that does not carry it', async () => {
    const exchange = client({ secretKey: 'another-secret' });
    const result = await exchange.submit(order('badsecret'));
    assert.deepEqual(result.kind === 'rejected' && [result.reason, result.code], ['unauthorised', 700002]);
    assert.doesNotMatch(JSON.stringify(result), /another-secret|signature=/);
    await exchange.close();
  });

  test('the exchange resets or never answers after taking the order, then unknown, and one order', async () => {
    const exchange = client({ timeoutMs: 300 });
    for (const kind of ['reset', 'hang'] as const) {
      const count = simulator.orderCount();
      simulator.inject({ kind, when: 'after', method: 'POST', path: '/order' });
      assert.equal((await exchange.submit(order(`lost${kind}`))).kind, 'unknown');
      assert.equal(simulator.orderCount(), count + 1);
    }
    await exchange.close();
  });

  test('too many requests, then a definite refusal', async () => {
    const exchange = client();
    simulator.inject({ kind: 'rate-limit', retryAfterSeconds: 1, method: 'POST', path: '/order' });
    const result = await exchange.submit(order('limited'));
    assert.equal(result.kind === 'rejected' && result.reason, 'rate_limited');
    await exchange.close();
  });

  test('a ban, then nothing is sent until it is over, and it is told', async () => {
    const heard: { forMs: number; reason: string }[] = [];
    const exchange = client({ onPause: (pause) => heard.push(pause) });
    simulator.inject({ kind: 'rate-limit', retryAfterSeconds: 3600, status: 418, method: 'GET', path: '/order' });
    const ref = { symbol: 'BTCUSDT', clientOrderId: 'none', exchangeOrderId: null };
    assert.equal((await exchange.find(ref)).kind, 'rejected');
    assert.deepEqual(heard, [{ forMs: 3_600_000, reason: 'the exchange has banned this address (HTTP 418)' }]);
    const count = simulator.requestCount();
    const result = await exchange.submit(order('banned'));
    assert.deepEqual(result.kind === 'rejected' && [result.reason, result.code], ['rate_limited', null]);
    assert.match((await exchange.ping()) ?? '', /banned this address.* nothing is sent for another 3600 s/);
    assert.equal(simulator.requestCount(), count);
    await exchange.close();
  });

  test('our own limits, then what is above them is not sent, and says so', async () => {
    const aMinute = (count: number) => ({ count, periodMs: 60_000 });
    const exchange = client({ limits: { requests: aMinute(100), weight: aMinute(1000), orders: aMinute(3) } });
    const count = simulator.orderCount();
    const results = await Promise.all([1, 2, 3, 4, 5].map((n) => exchange.submit(order(`rate${n}`))));
    const kinds = results.map((result) => (result.kind === 'rejected' ? result.reason : result.kind));
    assert.deepEqual(kinds, ['accepted', 'accepted', 'accepted', 'rate_limited', 'rate_limited']);
    assert.equal(simulator.orderCount(), count + 3);
    const ref = { symbol: 'BTCUSDT', clientOrderId: 'rate1', exchangeOrderId: null };
    assert.equal((await exchange.find(ref)).kind, 'found', 'questions have room of their own');
    await exchange.close();
  });

  test('more orders at once than the exchange takes in a second, then ours wait, and it refuses none', async () => {
    const strict = await createExchangeSimulator({ ...KEYS, limits: { ordersPerS: 12, weightPer10s: 300 } });
    const limits = {
      requests: { count: 20, periodMs: 1000 },
      weight: { count: 300, periodMs: 10_000 },
      orders: { count: 12, periodMs: 1000 },
    };
    const paused: unknown[] = [];
    const exchange = client({ url: strict.url, limits, onPause: (pause) => paused.push(pause) });
    const results = await Promise.all(Array.from({ length: 24 }, (_, i) => exchange.submit(order(`burst${i}`))));
    assert.deepEqual([...new Set(results.map(({ kind }) => kind))], ['accepted']);
    assert.deepEqual([strict.orderCount(), paused], [24, []]);
    await exchange.close();
    await strict.close();
  });

  test('two accounts on one connection, then each signs with its own key', async () => {
    const connection = createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now });
    const market = createMexcMarket(connection, Date.now);
    const exchangeOf = (secretKey: string) =>
      createMexcExchange(connection, market, { apiKey: KEYS.apiKey, secretKey, recvWindowMs: 5000 });
    assert.equal((await exchangeOf(KEYS.secretKey).submit(order('shared1'))).kind, 'accepted');
    assert.equal((await exchangeOf('not-it').submit(order('shared2'))).kind, 'rejected');
    await connection.close();
  });

  test('connections kept warm, then they are open before the first order', async () => {
    const connection = createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now, warmConnections: 2 });
    await eventually(() => simulator.openConnections() >= 2, 'two open connections');
    await connection.close();
  });

  test('nobody listens, then a definite refusal: nothing was sent', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const exchange = createMexc({
      ...KEYS,
      url: `http://127.0.0.1:${port}`,
      timeoutMs: 1000,
      recvWindowMs: 5000,
      now: Date.now,
    });
    const result = await exchange.submit(order('nobody'));
    assert.equal(result.kind === 'rejected' && result.reason, 'unreachable');
    assert.match((await exchange.ping()) ?? '', /cannot be reached/);
    await exchange.close();
  });

  test('a success that is not JSON, then unknown', async () => {
    const garbage = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html'));
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(garbage, 'listening');
    const { port } = garbage.address() as AddressInfo;
    const exchange = createMexc({
      ...KEYS,
      url: `http://127.0.0.1:${port}`,
      timeoutMs: 1000,
      recvWindowMs: 5000,
      now: Date.now,
    });
    assert.equal((await exchange.submit(order('garbage'))).kind, 'unknown');
    await exchange.close();
    garbage.close();
    await once(garbage, 'close');
  });
});
