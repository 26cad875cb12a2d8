import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import { createMexcConnection } from '../../../backend/exchange/mexc-connection.ts';
import { createMexcMarket } from '../../../backend/exchange/mexc-market.ts';
import { createAudit } from '../../../backend/keys/audit.ts';
import { CredentialUnreadable, createCredentials } from '../../../backend/keys/credentials.ts';
import { createExchanges } from '../../../backend/keys/exchanges.ts';
import { createLocalMasterKeys } from '../../../backend/keys/master-keys.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import type { MasterKeyList } from '../../../config/master-keys.ts';
import { START_MS } from '../../helpers/backend.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { createExchangeSimulator } from '../../sandbox/exchange/server.ts';

const OLD = { id: 'old', key: randomBytes(32) };
const NEW = { id: 'new', key: randomBytes(32) };
const OWNER = { userId: 'alice', exchange: 'mexc' };
const KEYS = { apiKey: 'mx0alice-access-key', secretKey: 'alice-secret-that-nobody-sees' };
const PURPOSE = { action: 'order', actor: 'orders' };
const keep = closingAfterEach();

async function subject(masterKeys: MasterKeyList = [OLD], given: { store?: Store; clock?: { nowMs: number } } = {}) {
  const clock = given.clock ?? { nowMs: START_MS };
  const now = () => clock.nowMs;
  const store = given.store ?? createMemoryStore(now);
  const lost = { count: 0 };
  const raised: string[] = [];
  const audit = await keep(
    createAudit({
      store,
      now,
      onLost: (count) => {
        lost.count += count;
      },
      raised: (operation) => raised.push(operation),
    }),
  );
  const credentials = createCredentials({ store, masterKeys: createLocalMasterKeys(masterKeys), audit, now });
  return { clock, store, audit, credentials, lost, raised };
}

describe('users’ keys of the exchange', () => {
  test('stored, then read back, and neither the table nor an error holds any of the secret', async () => {
    const { store, credentials } = await subject();
    await credentials.put(OWNER, KEYS, 'alice');
    assert.deepEqual(await credentials.use(OWNER, PURPOSE), KEYS);
    assert.equal(await credentials.use({ ...OWNER, userId: 'bob' }, PURPOSE), undefined);
    const record = await store.getCredential('alice', 'mexc');
    assert.doesNotMatch(JSON.stringify(record), /alice-access|alice-secret/);
    assert.equal(record?.hint, '-key');
    const other = (await subject([NEW], { store })).credentials;
    const failure = await other.use(OWNER, PURPOSE).catch((error: unknown) => error);
    assert.ok(failure instanceof CredentialUnreadable);
    assert.match(failure.message, /of user alice cannot be opened: master key old is not given/);
    assert.doesNotMatch(failure.message, /secret-that/);
  });

  test('a record moved to another user, or changed by a bit, then it does not open', async () => {
    const { store, credentials, clock } = await subject();
    await credentials.put(OWNER, KEYS, 'alice');
    const record = await store.getCredential('alice', 'mexc');
    assert.ok(record);
    await store.putCredential({ ...record, user_id: 'mallory' });
    await assert.rejects(credentials.use({ ...OWNER, userId: 'mallory' }, PURPOSE), CredentialUnreadable);
    for (const field of ['sealed', 'wrapped_key'] as const) {
      const bytes = Buffer.from(record[field], 'base64');
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      const present = await store.getCredential('alice', 'mexc');
      const version = (present?.version ?? 0) + 1;
      await store.putCredential({ ...record, [field]: bytes.toString('base64'), version });
      clock.nowMs += 60_000; // What is opened is forgotten by then.
      await assert.rejects(credentials.use(OWNER, PURPOSE), CredentialUnreadable, field);
    }
  });

  test('the master key is replaced, then both work side by side, and after rewrapping the old one is not needed', async () => {
    const users = Array.from({ length: 40 }, (_, i) => ({ userId: `user${i}`, exchange: 'mexc' }));
    const before = await subject([OLD]);
    for (const owner of users) await before.credentials.put(owner, { ...KEYS, apiKey: owner.userId }, 'test');
    const given = { store: before.store, clock: before.clock };
    const during = await subject([NEW, OLD], given);
    await during.credentials.put(OWNER, KEYS, 'alice');
    for (const owner of users) assert.equal((await during.credentials.use(owner, PURPOSE))?.apiKey, owner.userId);
    assert.deepEqual(await during.credentials.rewrap('operator'), { rewrapped: 40, failed: 0 });
    assert.deepEqual(await during.credentials.rewrap('operator'), { rewrapped: 0, failed: 0 });
    const after = await subject([NEW], given);
    for (const owner of users) assert.equal((await after.credentials.use(owner, PURPOSE))?.apiKey, owner.userId);
    assert.deepEqual(await after.credentials.use(OWNER, PURPOSE), KEYS);
  });

  test('a record that no key opens, then rewrapping counts it and goes on', async () => {
    const { store, credentials } = await subject([OLD]);
    await credentials.put(OWNER, KEYS, 'alice');
    const { credentials: other } = await subject([NEW], { store });
    assert.deepEqual(await other.rewrap('operator'), { rewrapped: 0, failed: 1 });
  });

  test('keys replaced elsewhere, then the new ones are used within a minute', async () => {
    const { store, credentials, clock } = await subject();
    await credentials.put(OWNER, KEYS, 'alice');
    await credentials.use(OWNER, PURPOSE);
    await (await subject([OLD], { store, clock })).credentials.put(OWNER, { ...KEYS, apiKey: 'replaced' }, 'alice');
    clock.nowMs += 59_999;
    assert.equal((await credentials.use(OWNER, PURPOSE))?.apiKey, KEYS.apiKey);
    clock.nowMs += 1;
    assert.equal((await credentials.use(OWNER, PURPOSE))?.apiKey, 'replaced');
  });
});

