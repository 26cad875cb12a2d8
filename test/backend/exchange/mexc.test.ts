import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { NewOrder } from '../../../backend/exchange/exchange.ts';
import { createMexc } from '../../../backend/exchange/mexc.ts';
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
  const client = (given: { secretKey?: string; now?: () => number; timeoutMs?: number } = {}) =>
    createMexc({ ...KEYS, url: simulator.url, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now, ...given });

  test('our clock is a minute off either way, then one refusal, one look at the clock, and the order is in', async () => {
    for (const skewMs of [-60_000, 60_000]) {
      const exchange = client({ now: () => Date.now() + skewMs });
      assert.equal((await exchange.submit(order(`skew${skewMs}`))).kind, 'accepted');
      await exchange.close();
    }
  });

  test('a wrong secret, then a definite refusal that does not carry it', async () => {
    const exchange = client({ secretKey: 'another-secret' });
    const result = await exchange.submit(order('badsecret'));
    assert.deepEqual(result.kind === 'rejected' && [result.reason, result.code], ['refused', 700002]);
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
