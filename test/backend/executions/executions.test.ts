import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';

const ICEBERG = {
  user_id: 'user-0001',
  symbol: 'BTCUSDT',
  side: 'BUY',
  kind: 'iceberg',
  quantity: '2.5',
  price: '60000',
  display_quantity: '1',
};
const TWAP = {
  user_id: 'user-0001',
  symbol: 'BTCUSDT',
  side: 'SELL',
  kind: 'twap',
  quantity: '3',
  slice_quantity: '1',
  interval_ms: 10_000,
};
type Execution = Record<string, unknown> & {
  execution_id: string;
  live_orders: { order_id: string; quantity: string }[];
};

function subject(given: Parameters<typeof testBackend>[0] = {}) {
  const backend = testBackend(given);
  const create = async (body: unknown, headers = {}) => {
    const { status, json } = await backend.call('POST', '/api/trade/execution', body, headers);
    return { status, json: json as Execution };
  };
  const read = async (id: string) =>
    (await backend.call('GET', `/api/trade/execution/user-0001/${id}`)).json as Execution;
  const looks = async (count: number) => {
    for (let i = 0; i < count; i++) {
      backend.clock.nowMs += 1000;
      await backend.backend.execute();
    }
  };
  return { ...backend, create, read, looks };
}

describe('an iceberg', () => {
  test('shows one part at a time, the next when it has filled, and ends with the whole', async () => {
    const { create, read, looks, exchange, call } = subject();
    const { status, json } = await create(ICEBERG);
    assert.deepEqual([status, json.status], [201, 'running']);
    await looks(3);
    for (const [quantity, count] of [
      ['1', 1],
      ['1', 2],
      ['0.5', 3],
    ] as const) {
      const { live_orders } = await read(json.execution_id);
      assert.deepEqual(
        live_orders.map((each) => each.quantity),
        [quantity],
      );
      assert.equal(exchange.orderCount(), count);
      exchange.fill(String(live_orders[0]?.order_id).replaceAll('-', ''), quantity);
      await looks(4);
    }
    const ended = await read(json.execution_id);
    assert.deepEqual([ended.status, ended.filled_quantity, ended.live_orders], ['completed', '2.5', []]);
    const positions = (await call('GET', '/api/positions/user-0001')).json.positions as { quantity: string }[];
    assert.equal(positions[0]?.quantity, '2.5');
  });

  test('cancelled, then what rests is cancelled, and no more comes', async () => {
    const { create, read, looks, exchange, call } = subject();
    const { json } = await create(ICEBERG);
    await looks(2);
    const cancelled = await call('DELETE', `/api/trade/execution/user-0001/${json.execution_id}`);
    assert.deepEqual([cancelled.status, cancelled.json.status], [202, 'cancelling']);
    await looks(4);
    assert.equal((await read(json.execution_id)).status, 'cancelled');
    assert.equal(exchange.orderCount(), 1);
  });

  test('refused five times in a row, then it has failed and says why', async () => {
    const { create, read, looks, exchange } = subject();
    for (let i = 0; i < 5; i++) {
      exchange.trouble('submit', { kind: 'rejected', reason: 'invalid_order', code: 30002, detail: 'too small' });
    }
    const { json } = await create(ICEBERG);
    await looks(60);
    const failed = await read(json.execution_id);
    assert.deepEqual([failed.status, failed.reason], ['failed', 'order rejected by the exchange: too small']);
    assert.equal(exchange.calls.submit, 5);
  });

  test('denied by risk, then it waits, says so, and goes on when it may', async () => {
    const { create, read, looks, exchange, call } = subject();
    await call('PUT', '/api/risk/state', { state: 'HALTED', reason: 'drill' });
    const { json } = await create(ICEBERG);
    await looks(12);
    const held = await read(json.execution_id);
    assert.deepEqual([held.status, held.reason], ['running', 'held up by risk: TRADING_HALTED']);
    await call('PUT', '/api/risk/state', { state: 'ACTIVE', reason: 'over' });
    await looks(6);
    assert.equal(exchange.orderCount(), 1);
  });
});

