import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { createTradingStates } from '../../../backend/risk/trading-state.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { StoreUnavailable } from '../../../backend/store/store.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { eventually } from '../../helpers/deadline.ts';
import { SHADOW_KEYS, signed } from '../../helpers/shadow.ts';

const LIMIT = {
  user_id: 'user-0001',
  symbol: 'BTCUSDT',
  side: 'BUY',
  order_type: 'LIMIT',
  quantity: '0.5',
  price: '60000',
};
const order = '/api/trade/order';

describe('an order that risk denies', () => {
  test('then 422 with the reason, and nothing is stored, sent or told; the same key may ask again', async () => {
    const { call, exchange, published } = testBackend();
    const key = { 'idempotency-key': 'k' };
    await call('PUT', '/api/risk/state', { state: 'HALTED', reason: 'drill' });
    const before = published.length;
    const { status, json } = await call('POST', order, LIMIT, key);
    assert.deepEqual(
      [status, json.code, json.reason, json.context],
      [422, 'risk_denied', 'TRADING_HALTED', { why: 'drill' }],
    );
    assert.equal(exchange.calls.submit, 0);
    assert.equal(published.length, before);
    assert.deepEqual((await call('GET', '/api/trade/orders/user-0001')).json.orders, []);
    await call('PUT', '/api/risk/state', { state: 'ACTIVE', reason: 'over' });
    const again = await call('POST', order, LIMIT, key);
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [201, null]);
  });

  test('cancels pass all the same', async () => {
    const { call } = testBackend();
    const { json } = await call('POST', order, LIMIT);
    await call('PUT', '/api/risk/state', { state: 'HALTED', reason: 'drill' });
    assert.equal((await call('DELETE', `${order}/user-0001/${json.order_id}`)).status, 200);
  });

  test('by a limit of the user’s own, which others do not have', async () => {
    const { call } = testBackend();
    const set = await call('PUT', '/api/risk/users/user-0001/limits', { order_value_max: '29999.99' });
    assert.equal(set.status, 200);
    assert.equal((await call('POST', order, LIMIT)).json.reason, 'NOTIONAL_EXCEEDS_MAX_PER_ORDER');
    assert.equal((await call('POST', order, { ...LIMIT, user_id: 'user-0002' })).status, 201);
    const wrong = await call('PUT', '/api/risk/users/user-0001/limits', { order_value: '1' });
    assert.equal(wrong.status, 400);
  });

  test('as a dry run, then it is denied as the real one, and a dry run reserves nothing', async () => {
    const { call, clock } = testBackend({ shadowKeys: SHADOW_KEYS, limits: { open_orders_max: 1 } });
    const dry = () => {
      const body = JSON.stringify(LIMIT);
      return call('POST', order, body, signed({ method: 'POST', target: order, body }, { nowMs: clock.nowMs }));
    };
    assert.equal((await dry()).status, 201);
    assert.equal((await dry()).status, 201);
    assert.equal((await call('POST', order, LIMIT)).status, 201);
    assert.equal((await dry()).json.reason, 'OPEN_ORDERS_EXCEED_MAXIMUM');
    const state = JSON.stringify({ state: 'HALTED', reason: 'as a dry run' });
    const target = '/api/risk/state';
    const headers = signed({ method: 'PUT', target, body: state }, { nowMs: clock.nowMs });
    assert.equal((await call('PUT', target, state, headers)).status, 200);
    assert.equal((await call('GET', target)).json.state, 'ACTIVE');
  });
});

describe('reservations', () => {
  test('held while an order is open at any instance, gone when it has ended', async () => {
    const one = testBackend({ limits: { open_orders_max: 5 } });
    const two = testBackend({ store: one.store, exchange: one.exchange, limits: { open_orders_max: 5 } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).call('POST', order, LIMIT)),
    );
    const created = answers.filter(({ status }) => status === 201);
    assert.equal(created.length, 5);
    assert.ok(answers.every(({ status, json }) => status === 201 || json.reason === 'OPEN_ORDERS_EXCEED_MAXIMUM'));
    assert.equal(one.exchange.orderCount(), 5);
    for (const { json } of created) await two.call('DELETE', `${order}/user-0001/${json.order_id}`);
    await eventually(
      async () => ((await one.call('GET', '/api/risk/users/user-0001')).json.open_orders as unknown[]).length === 0,
      'the reservations to go',
    );
    assert.equal((await one.call('POST', order, LIMIT)).status, 201);
  });

  test('left behind by a crash before the order was stored, then they are repaired after a minute', async () => {
    const { call, backend, clock, orderDeps } = testBackend({ limits: { open_orders_max: 1 } });
    const { symbol, side } = { symbol: 'BTCUSDT', side: 'BUY' } as const;
    const lost = { symbol, side, quantity: '1', price: '1', unit_value: '1', at: new Date(START_MS).toISOString() };
    const account = { ...(await orderDeps.risk.view('user-0001')).account, reservations: { lost }, version: 1 };
    await orderDeps.store.putAccount(account);
    await backend.reconcile();
    assert.equal((await call('POST', order, LIMIT)).json.reason, 'OPEN_ORDERS_EXCEED_MAXIMUM');
    clock.nowMs += 60_000;
    await backend.reconcile();
    assert.equal((await call('POST', order, LIMIT)).status, 201);
  });

  test('a position that came from elsewhere counts from the first order on', async () => {
    const { call, store } = testBackend();
    await store.putPosition({
      user_id: 'user-0001',
      symbol: 'BTCUSDT',
      side: 'long',
      quantity: '0.4',
      entry_price: '60000',
      realized_pnl: '0',
      opened_at: '2026-01-05T10:00:00.000Z',
      updated_at: '2026-01-05T10:00:00.000Z',
      applied: {},
      version: 1,
    });
    const sell = { ...LIMIT, side: 'SELL', price: '70000', reduce_only: true };
    assert.equal((await call('POST', order, sell)).json.reason, 'REDUCE_ONLY_WOULD_INCREASE_POSITION');
    assert.equal((await call('POST', order, { ...sell, quantity: '0.4' })).status, 201);
  });
});

