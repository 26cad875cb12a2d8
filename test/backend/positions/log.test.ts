import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalOf } from '../../../backend/domain/money.ts';
import { changeOrder } from '../../../backend/orders/change.ts';
import { createApplyFills } from '../../../backend/positions/apply.ts';
import { rebuilt, unrealizedPnl, withEntry } from '../../../backend/positions/log.ts';
import type { OrderRecord, PositionRecord } from '../../../backend/store/items.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import { testBackend } from '../../helpers/backend.ts';
import { anOrder, aPosition } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:01.000Z');
const USER = 'user-0001';
const DEPS = testBackend().orderDeps;

/** What the log decides; notes and versions count writes, which crashes repeat. */
function folded(position: PositionRecord | undefined) {
  if (!position) return undefined;
  const { applied: _applied, version: _version, ...rest } = position;
  return rest;
}

/** Applying over a store whose next writes fail, before or after they are done, as `crashes` says. */
function crashingSubject() {
  const memory = createMemoryStore(() => NOW_MS);
  const crashes: ('before' | 'after' | 'no')[] = [];
  const crashing =
    <A, R>(write: (given: A) => Promise<R>) =>
    async (given: A): Promise<R> => {
      const crash = crashes.shift();
      if (crash === 'before') throw new StoreUnavailable('crashed before');
      const result = await write(given);
      if (crash === 'after') throw new StoreUnavailable('crashed after');
      return result;
    };
  const store: Store = {
    ...memory,
    appendFill: crashing(memory.appendFill),
    putPosition: crashing(memory.putPosition),
    replaceOrder: crashing(memory.replaceOrder),
  };
  const orderDeps = { ...DEPS, store };
  const applyFills = createApplyFills({
    store,
    onPosition: () => {},
    changeOrder: (order, change) => changeOrder(orderDeps, order, change),
  });
  return { memory, crashes, applyFills };
}

const steps = fc.array(
  fc.record({
    order: fc.integer({ min: 0, max: 3 }),
    filled: fc.integer({ min: 1, max: 20 }),
    price: fc.integer({ min: 1, max: 500 }),
    fee: fc.integer({ min: 0, max: 3 }),
    otherFee: fc.integer({ min: 0, max: 3 }),
    crashes: fc.array(fc.constantFrom<'before' | 'after' | 'no'>('before', 'after', 'no'), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 15 },
);

test('any fills of several orders, with crashes anywhere: the log makes the very position, and nothing counts twice', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (all, fromElsewhere) => {
      const { memory, crashes, applyFills } = crashingSubject();
      if (fromElsewhere) await memory.putPosition(aPosition({ user_id: USER, quantity: '7', side: 'short' }));
      const orders = Array.from({ length: 4 }, (_, index) =>
        anOrder({
          side: index % 2 === 0 ? 'BUY' : 'SELL',
          status: 'partially_filled',
          quantity: '1000',
          applied_fee: '0',
        }),
      );
      for (const order of orders) await memory.insertOrder(order);
      let net = fromElsewhere ? -7 : 0;
      let [paid, paidInOther] = [0, 0];
      for (const step of all) {
        const id = orders[step.order]?.order_id ?? '';
        const order = await memory.getOrder(USER, id);
        assert.ok(order);
        const filled = Number(order.filled_quantity) + step.filled;
        const grown: OrderRecord = {
          ...order,
          filled_quantity: `${filled}`,
          average_price: `${step.price}`,
          fee: `${Number(order.fee) + step.fee}`,
          other_fees: { MX: `${Number(order.other_fees?.MX ?? 0) + step.otherFee}` },
          version: order.version + 1,
        };
        await memory.replaceOrder(grown);
        net += order.side === 'BUY' ? step.filled : -step.filled;
        paid += step.fee;
        paidInOther += step.otherFee;
        crashes.push(...step.crashes);
        await applyFills(grown).catch((error: unknown) => assert.ok(error instanceof StoreUnavailable));
        crashes.length = 0;
      }
      for (const { order_id } of orders) {
        const order = await memory.getOrder(USER, order_id);
        assert.ok(order);
        await applyFills(order);
      }
      const position = await memory.getPosition(USER, 'BTCUSDT');
      const log = await memory.listFills(USER, 'BTCUSDT', { limit: 1000 });
      assert.deepEqual(folded(rebuilt(log)), folded(position));
      assert.equal(Number(position?.quantity) * (position?.side === 'long' ? 1 : -1) + 0, net + 0);
      assert.equal(Number(position?.fees?.USDT ?? 0), paid);
      assert.equal(Number(position?.fees?.MX ?? 0), paidInOther);
    }),
    { numRuns: 60 },
  );
});

test('fills of several at once, then each counts once', async () => {
  const { memory, applyFills } = crashingSubject();
  const orders = Array.from({ length: 6 }, () =>
    anOrder({
      status: 'filled',
      quantity: '1',
      filled_quantity: '1',
      average_price: '10',
      fee: '0.1',
      applied_fee: '0',
    }),
  );
  for (const order of orders) await memory.insertOrder(order);
  await Promise.all(orders.map(applyFills));
  const position = await memory.getPosition(USER, 'BTCUSDT');
  assert.deepEqual([position?.quantity, position?.fees], ['6', { USDT: '0.6' }]);
  assert.deepEqual(folded(rebuilt(await memory.listFills(USER, 'BTCUSDT', { limit: 10 }))), folded(position));
});

test('profit of several runs, then the total is of all and the position’s own of the last', () => {
  const fill = (seq: number, side: 'BUY' | 'SELL', price: string) =>
    ({
      kind: 'fill',
      user_id: USER,
      symbol: 'BTCUSDT',
      seq,
      at: '2026-01-05T10:00:01.000Z',
      order_id: `order-${seq}`,
      side,
      quantity: '1',
      price,
      fees: seq === 2 ? { MX: '0.5' } : { USDT: '0.1' },
      total: { quantity: '1', quote: price, fee: '0' },
    }) as const;
  const position = rebuilt([fill(1, 'BUY', '10'), fill(2, 'SELL', '15'), fill(3, 'BUY', '20'), fill(4, 'SELL', '18')]);
  assert.deepEqual([position?.realized_pnl, position?.realized_total], ['-2', '3']);
  assert.deepEqual(position?.fees, { USDT: '0.3', MX: '0.5' });
  assert.throws(() => withEntry(position, fill(9, 'BUY', '1')), /does not follow/);
});

test('open at a better and a worse price, then profit or loss by the side it is on', () => {
  const long = aPosition({ side: 'long', quantity: '2', entry_price: '100' });
  assert.equal(unrealizedPnl(long, decimalOf('110.5')), '21');
  assert.equal(unrealizedPnl({ ...long, side: 'short' }, decimalOf('110.5')), '-21');
});
