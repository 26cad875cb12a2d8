import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrices } from '../../../backend/market/prices.ts';
import { testBackend } from '../../helpers/backend.ts';
import { createFakeExchange } from '../../helpers/fake-exchange.ts';

function subject() {
  const clock = { nowMs: 0 };
  const exchange = createFakeExchange();
  return { clock, exchange, prices: createPrices({ exchange, now: () => clock.nowMs }) };
}

test('a crowd asks at once, then the exchange is asked once', async () => {
  const { exchange, prices } = subject();
  const answers = await Promise.all(Array.from({ length: 100 }, () => prices.ask('BTCUSDT')));
  assert.equal(exchange.calls.price, 1);
  assert.ok(answers.every((answer) => answer.kind === 'price' && answer.price === '65000.25'));
});

test('a price is fresh for 250 ms and no longer', async () => {
  const { clock, prices } = subject();
  await prices.ask('BTCUSDT');
  clock.nowMs = 249;
  assert.deepEqual(prices.fresh('BTCUSDT'), { kind: 'price', price: '65000.25' });
  clock.nowMs = 250;
  assert.equal(prices.fresh('BTCUSDT'), undefined);
});

test('no answer is not remembered; a refusal is', async () => {
  const { exchange, prices } = subject();
  exchange.trouble('price', 'unknown');
  assert.equal((await prices.ask('BTCUSDT')).kind, 'unknown');
  assert.equal(prices.fresh('BTCUSDT'), undefined);
  assert.equal((await prices.ask('NOSUCH')).kind, 'rejected');
  assert.equal(prices.fresh('NOSUCH')?.kind, 'rejected');
});

test('very many symbols, then the least recently asked is forgotten', async () => {
  const { prices } = subject();
  await prices.ask('FIRST');
  for (let i = 0; i < 2000; i++) await prices.ask(`S${i}`);
  assert.equal(prices.fresh('FIRST'), undefined);
  assert.notEqual(prices.fresh('S0'), undefined);
});

test('the ticker: price and the server’s clock; unknown symbol 400; no exchange 502', async () => {
  const { call, clock, exchange } = testBackend();
  const ticker = await call('GET', '/api/market/ticker/BTCUSDT');
  assert.deepEqual(
    [ticker.status, ticker.json],
    [200, { symbol: 'BTCUSDT', price: '65000.25', timestamp: clock.nowMs }],
  );
  for (const symbol of ['NOSUCH', 'btc', '%23']) {
    const { status, json } = await call('GET', `/api/market/ticker/${symbol}`);
    assert.deepEqual([status, json.code], [400, 'unknown_symbol'], symbol);
  }
  exchange.trouble('price', 'unknown');
  assert.equal((await call('GET', '/api/market/ticker/ETHUSDT')).status, 502);
});