describe('the trading state', () => {
  const raised = (_operation: string, error: unknown) => assert.fail(String(error));

  test('a file that is there halts, whatever was set; gone, and what was set holds again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-kill-'));
    const killFile = join(folder, 'halt');
    try {
      const { call } = testBackend({ killFile });
      assert.equal((await call('GET', '/api/risk/state')).json.state, 'ACTIVE');
      writeFileSync(killFile, 'the desk says stop\n');
      const { json } = await call('GET', '/api/risk/state');
      assert.deepEqual([json.state, json.reason, json.set], ['HALTED', 'the desk says stop', null]);
      rmSync(killFile);
      assert.equal((await call('GET', '/api/risk/state')).json.state, 'ACTIVE');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a message on the bus halts every instance, and is in the store for those that start later', async () => {
    const bus = createMemoryBus({ onDrop() {}, raised });
    const store = createMemoryStore(() => START_MS);
    const make = () => createTradingStates({ store, bus, now: () => START_MS, killFile: undefined, raised });
    const states = [make(), make()];
    for (const each of states) await each.start();
    bus.publish('risk:kill', JSON.stringify({ state: 'HALTED', reason: 'pulled' }));
    for (const each of states) await eventually(() => each.current()?.state === 'HALTED', 'the halt');
    await eventually(async () => (await store.getTradingState())?.reason === 'pulled', 'the store to hold it');
    await states[0]?.set({ state: 'ACTIVE', reason: 'lifted', by: 'operator' });
    for (const each of states) await eventually(() => each.current()?.state === 'ACTIVE', 'the halt to be lifted');
    await Promise.all(states.map((each) => each.stop()));
    await bus.close();
  });

  test('the store is away, then the file and the bus halt all the same, and the store has it when it is back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-kill-'));
    const killFile = join(folder, 'halt');
    const memory = createMemoryStore(() => START_MS);
    let down = false;
    const store = {
      ...memory,
      async getTradingState() {
        if (down) throw new StoreUnavailable('down');
        return memory.getTradingState();
      },
    };
    const bus = createMemoryBus({ onDrop() {}, raised });
    const states = createTradingStates({ store, bus, now: () => START_MS, killFile, raised() {} });
    try {
      await states.start();
      down = true;
      writeFileSync(killFile, 'stop');
      await assert.rejects(states.refresh(), StoreUnavailable);
      assert.deepEqual(states.current(), { state: 'HALTED', reason: 'stop' });
      bus.publish('risk:kill', JSON.stringify({ state: 'HALTED', reason: 'pulled' }));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      down = false;
      rmSync(killFile);
      await eventually(async () => (await memory.getTradingState())?.reason === 'pulled', 'the store to hold it');
      await states.refresh();
      assert.deepEqual(states.current(), { state: 'HALTED', reason: 'pulled' });
      await states.set({ state: 'ACTIVE', reason: 'over', by: 'operator' });
      assert.equal(states.current()?.state, 'ACTIVE');
    } finally {
      await states.stop();
      await bus.close();
      rmSync(folder, { recursive: true });
    }
  });

  test('nobody can start trading by the kill switch', async () => {
    const faults: string[] = [];
    const bus = createMemoryBus({ onDrop() {}, raised });
    const store = createMemoryStore(() => START_MS);
    const onFault = (operation: string) => void faults.push(operation);
    const states = createTradingStates({ store, bus, now: () => START_MS, killFile: undefined, raised: onFault });
    await states.start();
    await states.set({ state: 'HALTED', reason: 'stop', by: 'operator' });
    bus.publish('risk:kill', JSON.stringify({ state: 'ACTIVE' }));
    bus.publish('risk:kill', 'nonsense');
    await eventually(() => faults.length === 2, 'both to be refused');
    assert.equal(states.current()?.state, 'HALTED');
    await states.stop();
    await bus.close();
  });
});
