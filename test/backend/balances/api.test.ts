import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { UserHooks } from '../../../backend/exchange/user-stream.ts';
import { testBackend } from '../../helpers/backend.ts';

const TOKENS = [
  { name: 'alice', role: 'trader' as const, user: 'alice', token: 'token-of-alice' },
  { name: 'viewer', role: 'viewer' as const, user: undefined, token: 'token-of-viewer' },
];
const BUY = { user_id: 'alice', symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '1', price: '60000' };

test('balances, then each asset’s free and locked, once asked for by a crowd', async () => {
  const { call, exchange } = testBackend();
  exchange.setFree('USDT', '100.50');
  exchange.setFree('BTC', '0.1');
  const [first] = await Promise.all([call('GET', '/api/market/balance'), call('GET', '/api/market/balance')]);
  assert.equal(first?.status, 200);
  const { account, balances } = first.json;
  assert.deepEqual(
    [account, balances],
    [
      'service',
      [
        { asset: 'BTC', free: '0.1', locked: '0' },
        { asset: 'USDT', free: '100.5', locked: '0' },
      ],
    ],
  );
  await call('GET', '/api/market/balance');
  assert.equal(exchange.calls.balances, 1);
});

test('the exchange does not tell, then 502', async () => {
  const { call, exchange } = testBackend();
  exchange.trouble('balances', 'unknown');
  const { status, json } = await call('GET', '/api/market/balance?user_id=alice');
  assert.deepEqual([status, json.code], [502, 'exchange_refused']);
});

test('a trader sees what it trades with and no other user’s, a viewer all', async () => {
  const { call } = testBackend({ auth: { jwt: undefined, tokens: TOKENS } });
  const status = async (path: string, name: string) =>
    (await call('GET', path, undefined, { authorization: `Bearer token-of-${name}` })).status;
  assert.equal((await call('GET', '/api/market/balance')).status, 401);
  assert.equal(await status('/api/market/balance', 'alice'), 200);
  assert.equal(await status('/api/market/balance?user_id=alice', 'alice'), 200);
  assert.equal(await status('/api/market/balance?user_id=bob', 'alice'), 403);
  assert.equal(await status('/api/market/balance?user_id=bob', 'viewer'), 200);
  assert.equal(await status('/api/market/balance', 'viewer'), 200);
  assert.equal(await status('/api/market/balance?user_id=%20', 'viewer'), 400);
});

test('an order costs more than is free with its buffer, then it is denied, unless the exchange says a moment later that it is', async () => {
  const { call, exchange, clock } = testBackend({ limits: { balance_buffer: decimalOf('0.05') } });
  exchange.setFree('USDT', '62999.99');
  const denied = await call('POST', '/api/trade/order', BUY);
  assert.deepEqual(
    [denied.status, denied.json.reason, denied.json.context],
    [422, 'NOTIONAL_EXCEEDS_FREE_BALANCE', { asset: 'USDT', cost: '63000', free: '62999.99' }],
  );
  assert.deepEqual([exchange.orderCount(), exchange.calls.balances], [0, 1]);
  exchange.setFree('USDT', '63000');
  clock.nowMs += 5000;
  assert.equal((await call('POST', '/api/trade/order', BUY)).status, 201); // What was known said no; what is asked says yes.
  assert.equal(exchange.calls.balances, 2);
});

test('orders that cannot be paid, one after the other for a minute, then the exchange is asked every five seconds, stream or not', async (context) => {
  let hooks: UserHooks | undefined;
  const userFeed = (given: UserHooks) => {
    hooks = given;
    return { close: async () => {} };
  };
  const { call, exchange, clock, backend } = testBackend({ userFeed, limits: { balance_buffer: decimalOf('0') } });
  await backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 3_600_000 });
  context.after(() => backend.close({ timeoutMs: 1000 }));
  exchange.setFree('USDT', '1');
  async function askedInAMinute() {
    const before = exchange.calls.balances;
    for (let i = 0; i < 120; i++) {
      assert.equal((await call('POST', '/api/trade/order', BUY)).json.reason, 'NOTIONAL_EXCEEDS_FREE_BALANCE');
      clock.nowMs += 500;
    }
    return exchange.calls.balances - before;
  }
  assert.equal(await askedInAMinute(), 12);
  hooks?.onUp();
  assert.equal(await askedInAMinute(), 12);
  assert.equal((await call('POST', '/api/trade/order', { ...BUY, quantity: '0.00001' })).status, 201);
  exchange.setFree('USDT', '61000'); // What that order brought in, say: whoever has done something may ask.
  assert.equal((await call('POST', '/api/trade/order', BUY)).status, 201);
});

test('two orders within a moment that only one can be paid of, then the second is denied though the exchange’s answer is older', async () => {
  const { call, exchange } = testBackend({ limits: { balance_buffer: decimalOf('0') } });
  exchange.setFree('USDT', '100000'); // As the fake locks nothing, only what was reserved for tells.
  assert.equal((await call('POST', '/api/trade/order', BUY)).status, 201);
  const second = await call('POST', '/api/trade/order', BUY);
  assert.deepEqual([second.status, second.json.reason], [422, 'NOTIONAL_EXCEEDS_FREE_BALANCE']);
});

test('a sell is paid in what it sells, and where nobody can say what is free the exchange decides', async () => {
  const { call, exchange } = testBackend({ limits: { balance_buffer: decimalOf('0.5') } });
  exchange.setFree('BTC', '0.9');
  const sell = { ...BUY, side: 'SELL', price: '70000' };
  const { json } = await call('POST', '/api/trade/order', sell);
  assert.deepEqual(json.context, { asset: 'BTC', cost: '1', free: '0.9' });
  assert.equal((await call('POST', '/api/trade/order', { ...sell, quantity: '0.9' })).status, 201);
  const { call: other, exchange: silent } = testBackend({ limits: { balance_buffer: decimalOf('0') } });
  silent.trouble('balances', 'unknown');
  assert.equal((await other('POST', '/api/trade/order', BUY)).status, 201);
});

test('no limit asks for balances, then the exchange is not asked for them', async () => {
  const { call, exchange } = testBackend();
  assert.equal((await call('POST', '/api/trade/order', BUY)).status, 201);
  assert.equal(exchange.calls.balances, 0);
});
