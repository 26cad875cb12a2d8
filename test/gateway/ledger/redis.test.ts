// The ledger and the store of evidence on a real Redis where there is one, else on the JavaScript one.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { createChainVerifier } from '../../../gateway/ledger/audit-chain.ts';
import type { StoredAuditEntry } from '../../../gateway/ledger/ledger.ts';
import { openRedisLedger } from '../../../gateway/ledger/redis.ts';
import { aRouteBatch, describeEvidenceStore } from '../../contracts/evidence-store.ts';
import { auditEntry, describeLedger, override } from '../../contracts/ledger.ts';
import { describePlanStore } from '../../contracts/plan-store.ts';
import { describeWriteStore } from '../../contracts/write-store.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { closedPort } from '../../helpers/upstream.ts';

let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server.close());

function chainOf(entries: readonly StoredAuditEntry[]) {
  const verifier = createChainVerifier();
  for (const entry of entries) verifier.add({ ...entry });
  return verifier.result();
}

async function empty(): Promise<void> {
  const redis = new Redis(server.url);
  await redis.flushdb();
  redis.disconnect();
}

describeLedger('Redis', () => ({
  open: () => openRedisLedger(server.url),
  async reopen(ledger) {
    await ledger.close();
    return openRedisLedger(server.url);
  },
  dispose: empty,
}));

describeEvidenceStore('Redis', () => ({
  async open() {
    const ledger = await openRedisLedger(server.url);
    return { ...ledger.evidence, close: ledger.close };
  },
  dispose: empty,
}));

describePlanStore('Redis', () => ({
  async open() {
    const ledger = await openRedisLedger(server.url);
    return { ...ledger.plans, close: ledger.close };
  },
  dispose: empty,
}));
describeWriteStore('Redis', () => ({
  async open() {
    const ledger = await openRedisLedger(server.url);
    return { ...ledger.writes, close: ledger.close };
  },
  dispose: empty,
}));

