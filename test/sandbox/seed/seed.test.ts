import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { floatRepr } from '../legacy/python.ts';
import { allEvents } from './calendar.ts';
import { allOrders, ordersOf, type SeedOrder } from './orders.ts';
import { allPositions } from './positions.ts';
import { restingOrders } from './resting.ts';
import { READERS, TRADERS, USER_COUNT } from './users.ts';

const orders = [...allOrders()];

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

test('generated twice, then everything is the same', () => {
  assert.equal(digest([...allOrders()]), digest(orders));
  assert.equal(digest(ordersOf(7)), digest(orders.filter((order) => order.user_id === 'user-0008')));
  assert.equal(digest(allEvents()), digest(allEvents()));
  assert.equal(digest([...allPositions()]), digest([...allPositions()]));
});

test('the seed, then it has every status, 200 users and at least 20,000 orders', () => {
  assert.ok(orders.length >= 20_000, `${orders.length} orders`);
  assert.equal(new Set(orders.map((order) => order.user_id)).size, USER_COUNT);
  const statuses = ['cancelled', 'error', 'filled', 'open', 'partially_filled', 'pending', 'unknown'];
  assert.deepEqual([...new Set(orders.map((order) => order.status))].sort(), statuses);
  assert.equal(READERS.length + TRADERS.length, USER_COUNT);
  assert.ok(orders.some((order) => order.notes?.includes('👩🏽‍🚀')));
  assert.ok(orders.some((order) => order.order_type === 'MARKET' && order.price === null));
});

test('order ids and client order ids, then they are unique, in form, and sort as the orders were created', () => {
  assert.equal(new Set(orders.map((order) => order.order_id)).size, orders.length);
  assert.equal(new Set(orders.map((order) => order.client_order_id)).size, orders.length);
  for (const order of orders) {
    assert.match(order.order_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(idTimeMs(order), Date.parse(order.created_at));
    assert.ok(order.client_order_id.length <= 32);
  }
});

test('amounts, then a double carries them: legacy floats and new decimals show the same number', () => {
  for (const order of orders) {
    for (const text of [order.quantity, order.price, order.filled_quantity, order.average_price, order.fee]) {
      if (text !== null) assert.equal(plain(floatRepr(Number(text))), text, order.order_id);
    }
  }
  for (const position of allPositions()) {
    for (const text of [position.quantity, position.entry_price, position.realized_pnl]) {
      assert.equal(plain(floatRepr(Number(text))), text, `${position.user_id} ${position.symbol}`);
    }
  }
});

test('orders of users whom readers read, then none is pending or unknown: the new side would settle those', () => {
  const readers = new Set(READERS);
  const unsettled = orders.filter((order) => order.status === 'pending' || order.status === 'unknown');
  assert.ok(unsettled.length > 0);
  assert.deepEqual(
    unsettled.filter((order) => readers.has(order.user_id)),
    [],
  );
});

test('live orders, then the exchange has each with the fills on record', () => {
  const resting = new Map(restingOrders().map((order) => [order.orderId, order]));
  const live = orders.filter((order) => order.status === 'open' || order.status === 'partially_filled');
  assert.equal(resting.size, live.length);
  for (const order of live) assert.ok(resting.has(order.mexc_order_id ?? ''));
});

function idTimeMs(order: SeedOrder): number {
  return Number.parseInt(order.order_id.slice(0, 8) + order.order_id.slice(9, 13), 16);
}

/** A float's text in plain notation without superfluous zeros. */
function plain(text: string): string {
  const value = text.includes('e') ? Number(text).toFixed(18) : text;
  return value.includes('.') ? value.replace(/\.?0+$/, '') : value;
}
