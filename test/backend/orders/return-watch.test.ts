import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReturnWatch } from '../../../backend/orders/return-watch.ts';
import { createFakeExchange } from '../../helpers/fake-exchange.ts';

const REF = { symbol: 'BTCUSDT', clientOrderId: 'none', exchangeOrderId: null };
const AWAY = { kind: 'rejected', reason: 'unreachable', code: null, detail: 'refused' } as const;

test('the exchange does not answer, then does: it is back once', async () => {
  const exchange = createFakeExchange();
  let returns = 0;
  const watched = createReturnWatch(exchange, () => {
    returns += 1;
  });
  await watched.find(REF);
  assert.equal(returns, 0, 'it never was away');
  exchange.trouble('find', 'unknown');
  exchange.trouble('cancel', AWAY);
  assert.equal((await watched.find(REF)).kind, 'unknown');
  assert.deepEqual(await watched.cancel(REF), AWAY);
  assert.equal(returns, 0);
  await watched.find(REF);
  await watched.find(REF);
  assert.equal(returns, 1);
});