describe('the audit trail of keys', () => {
  test('every use is in it, equal ones of a moment as one entry with a count', async () => {
    const { store, credentials, audit, clock } = await subject();
    await credentials.put(OWNER, KEYS, 'alice');
    for (let i = 0; i < 1000; i++) {
      clock.nowMs += 1;
      await credentials.use(OWNER, PURPOSE);
    }
    await credentials.use(OWNER, { action: 'cancel', actor: 'alice' });
    await audit.flush();
    const trail = await store.audits('alice', 10);
    const told = trail.map(({ action, actor, count, first_at_ms, last_at_ms }) => [
      action,
      actor,
      count,
      last_at_ms - first_at_ms,
    ]);
    assert.deepEqual(told.sort(), [
      ['mexc.cancel', 'alice', 1, 0],
      ['mexc.keys.put', 'alice', 1, 0],
      ['mexc.order', 'orders', 1000, 999],
    ]);
    assert.doesNotMatch(JSON.stringify(trail), /secret-that|access-key/);
  });

  test('names that are too long or empty, then cut, and others written with them all the same', async () => {
    const { store, audit, raised } = await subject();
    audit.record({ userId: 'alice', action: 'x'.repeat(500), actor: '' });
    audit.record({ userId: 'u'.repeat(500), action: 'order', actor: 'orders' });
    await audit.flush();
    assert.deepEqual(raised, []);
    assert.deepEqual(
      (await store.audits('alice', 5)).map(({ action, actor }) => [action.length, actor]),
      [[64, '-']],
    );
  });

  test('the store is away, then nothing is lost up to the limit, and beyond it the loss is counted', async () => {
    const real = createMemoryStore(() => START_MS);
    let isAway = true;
    const store: Store = {
      ...real,
      putAudits: (audits) => (isAway ? Promise.reject(new StoreUnavailable('away')) : real.putAudits(audits)),
    };
    const { audit, lost, raised } = await subject([OLD], { store });
    for (let i = 0; i < 10_005; i++) audit.record({ userId: `u${i}`, action: 'order', actor: 'orders' });
    assert.equal(lost.count, 5);
    await audit.flush();
    assert.deepEqual(raised, ['audit.write']);
    isAway = false;
    await audit.flush();
    assert.equal((await real.audits('u0', 5)).length, 1);
    assert.equal((await real.audits('u9999', 5)).length, 1);
    assert.equal(lost.count, 5);
  });
});

describe('each user’s own exchange', () => {
  test('two users, then each trades on the account of their own keys; one without keys has none', async () => {
    const ALICE = { apiKey: 'mx0alice1', secretKey: 'alice-secret' };
    const BOB = { apiKey: 'mx0bob12345', secretKey: 'bob-secret' };
    const simulator = await keep(createExchangeSimulator({ ...ALICE, moreAccounts: [BOB] }));
    const connection = await keep(createMexcConnection({ url: simulator.url, timeoutMs: 5000, now: Date.now }));
    const { credentials } = await subject();
    const market = createMexcMarket(connection, Date.now);
    const exchanges = createExchanges({ credentials, connection, market, recvWindowMs: 5000 });
    await credentials.put({ userId: 'alice', exchange: 'mexc' }, ALICE, 'alice');
    await credentials.put({ userId: 'bob', exchange: 'mexc' }, BOB, 'bob');
    const ref = { symbol: 'BTCUSDT', clientOrderId: 'hers', exchangeOrderId: null };
    const alices = await exchanges.of('alice', PURPOSE);
    const order = {
      ...ref,
      side: 'BUY',
      orderType: 'LIMIT',
      quantity: decimalOf('0.01'),
      price: decimalOf('60000'),
    } as const;
    assert.equal((await alices?.submit(order))?.kind, 'accepted');
    assert.equal((await alices?.find(ref))?.kind, 'found');
    assert.equal((await (await exchanges.of('bob', PURPOSE))?.find(ref))?.kind, 'not_found');
    assert.equal(await exchanges.of('carol', PURPOSE), undefined);
    assert.equal(await exchanges.of('alice', PURPOSE), alices, 'one account, one count of its order rate');
  });
});
