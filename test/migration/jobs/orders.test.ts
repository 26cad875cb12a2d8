// An order's row becomes an item that the service reads as the same order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { orderFromItem } from '../../../backend/store/items.ts';
import { orders } from '../../../migration/jobs/orders.ts';
import type { Row } from '../../../migration/postgres/values.ts';
import { baseVersion, marked, unmarked } from '../../../migration/run/marks.ts';

const PLANNED_AT_MS = Date.parse('2026-11-20T00:00:00.000Z');
const ROW: Row = {
  order_id: '0195a1b2-0000-7000-8000-000000000001',
  user_id: 'user-1',
  symbol: 'BTCUSDT',
  side: 'BUY',
  order_type: 'LIMIT',
  quantity: '1.500000000000000001',
  price: '65000.100000000000000000',
  filled_quantity: '0.000000000000000000',
  average_price: null,
  fee: '0.000000000000000000',
  status: 'open',
  mexc_order_id: null,
  client_order_id: 'c1',
  created_at: '2026-03-01 00:00:00.000001+00',
  updated_at: '2026-03-01 00:00:00.25+00',
};

test('the service reads the row in its item, letter for letter, whatever marks it carries', () => {
  const item = marked(orders.toItem(ROW, PLANNED_AT_MS), baseVersion(1_700_000_000));
  const order = orderFromItem(item);
  assert.deepEqual(
    [order.quantity, order.price, order.average_price, order.created_at, order.updated_at],
    ['1.500000000000000001', '65000.1', null, '2026-03-01T00:00:00.000001Z', '2026-03-01T00:00:00.250000Z'],
  );
  assert.deepEqual(orders.keyOfRecord(order), [ROW.order_id]);
  assert.deepEqual(orders.rewritten(item, PLANNED_AT_MS), unmarked(item));
});

test('a settled order expires 90 days after the plan, or after its last write if that is later; an open one never', () => {
  const ttl = (row: Row) => orders.toItem(row, PLANNED_AT_MS).ttl;
  const days90 = 90 * 24 * 3600;
  const filled = { ...ROW, status: 'filled' };
  assert.deepEqual(ttl(filled), { N: String(PLANNED_AT_MS / 1000 + days90) });
  const later = { ...filled, updated_at: '2026-12-01 00:00:00+00' };
  assert.deepEqual(ttl(later), { N: String(Date.parse('2026-12-01T00:00:00Z') / 1000 + days90) });
  assert.equal(ttl(ROW), undefined);
});

test('a value that the service could not read, then there is no item', () => {
  const bad: Row[] = [
    { quantity: 'NaN' },
    { status: 'lost' },
    { client_order_id: 'c'.repeat(33) },
    { created_at: 'infinity' },
  ];
  for (const cells of bad)
    assert.throws(() => orders.toItem({ ...ROW, ...cells }, PLANNED_AT_MS), JSON.stringify(cells));
});

test('any text and any amount that the legacy table can hold comes back as it was', () => {
  const amount = fc
    .tuple(fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }), fc.constant(18))
    .map(
      ([units, scale]) =>
        `${units / 10n ** BigInt(scale)}.${String(units % 10n ** BigInt(scale)).padStart(scale, '0')}`,
    );
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => value.length <= 64);
  fc.assert(
    fc.property(amount, text, text, (quantity, user_id, symbol) => {
      const order = orderFromItem(orders.toItem({ ...ROW, quantity, user_id, symbol }, PLANNED_AT_MS));
      assert.deepEqual([order.user_id, order.symbol], [user_id, symbol]);
      assert.equal(
        `${order.quantity}${order.quantity.includes('.') ? '' : '.'}`.replace(/0*$/, ''),
        quantity.replace(/0*$/, ''),
      );
    }),
  );
});
