import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queryString, sign, signedQuery } from '../../../backend/exchange/mexc-signing.ts';

/** The key pair of the exchange's own documentation. */
const SECRET = '45d0b3c26f2644f19bfb98b07741b2f5';
const TIME = { timestampMs: 1644489390087, recvWindowMs: 5000 };

test('an order in the query, then the signature the documentation prints', () => {
  const parameters = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: 1, price: 11 };
  assert.equal(
    signedQuery(SECRET, parameters, TIME),
    'symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087' +
      '&signature=fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a',
  );
});

test('query and body are signed with nothing between them', () => {
  const total = 'symbol=BTCUSDT&side=BUY&type=LIMITquantity=1&price=11&recvWindow=5000&timestamp=1644489390087';
  assert.equal(sign(SECRET, total), 'd1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592');
  assert.equal(
    sign(SECRET, 'timestamp=1644489390087'),
    '09b4b5a40aeec864d2caa60f2e6a740b61dc423d76c5615c00fd72681f52a094',
  );
});

test('special characters are escaped in upper-case hex before signing', () => {
  const batchOrders = JSON.stringify([
    { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.0002', price: '40000' },
    { symbol: 'BTCUSDT', side: 'SELL', type: 'LIMIT', quantity: '0.0003', price: '40050' },
  ]);
  assert.match(
    signedQuery(SECRET, { batchOrders }, TIME),
    /^batchOrders=%5B%7B%22symbol%22%3A.*&signature=f1b4214d8da2af6973ca6ad9c1a982342e969044d4e95999be6975d2e61f18fd$/,
  );
  assert.equal(queryString({ a: "!'()*", b: undefined, c: 'x y' }), 'a=%21%27%28%29%2A&c=x%20y');
});