describe('a TWAP', () => {
  test('places a part after each interval, at market, and ends with the whole', async () => {
    const { create, read, looks, exchange } = subject();
    const { json } = await create(TWAP);
    await looks(1);
    assert.equal(exchange.orderCount(), 1);
    await looks(9);
    assert.equal(exchange.orderCount(), 1);
    await looks(2);
    assert.equal(exchange.orderCount(), 2);
    await looks(12);
    const ended = await read(json.execution_id);
    assert.deepEqual([ended.status, ended.filled_quantity, exchange.orderCount()], ['completed', '3', 3]);
  });

  test('nobody looked for an hour, then the parts that were missed do not all come at once', async () => {
    const { create, looks, exchange, clock } = subject();
    await create(TWAP);
    clock.nowMs += 3_600_000;
    await looks(5);
    assert.equal(exchange.orderCount(), 1);
  });
});

test('what is no execution, then 400 that says so; the same key again, the same execution', async () => {
  const { create } = subject();
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ ...ICEBERG, kind: 'pov' }, 'kind must be iceberg or twap'],
    [{ ...ICEBERG, display_quantity: '3' }, 'a part must not be larger than the whole'],
    [{ ...ICEBERG, display_quantity: '0.001' }, 'it would take more than 1000 orders'],
    [{ ...TWAP, interval_ms: 10 }, 'interval_ms must be from 1000 to 86400000'],
  ];
  for (const [body, detail] of wrong) {
    const { status, json } = await create(body);
    assert.deepEqual([status, json.detail], [400, detail]);
  }
  const [one, two] = [await create(TWAP, { 'idempotency-key': 'k' }), await create(TWAP, { 'idempotency-key': 'k' })];
  assert.equal(one.json.execution_id, two.json.execution_id);
});

test('with two instances, a store that fails anywhere and orders nobody hears of: the whole fills, and no part twice', async () => {
  const faults = fc.array(fc.constantFrom<'before' | 'after' | 'no'>('before', 'after', 'no'), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(faults, fc.array(fc.constantFrom('lost', 'none'), { maxLength: 4 }), async (storeFaults, lost) => {
      const clock = { nowMs: START_MS };
      const memory = createMemoryStore(() => clock.nowMs);
      const failing =
        <A, R>(write: (given: A) => Promise<R>) =>
        async (given: A): Promise<R> => {
          const fault = storeFaults.shift();
          if (fault === 'before') throw new StoreUnavailable('before');
          const result = await write(given);
          if (fault === 'after') throw new StoreUnavailable('after');
          return result;
        };
      const store: Store = {
        ...memory,
        putExecution: failing(memory.putExecution),
        insertOrder: failing(memory.insertOrder),
        replaceOrder: failing(memory.replaceOrder),
        putAccount: failing(memory.putAccount),
      };
      const one = testBackend({ store: memory });
      const { exchange } = one;
      const { json } = await one.call('POST', '/api/trade/execution', { ...TWAP, side: 'BUY', interval_ms: 1000 });
      for (const each of lost) if (each === 'lost') exchange.trouble('submit', 'lost');
      const two = testBackend({ store, exchange });
      const three = testBackend({ store, exchange });
      const ended = async () =>
        (await memory.getExecution('user-0001', String(json.execution_id)))?.status === 'completed';
      for (let round = 0; round < 80 && !(await ended()); round++) {
        clock.nowMs += 3000;
        for (const each of [two, three]) each.clock.nowMs = clock.nowMs;
        await Promise.all([two, three].map(({ backend }) => backend.execute()));
        if (round % 4 === 3) await two.backend.reconcile();
      }
      assert.ok(await ended());
      assert.equal(exchange.filledTotal(), '3');
    }),
    { numRuns: 25 },
  );
});