describe('a Redis that gateways share', () => {
  const kept = closingAfterEach();
  const open = async () => kept(openRedisLedger(server.url));
  const aBatch = (source: string, sequence: number, startMs: number) => ({
    ...{ source, sequence },
    routes: [aRouteBatch({ slices: [{ startMs, counters: new Map([['match', 1]]) }] })],
  });

  it('adds up what they count, and tells each what the others have added, once', async () => {
    await empty();
    const [one, two] = [(await open()).evidence, (await open()).evidence];
    await one.load();
    await two.load();
    await Promise.all([one.add(aBatch('one', 1, 10_000)), two.add(aBatch('two', 1, 10_000))]);
    for (const store of [one, two]) {
      const [route, ...others] = await store.changed();
      assert.deepEqual([route?.total.get('match'), route?.slices[0]?.counters.get('match'), others], [2, 2, []]);
      assert.deepEqual(await store.changed(), []);
    }
    await one.add(aBatch('one', 2, 20_000));
    assert.deepEqual(await one.changed(), [], 'its own is no news');
    assert.equal((await two.changed())[0]?.total.get('match'), 3);
  });

  it('stores changes of one scope that two make at once as two, each with a revision of its own', async () => {
    await empty();
    const ledgers = [await open(), await open()];
    const change = { scope: 'a.route', override: override('a.route'), audit: auditEntry() };
    const revisions = await Promise.all(Array.from({ length: 20 }, (_, i) => ledgers[i % 2]?.commit(change)));
    assert.deepEqual(
      revisions.toSorted((a = 0, b = 0) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    const entries = (await ledgers[0]?.auditAfter({ after: 0, limit: 50 })) ?? [];
    assert.deepEqual(chainOf(entries), { entries: 20, head: await ledgers[1]?.auditHead(), broken: undefined });
  });

  it('of a release without a chain is chained by the first that opens it, and once more where such a release still writes', async () => {
    await empty();
    const redis = new Redis(server.url);
    await kept({ close: () => redis.disconnect() });
    const storeUnchained = async (id: number) => {
      const { instance: _instance, requestId: _requestId, ...entry } = auditEntry({ reason: `old ${id}` });
      await redis.hset('{banyan}:audit', id, JSON.stringify({ ...entry, requestId: null }));
      await redis.zadd('{banyan}:audit:ids', id, id);
      await redis.set('{banyan}:audit:last', id);
    };
    await redis.set('{banyan}:layout', '1');
    for (const id of [1, 2, 3]) await storeUnchained(id);
    const [one, two] = await Promise.all([open(), open()]);
    assert.ok(one && two);
    await one.commit({ scope: 'a.route', override: undefined, audit: auditEntry({ reason: 'new' }) });
    const last = (await one.auditHead())?.id ?? 0;
    await storeUnchained(last + 1);
    await two.commit({ scope: 'a.route', override: undefined, audit: auditEntry({ reason: 'newer' }) });
    const entries = await two.auditAfter({ after: 0, limit: 50 });
    assert.equal(chainOf(entries).broken, undefined);
    assert.deepEqual(
      entries.map(({ action, reason }) => (action === 'chain' ? action : reason)),
      ['old 1', 'old 2', 'old 3', 'chain', 'new', `old ${last + 1}`, 'chain', 'newer'],
    );
    assert.deepEqual(entries[3]?.after, { first: 1, last: 3 });
    assert.equal(await redis.get('{banyan}:layout'), '2');
  });

  it('has one of them lead at a time, the next one when the lease has ended, and refuses what the first writes late', async () => {
    await empty();
    const [one, two] = [(await open()).plans, (await open()).plans];
    const leaseMs = 200;
    assert.equal(await one.lead('one', leaseMs), 1);
    assert.equal(await two.lead('two', leaseMs), undefined);
    assert.equal(await one.lead('one', leaseMs), 1);
    const change = { route: 'a.route', document: '{}', revision: 0 };
    assert.equal(await eventually(() => two.lead('two', leaseMs), 'the lease to end'), 2);
    assert.equal(await one.put({ ...change, token: 1 }), 'fenced');
    assert.deepEqual(await one.list(), []);
    assert.equal(await two.put({ ...change, token: 2 }), 'stored');
  });

  it('that goes away refuses a change in time, and takes the next one when it is back', async () => {
    const own = await startRedis();
    const ledger = await openRedisLedger(own.url);
    const change = { scope: 'a.route', override: undefined, audit: auditEntry() };
    assert.equal(await ledger.commit(change), 1);
    await own.close();
    await within(assert.rejects(ledger.commit(change)), 'the change to be refused', 5_000);
    await within(assert.rejects(ledger.evidence.add(aBatch('one', 1, 10_000))), 'the batch to be refused', 5_000);
    const back = await kept(startRedis(Number(new URL(own.url).port)));
    assert.ok(back);
    const revision = await eventually(() => ledger.commit(change).catch(() => undefined), 'a change to be taken');
    assert.equal(revision, 1, 'it came back empty');
    await ledger.close();
  });

  it('merges what waited once, a rollback always, and what was based on another revision never', async () => {
    await empty();
    const ledger = await open();
    const change = (reason: string) => ({
      scope: 'a.route',
      override: { ...override('a.route'), reason },
      audit: auditEntry({ reason }),
    });
    const entry = (sequence: number, reason: string, expected?: number) => ({
      ...{ sequence, change: change(reason), expected },
    });
    await ledger.commit(change('before'));
    assert.equal(await ledger.merge('one', entry(1, 'fire')), 'merged');
    assert.equal(await ledger.merge('one', entry(1, 'fire')), 'merged', 'again, after a crash');
    assert.equal(await ledger.merge('two', entry(1, 'flood', 1)), 'stale');
    assert.equal(await ledger.merge('two', entry(1, 'flood', 2)), 'merged');
    await ledger.commit(change('storm'));
    assert.equal(await ledger.merge('one', entry(2, 'storm')), 'merged', 'stored before, and only its answer lost');
    const entries = await ledger.auditAfter({ after: 0, limit: 10 });
    assert.deepEqual(
      entries.map(({ reason }) => reason),
      ['before', 'fire', 'flood', 'storm'],
    );
    assert.deepEqual(chainOf(entries), { entries: 4, head: await ledger.auditHead(), broken: undefined });
    assert.equal((await ledger.overrides())[0]?.reason, 'storm');
  });

  it('chains what two record, merge and change at once, each with its entry, and nothing of what was refused', async () => {
    await empty();
    const [one, two] = [await open(), await open()];
    const change = { scope: 'a.route', override: undefined, audit: auditEntry() };
    const moves = [one, two].map((ledger) => async (i: number) => {
      await ledger.recordMove(change, { flags: `${i} 100`, by: { kind: 'operator' } });
      await ledger.commit(change);
      const rollback = { scope: 'a.route', override: { ...override('a.route'), reason: `${i}` }, audit: auditEntry() };
      const source = ledger === one ? 'one' : 'two';
      assert.equal(await ledger.merge(source, { sequence: i, change: rollback, expected: undefined }), 'merged');
      assert.equal(await ledger.merge(source, { sequence: i, change: rollback, expected: undefined }), 'merged');
      const fenced = { kind: 'plan', token: 1, revision: 1 } as const;
      assert.deepEqual(await ledger.recordMove(change, { flags: '0 0', by: fenced }), { kind: 'fenced' });
    });
    for (let i = 1; i <= 10; i++) await Promise.all(moves.map((work, gateway) => work(2 * i + gateway)));
    const entries = await one.auditAfter({ after: 0, limit: 100 });
    assert.deepEqual(chainOf(entries), { entries: 60, head: await two.auditHead(), broken: undefined });
    assert.deepEqual(await one.revisions(), new Map([['a.route', 60]]));
    assert.equal((await two.lastMoves()).get('a.route')?.move, 20);
  });

  it('that is not there is named without its password', async () => {
    const port = await closedPort();
    await assert.rejects(openRedisLedger(`redis://user:hunter2@127.0.0.1:${port}`), (error: Error) => {
      assert.match(error.message, new RegExp(`the ledger at 127.0.0.1:${port} cannot be used: .*ECONNREFUSED`));
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it('of another layout is refused, and says so', async () => {
    const redis = new Redis(server.url);
    await redis.set('{banyan}:layout', '99');
    await assert.rejects(openRedisLedger(server.url), /ledger layout 99, this gateway reads 2/);
    redis.disconnect();
    await empty();
  });
});
