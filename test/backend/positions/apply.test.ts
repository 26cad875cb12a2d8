import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOrder } from '../../../backend/orders/change.ts';
import { createApplyFills } from '../../../backend/positions/apply.ts';
import type { OrderRecord } from '../../../backend/store/items.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import { testBackend } from '../../helpers/backend.ts';
import { anOrder } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:01.000Z');
const filled = (given: Partial<OrderRecord> = {}) =>
  anOrder({ status: 'filled', quantity: '2', filled_quantity: '2', average_price: '100', ...given });

function subject(overrides: (store: Store) => Partial<Store> = () => ({})) {
  const memory = createMemoryStore(() => NOW_MS);
  const store = { ...memory, ...overrides(memory) };
  const { orderDeps } = testBackend({ store });
  const instance = () =>
    createApplyFills({
      store,
      onPosition: () => {},
      changeOrder: (order, change) => changeOrder(orderDeps, order, change),
    });
  return { store, memory, applyFills: instance(), elsewhere: instance() };
}

test('a filled order, then its position holds it and the order knows', async () => {
  const { store, applyFills } = subject();
  const order = filled();
  await store.insertOrder(order);
  assert.equal((await applyFills(order)).applied_quantity, '2');
  const position = await store.getPosition(order.user_id, 'BTCUSDT');
  assert.deepEqual([position?.side, position?.quantity, position?.entry_price], ['long', '2', '100']);
});

test('the same order applied by two instances at once, then it counts once', async () => {
  const { store, applyFills, elsewhere } = subject();
  const order = filled();
  await store.insertOrder(order);
  await Promise.all([applyFills(order), elsewhere(order), applyFills(order)]);
  assert.equal((await store.getPosition(order.user_id, 'BTCUSDT'))?.quantity, '2');
});

test('two orders of one symbol at once in two instances, then both count', async () => {
  const { store, applyFills, elsewhere } = subject();
  const [one, two] = [filled(), filled({ average_price: '200' })];
  await store.insertOrder(one);
  await store.insertOrder(two);
  await Promise.all([applyFills(one), elsewhere(two)]);
  const position = await store.getPosition(one.user_id, 'BTCUSDT');
  assert.deepEqual([position?.quantity, position?.entry_price], ['4', '150']);
});

test('many orders of one symbol at once, then the position is written once for each, without a conflict', async () => {
  const answers: string[] = [];
  const { store, applyFills } = subject((inner) => ({
    async putPosition(position) {
      const answer = await inner.putPosition(position);
      answers.push(answer);
      return answer;
    },
  }));
  const orders = Array.from({ length: 12 }, () => filled());
  for (const order of orders) await store.insertOrder(order);
  await Promise.all(orders.map(applyFills));
  assert.deepEqual(answers, Array(12).fill('stored'));
  assert.equal((await store.getPosition('user-0001', 'BTCUSDT'))?.quantity, '24');
});

test('a crash between position and order, then applying again changes the order only', async () => {
  let crash = true;
  const { store, memory, applyFills } = subject((inner) => ({
    async replaceOrder(order) {
      if (crash) throw new StoreUnavailable('crashed');
      return inner.replaceOrder(order);
    },
  }));
  const order = filled();
  await store.insertOrder(order);
  await assert.rejects(applyFills(order), StoreUnavailable);
  assert.equal((await memory.getPosition(order.user_id, 'BTCUSDT'))?.quantity, '2');
  crash = false;
  assert.equal((await applyFills(order)).applied_quantity, '2');
  assert.equal((await memory.getPosition(order.user_id, 'BTCUSDT'))?.quantity, '2');
});

test('a fill that comes in two parts, then the second counts at what the second cost', async () => {
  const { store, applyFills } = subject();
  const half = filled({ status: 'partially_filled', filled_quantity: '1', average_price: '100' });
  await store.insertOrder(half);
  const applied = await applyFills(half);
  // 1 at 100 and 1 at 300: 2 at 200 in all.
  const whole: OrderRecord = {
    ...applied,
    status: 'filled',
    filled_quantity: '2',
    average_price: '200',
    version: applied.version + 1,
  };
  await store.replaceOrder(whole);
  await applyFills(whole);
  const position = await store.getPosition(half.user_id, 'BTCUSDT');
  assert.deepEqual([position?.quantity, position?.entry_price], ['2', '200']);
});

test('notes about settled orders are dropped when the position is next written', async () => {
  const { store, applyFills } = subject();
  const [one, two] = [filled(), filled()];
  for (const order of [one, two]) {
    await store.insertOrder(order);
    await applyFills(order);
  }
  const position = await store.getPosition(one.user_id, 'BTCUSDT');
  assert.deepEqual(Object.keys(position?.applied ?? {}), [two.order_id]);
});

test('an order that was read before its fill was taken, applied after its note is gone, then it counts once', async () => {
  const { store, applyFills } = subject();
  const [old, other] = [filled(), filled()];
  for (const order of [old, other]) await store.insertOrder(order);
  await applyFills(old);
  await applyFills(other); // Drops the note about `old`, which is settled and knows what was taken.
  await applyFills(old); // As it was before.
  assert.equal((await store.getPosition(old.user_id, 'BTCUSDT'))?.quantity, '4');
});
