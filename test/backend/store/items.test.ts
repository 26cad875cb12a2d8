import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../../backend/store/cursor.ts';
import { orderFromItem, orderToItem, positionFromItem, positionToItem } from '../../../backend/store/items.ts';
import { SHARDS, shardOf } from '../../../backend/store/keys.ts';
import { anOrder, aPosition } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00.999Z');
const oddMoney = fc.oneof(
  fc.constantFrom('1.50', '1E-8', '-0.0', 'NaN', '007'),
  fc.stringMatching(/^\d{1,40}\.\d{1,40}$/),
);

test('an order, then its item has the keys of one GetItem and both indexes', () => {
  const order = anOrder();
  const { pk, sk, data_type, symbol_shard, data_type_shard, ttl } = orderToItem(order, NOW_MS);
  const shard = shardOf(order.order_id);
  assert.deepEqual(
    { pk, sk, data_type, symbol_shard, data_type_shard, ttl },
    {
      pk: { S: 'USER#user-0001' },
      sk: { S: `ORDER#${order.order_id}` },
      data_type: { S: 'ORDER' },
      symbol_shard: { S: `BTCUSDT#${shard}` },
      data_type_shard: { S: `ORDER#OPEN#${shard}` },
      ttl: undefined,
    },
  );
});

test('a settled order, then it expires 90 days after its last write, in seconds', () => {
  const { ttl } = orderToItem(anOrder({ status: 'cancelled' }), NOW_MS);
  assert.deepEqual(ttl, { N: String(Date.parse('2026-04-05T10:00:00Z') / 1000) });
});

test('any odd money, then written and read back letter for letter', () => {
  fc.assert(
    fc.property(oddMoney, oddMoney, (a, b) => {
      const order = anOrder({ quantity: a, price: b, filled_quantity: b, average_price: null, fee: a });
      assert.deepEqual(orderFromItem(orderToItem(order, NOW_MS)), order);
      const position = aPosition({ quantity: a, realized_pnl: b, applied: { x: { quantity: a, quote: b } } });
      assert.deepEqual(positionFromItem(positionToItem(position)), position);
    }),
  );
});

test('marks that others left on an item are passed over; an item that is no order is refused', () => {
  const order = anOrder();
  const marked = { ...orderToItem(order, NOW_MS), origin: { S: 'mig' }, src_ver: { N: '100000000000000000000000001' } };
  assert.deepEqual(orderFromItem(marked), order);
  const { status: _status, ...broken } = orderToItem(order, NOW_MS);
  assert.throws(() => orderFromItem(broken));
  assert.throws(() => orderToItem({ ...order, created_at: '2026-01-05 10:00:00+00' }, NOW_MS));
});

test('many ids, then all shards have their share', () => {
  const counts = new Array<number>(SHARDS).fill(0);
  for (let i = 0; i < 16_000; i++) {
    const shard = shardOf(anOrder().order_id);
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1150, String(counts));
});

test('a cursor comes back as the order it was made of; anything else is none', () => {
  const { order_id } = anOrder();
  assert.equal(decodeCursor(encodeCursor(order_id)), order_id);
  for (const text of [
    '',
    'x',
    order_id,
    encodeCursor('nope'),
    Buffer.from(`2:${order_id}`).toString('base64url'),
    'a'.repeat(200),
  ]) {
    assert.equal(decodeCursor(text), undefined, text);
  }
});
