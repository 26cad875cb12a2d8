import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { decimalOf } from '../../backend/domain/money.ts';
import { createMexcConnection } from '../../backend/exchange/mexc-connection.ts';
import type { OrderEvent, UserHooks } from '../../backend/exchange/user-stream.ts';
import { createAccountFeed } from '../../backend/keys/account-feed.ts';
import { createAudit } from '../../backend/keys/audit.ts';
import { createCredentials } from '../../backend/keys/credentials.ts';
import { createLocalMasterKeys } from '../../backend/keys/master-keys.ts';
import { createMemoryStore } from '../../backend/store/memory.ts';
import type { Store } from '../../backend/store/store.ts';
import { START_MS, testBackend } from '../helpers/backend.ts';
import { eventually } from '../helpers/deadline.ts';
import { createExchangeSimulator } from '../sandbox/exchange/server.ts';

const LIMIT = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };
const KEYS = { api_key: 'mx0alice-access-key', secret_key: 'alice-secret-that-nobody-sees' };

function credentialsIn(store: Store) {
  const audit = createAudit({ store, now: () => START_MS, onLost() {}, raised() {} });
  const masterKeys = createLocalMasterKeys([{ id: 'one', key: randomBytes(32) }]);
  return createCredentials({ store, masterKeys, audit, now: () => START_MS });
}

/** A backend in which alice trades with an account of her own, and what plays the exchange's streams. */
async function subject(context: TestContext) {
  const hooks = new Map<string, UserHooks>();
  const feedOf = (name: string) => (given: UserHooks) => {
    hooks.set(name, given);
    return { close: async () => {} };
  };
  const made = testBackend({ credentials: credentialsIn, userFeed: feedOf('service'), accountFeed: feedOf });
  await made.backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 3_600_000 });
  context.after(() => made.backend.close({ timeoutMs: 1000 }));
  const { call, store, exchange, backend } = made;
  assert.equal((await call('PUT', '/api/keys/alice', KEYS)).status, 200);
  async function placed(user: string) {
    const { json } = await call('POST', '/api/trade/order', { ...LIMIT, user_id: user });
    const order = await store.getOrder(user, String(json.order_id));
    assert.ok(order);
    return order;
  }
  const statusOf = async (user: string, orderId: string) => (await store.getOrder(user, orderId))?.status;
  async function askedIn(): Promise<number> {
    const before = exchange.calls.find;
    await backend.reconcile();
    return exchange.calls.find - before;
  }
  return { ...made, hooks, placed, statusOf, askedIn };
}

const cancelled = (ids: OrderEvent['ids']): OrderEvent => ({
  ...{ kind: 'order', symbol: 'BTCUSDT', ids, status: 'cancelled' },
  ...{ filledQuantity: decimalOf('0'), filledQuote: decimalOf('0') },
});

test('a user with keys of their own trades, then their account is listened to, and what it tells is taken in', async (context) => {
  const { hooks, placed, statusOf } = await subject(context);
  assert.deepEqual([...hooks.keys()], ['service']);
  const order = await placed('alice');
  assert.deepEqual([...hooks.keys()], ['service', 'alice']);
  hooks.get('alice')?.onEvent(cancelled([order.mexc_order_id ?? '', '']));
  await eventually(async () => (await statusOf('alice', order.order_id)) === 'cancelled', 'the news');
});

test('an account tells of an order by the ids of another account’s, then that one is left as it is', async (context) => {
  const { hooks, placed, statusOf } = await subject(context);
  const [mine, theirs] = [await placed('alice'), await placed('bob')];
  hooks.get('alice')?.onEvent(cancelled([theirs.mexc_order_id ?? '', theirs.client_order_id]));
  hooks.get('service')?.onEvent(cancelled([mine.mexc_order_id ?? '', mine.client_order_id]));
  hooks.get('service')?.onEvent(cancelled([theirs.mexc_order_id ?? '', theirs.client_order_id]));
  await eventually(async () => (await statusOf('bob', theirs.order_id)) === 'cancelled', 'news of its own account');
  assert.equal(await statusOf('alice', mine.order_id), 'open');
});

test('an account’s stream is up, then its orders are gone through once and seldom asked about, and those of others are', async (context) => {
  const { hooks, placed, askedIn, exchange } = await subject(context);
  for (let i = 0; i < 20; i++) await placed('alice');
  for (let i = 0; i < 3; i++) await placed('bob');
  assert.equal(await askedIn(), 23);
  const before = exchange.calls.find;
  hooks.get('alice')?.onUp();
  await eventually(() => exchange.calls.find === before + 20, 'a look at each of her orders');
  const asked = await askedIn();
  assert.ok(asked >= 3 && asked <= 13, `${asked} of 23`);
  hooks.get('alice')?.onDown('gone');
  assert.equal(await askedIn(), 23);
});

test('a user’s stream on the exchange, then it is opened with the user’s keys and told of the user’s orders', async (context) => {
  const [service, alice] = [
    { apiKey: 'mx0service', secretKey: 'service-secret' },
    { apiKey: KEYS.api_key, secretKey: KEYS.secret_key },
  ];
  const exchange = await createExchangeSimulator({ ...service, moreAccounts: [alice] });
  const connection = createMexcConnection({ url: exchange.url, timeoutMs: 5000, now: Date.now });
  const credentials = credentialsIn(createMemoryStore(() => START_MS));
  const troubles: string[] = [];
  const feedOf = createAccountFeed({
    ...{ credentials, connection, recvWindowMs: 5000, url: exchange.streamUrl },
    onTrouble: (what) => troubles.push(what),
  });
  const told: string[] = [];
  const up = Promise.withResolvers<void>();
  await credentials.put({ userId: 'alice', exchange: 'mexc' }, alice, 'test');
  const stream = feedOf('alice')({
    onEvent: (event) => void told.push(event.kind),
    onUp: up.resolve,
    onDown() {},
  });
  context.after(async () => {
    await stream.close();
    await connection.close();
    await exchange.close();
  });
  await up.promise;
  const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quoteOrderQty: '6500', newClientOrderId: 'c1' };
  await connection.account(service, 5000)('POST order', { ...order, newClientOrderId: 'c0' });
  await connection.account(alice, 5000)('POST order', order);
  await eventually(() => told.includes('order') && told.includes('fill'), 'her order');
  assert.equal(told.filter((kind) => kind === 'fill').length, 1);
  assert.deepEqual(troubles, []);
});
