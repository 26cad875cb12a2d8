import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushCodec } from '../../../backend/exchange/mexc-push.ts';

const decodeHex = (hex: string) => pushCodec.decode(Buffer.from(hex, 'hex'));

// Frames encoded by another implementation from the exchange's own .proto files, with the values of its documentation.
const DEPTH =
  '0a2f73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d7340425443555344541a074254435553' +
  '445430a8e3eef58833ca136c0a0e0a093131373134352e343912013012170a093131373035332e3431120a312e38363833373237311a2773' +
  '706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d73220b34333239363336333233362a0b343332' +
  '3936333633323535';
const DEALS =
  '0a2f73706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d7340425443555344541a074254435553' +
  '445430bca9d9d0c432d2134a0a1f0a0839333232302e3030120a302e3034343338323433180220bba9d9d0c432122773706f74407075626c' +
  '69632e61676772652e6465616c732e76332e6170692e7062403130306d73';
const ORDER =
  '0a1d73706f7440707269766174652e6f72646572732e76332e6170692e70621a064d585553445430a98095d4c432821354121a4330325f5f' +
  '3530353937393031373433393030323632343131351a06332e353132312201312a01303206332e36393632380540025201305a0130620131' +
  '6a01317206332e3639363278028001938095d4c432';

test('a depth frame of another encoder, then its levels and versions', () => {
  const { channel, symbol, sendTime, publicAggreDepths: depths, publicAggreDeals } = decodeHex(DEPTH);
  assert.deepEqual(
    [channel, symbol, sendTime],
    ['spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT', 'BTCUSDT', 1754741322152n],
  );
  const levels = (side: 'asks' | 'bids') => depths?.[side].map(({ price, quantity }) => [price, quantity]);
  assert.deepEqual(levels('asks'), [['117145.49', '0']]);
  assert.deepEqual(levels('bids'), [['117053.41', '1.86837271']]);
  assert.deepEqual([depths?.fromVersion, depths?.toVersion], ['43296363236', '43296363255']);
  assert.equal(publicAggreDeals, undefined);
});

test('a deals frame of another encoder, then the deal; fields added since are empty', () => {
  const [deal, ...more] = decodeHex(DEALS).publicAggreDeals?.deals ?? [];
  const { price, quantity, tradeType, time, tradeId } = deal ?? {};
  assert.deepEqual([price, quantity, tradeType, time, tradeId], ['93220.00', '0.04438243', 2, 1736409765051n, '']);
  assert.deepEqual(more, []);
});

test('a private order frame of another encoder, then the order', () => {
  const order = decodeHex(ORDER).privateOrders;
  assert.deepEqual(
    [order?.clientId, order?.id, order?.orderType, order?.tradeType, order?.status, order?.isMaker],
    ['C02__505979017439002624115', '', 5, 2, 2, false],
  );
  assert.deepEqual(
    [order?.price, order?.avgPrice, order?.cumulativeAmount, order?.createTime],
    ['3.5121', '3.6962', '3.6962', 1736417034259n],
  );
});

test('encoded by us, then a frame of the same bytes where the field order allows it, else of the same values', () => {
  const decoded = decodeHex(DEPTH);
  assert.equal(Buffer.from(pushCodec.encode(decoded)).toString('hex'), DEPTH);
  for (const hex of [DEALS, ORDER])
    assert.deepEqual(pushCodec.decode(pushCodec.encode(decodeHex(hex))), decodeHex(hex));
});

test('a field that nobody has heard of, then it is passed over; bytes that are no message, then an error', () => {
  const unknownField = 'fa3f03616263'; // Number 1023, three bytes.
  assert.deepEqual(decodeHex(unknownField + DEPTH), decodeHex(DEPTH));
  assert.throws(() => decodeHex(DEPTH.slice(0, -10)));
  assert.throws(() => decodeHex('ffffffff'));
});
