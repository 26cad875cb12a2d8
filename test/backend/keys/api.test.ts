import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createAudit } from '../../../backend/keys/audit.ts';
import { exchangeByAccount } from '../../../backend/keys/by-account.ts';
import { CredentialUnreadable, createCredentials } from '../../../backend/keys/credentials.ts';
import type { Exchanges } from '../../../backend/keys/exchanges.ts';
import { createLocalMasterKeys } from '../../../backend/keys/master-keys.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import { START_MS, testBackend } from '../../helpers/backend.ts';
import { createFakeExchange } from '../../helpers/fake-exchange.ts';

const KEYS = { api_key: 'mx0alice-access-key', secret_key: 'alice-secret-that-nobody-sees' };
const LIMIT = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.5', price: '60000' };
const TOKENS = [
  { name: 'alice', role: 'trader' as const, user: 'alice', token: 'token-of-alice' },
  { name: 'viewer', role: 'viewer' as const, user: undefined, token: 'token-of-viewer' },
];

function subject(given: { tokens?: typeof TOKENS } = {}) {
  const [own, ofAlice] = [createFakeExchange(), createFakeExchange()];
  let refusal: Error | undefined;
  const credentials = (store: Store) => {
    const audit = createAudit({ store, now: () => START_MS, onLost() {}, raised() {} });
    const masterKeys = createLocalMasterKeys([{ id: 'one', key: randomBytes(32) }]);
    return createCredentials({ store, masterKeys, audit, now: () => START_MS });
  };
  const held: { store?: Store } = {};
  const exchanges: Exchanges = {
    async of(userId) {
      if (refusal) throw refusal;
      const record = await held.store?.getCredential(userId, 'mexc');
      return record && record.removed_at === undefined ? ofAlice : undefined;
    },
  };
  const auth = given.tokens ? { auth: { jwt: undefined, tokens: given.tokens } } : {};
  const made = testBackend({
    ...auth,
    exchange: { ...own, ...exchangeByAccount(own, exchanges) },
    credentials,
  });
  held.store = made.store;
  const refuse = (error: Error | undefined) => {
    refusal = error;
  };
  return { ...made, own, ofAlice, refuse };
}

test('keys stored, told of and forgotten, and no answer holds any of the secret', async () => {
  const { call, store } = subject();
  assert.deepEqual((await call('GET', '/api/keys/alice')).json.code, 'keys_not_found');
  const put = await call('PUT', '/api/keys/alice', KEYS);
  const at = new Date(START_MS).toISOString();
  const facts = { exchange: 'mexc', hint: '-key', created_at: at, updated_at: at };
  assert.deepEqual([put.status, put.json], [200, facts]);
  const got = await call('GET', '/api/keys/alice');
  assert.deepEqual(got.json, facts);
  assert.doesNotMatch(put.text + got.text, /alice-access|alice-secret/);
  assert.equal((await call('DELETE', '/api/keys/alice')).status, 204);
  assert.equal((await call('GET', '/api/keys/alice')).status, 404);
  assert.equal((await call('DELETE', '/api/keys/alice')).status, 404);
  const record = await store.getCredential('alice', 'mexc');
  assert.deepEqual([record?.sealed, record?.wrapped_key, record?.hint], ['-', '-', '']);
  for (const body of [{}, { ...KEYS, secret_key: 'with blank' }, { ...KEYS, api_key: 'x'.repeat(257) }])
    assert.equal((await call('PUT', '/api/keys/alice', body)).status, 400);
});

test('a trader reaches its own keys only, a viewer sees them and changes none', async () => {
  const { call } = subject({ tokens: TOKENS });
  const as = (name: string) => ({ authorization: `Bearer token-of-${name}` });
  assert.equal((await call('PUT', '/api/keys/alice', KEYS)).status, 401);
  assert.equal((await call('PUT', '/api/keys/alice', KEYS, as('alice'))).status, 200);
  assert.equal((await call('PUT', '/api/keys/bob', KEYS, as('alice'))).status, 403);
  assert.equal((await call('GET', '/api/keys/bob', undefined, as('alice'))).status, 403);
  assert.equal((await call('GET', '/api/keys/alice', undefined, as('viewer'))).status, 200);
  assert.equal((await call('DELETE', '/api/keys/alice', undefined, as('viewer'))).status, 403);
});

test('a user with keys trades with them and others with the service’s; an order keeps to the account it went out with', async () => {
  const { call, own, ofAlice, backend } = subject();
  const before = await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'alice' });
  await call('PUT', '/api/keys/alice', KEYS);
  const after = await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'alice' });
  await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'bob' });
  assert.deepEqual([own.orderCount(), ofAlice.orderCount()], [2, 1]);
  const inUse = await call('DELETE', '/api/keys/alice');
  assert.deepEqual([inUse.status, inUse.json.code], [409, 'keys_in_use']);
  for (const { json } of [before, after])
    assert.equal((await call('DELETE', `/api/trade/order/alice/${json.order_id}`)).json.status, 'cancelled');
  assert.deepEqual([own.calls.cancel, ofAlice.calls.cancel], [1, 1]);
  await backend.reconcile();
  assert.equal((await call('DELETE', '/api/keys/alice')).status, 204);
  await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'alice' });
  assert.deepEqual([own.orderCount(), ofAlice.orderCount()], [3, 1]);
});

test('the keys cannot be opened, then nothing goes out with other keys, and what is open stays what it is', async () => {
  const { call, own, ofAlice, refuse, backend, store } = subject();
  await call('PUT', '/api/keys/alice', KEYS);
  const { json } = await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'alice' });
  for (const error of [new CredentialUnreadable('no master key'), new StoreUnavailable('away')]) {
    refuse(error);
    const { status, json: refused } = await call('POST', '/api/trade/order', { ...LIMIT, user_id: 'alice' });
    assert.deepEqual([status, refused.code], [502, 'exchange_refused']);
    assert.equal((await call('DELETE', `/api/trade/order/alice/${json.order_id}`)).status, 502);
    await backend.reconcile();
    assert.equal((await store.getOrder('alice', String(json.order_id)))?.status, 'open');
  }
  assert.deepEqual([own.orderCount(), ofAlice.orderCount()], [0, 1]);
});
