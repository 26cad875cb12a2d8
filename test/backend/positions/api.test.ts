import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBackend } from '../../helpers/backend.ts';
import { aPosition } from '../../helpers/records.ts';

const MARKET = { user_id: 'user-0001', symbol: 'BTCUSDT', side: 'BUY', order_type: 'MARKET', quantity: 2 };

test('one position, then what it would gain now and what it has cost in fees', async () => {
  const { call, exchange } = testBackend();
  await call('POST', '/api/trade/order', MARKET);
  exchange.setPrice('BTCUSDT', '65010.25');
  const { status, json } = await call('GET', '/api/positions/user-0001/BTCUSDT');
  assert.equal(status, 200);
  assert.deepEqual(
    [json.quantity, json.mark_price, json.unrealized_pnl, json.realized_total, json.fees],
    ['2', '65010.25', '20', '0', { USDT: '65.00025' }],
  );
  const none = await call('GET', '/api/positions/user-0001/ETHUSDT');
  assert.deepEqual([none.status, none.json.code], [404, 'position_not_found']);
});

test('fees taken in another asset, then the order and the position say so, and the log makes the same', async () => {
  const { call, exchange } = testBackend();
  exchange.takeFeesIn('MX');
  const { json: made } = await call('POST', '/api/trade/order', MARKET);
  const { json: order } = await call('GET', `/api/trade/order/user-0001/${made.order_id}`);
  assert.deepEqual([order.fee, order.other_fees], ['0', { MX: '65.00025' }]);
  exchange.takeFeesIn('USDT');
  await call('POST', '/api/trade/order', { ...MARKET, side: 'SELL', quantity: 1 });
  const { json } = await call('GET', '/api/positions/user-0001/BTCUSDT');
  assert.deepEqual(json.fees, { MX: '65.00025', USDT: '32.500125' });
  const audit = await call('GET', '/api/positions/user-0001/BTCUSDT/audit');
  assert.deepEqual([audit.json.entries, audit.json.equal], [2, true]);
});

test('an audit, then the position is what its log makes of it; changed behind its back, and it is told', async () => {
  const { call, store } = testBackend();
  await call('POST', '/api/trade/order', MARKET);
  await call('POST', '/api/trade/order', { ...MARKET, side: 'SELL', quantity: 3 });
  const audit = () => call('GET', '/api/positions/user-0001/BTCUSDT/audit');
  const { json } = await audit();
  assert.deepEqual([json.entries, json.equal], [2, true]);
  const position = await store.getPosition('user-0001', 'BTCUSDT');
  assert.ok(position);
  await store.putPosition({ ...position, quantity: '9', version: position.version + 1 });
  assert.equal((await audit()).json.equal, false);
});

test('a position from elsewhere, then its log opens with what it held', async () => {
  const { call, store } = testBackend();
  await store.putPosition(aPosition({ quantity: '1.5' }));
  assert.equal((await call('GET', '/api/positions/user-0001/BTCUSDT/audit')).json.equal, null);
  await call('POST', '/api/trade/order', { ...MARKET, quantity: '0.5' });
  const { json } = await call('GET', '/api/positions/user-0001/BTCUSDT/audit');
  assert.deepEqual([json.entries, json.equal], [2, true]);
});
