// What a discarding store shows of the one below, and that nothing written to it gets there. That it is a store at all is
// the contract's business.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import type { Store } from '../../../backend/store/store.ts';
import { anOrder, aPosition } from '../../helpers/records.ts';

describe('a discarding store', () => {
  let below: Store;
  let store: Store;
  beforeEach(() => {
    below = createMemoryStore(Date.now);
    store = below.discarding();
  });

  test('shows what is below, and what comes there later', async () => {
    const [first, second] = [anOrder(), anOrder()];
    await below.insertOrder(first);
    assert.deepEqual(await store.getOrder(first.user_id, first.order_id), first);
    await below.insertOrder(second);
    assert.deepEqual(await store.getOrder(second.user_id, second.order_id), second);
  });

  test('keeps every kind of write to itself', async () => {
    const order = anOrder();
    await below.insertOrder(order);
    const changed = { ...order, status: 'cancelled' as const, version: order.version + 1 };
    assert.equal(await store.replaceOrder(changed), 'stored');
    assert.equal(await store.insertOrder(anOrder({ user_id: order.user_id })), 'stored');
    assert.equal(await store.putPosition(aPosition({ user_id: order.user_id })), 'stored');
    const claim = { user_id: order.user_id, key: 'k', order_id: 'mine', request_digest: 'd' };
    assert.deepEqual(await store.claim(claim), claim);
    assert.equal((await store.getOrder(order.user_id, order.order_id))?.status, 'cancelled');
    assert.deepEqual((await below.listOrders(order.user_id, { limit: 10 })).orders, [order]);
    assert.deepEqual(await below.listPositions(order.user_id), []);
    const later = { ...claim, order_id: 'theirs' };
    assert.deepEqual(await below.claim(later), later);
  });

  test('lists its own and those below as one, each once, page by page', async () => {
    const user = 'user-lists';
    const orders = Array.from({ length: 5 }, () => anOrder({ user_id: user }));
    for (const [i, order] of orders.entries()) await (i % 2 === 0 ? below : store).insertOrder(order);
    const newestFirst = orders
      .map(({ order_id }) => order_id)
      .sort()
      .reverse();
    const seen: string[] = [];
    let after: string | null | undefined;
    do {
      const page = await store.listOrders(user, { limit: 2, ...(after ? { after } : {}) });
      seen.push(...page.orders.map(({ order_id }) => order_id));
      after = page.lastSeen;
    } while (after);
    assert.deepEqual(seen, newestFirst);
  });

  test('is what one request sees: another begins with what is below by then', async () => {
    const order = anOrder();
    await below.insertOrder(order);
    await store.replaceOrder({ ...order, status: 'cancelled', version: order.version + 1 });
    assert.equal(await below.replaceOrder({ ...order, status: 'filled', version: order.version + 1 }), 'stored');
    assert.equal((await store.getOrder(order.user_id, order.order_id))?.status, 'cancelled');
    assert.equal((await below.discarding().getOrder(order.user_id, order.order_id))?.status, 'filled');
  });
});
