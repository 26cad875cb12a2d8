// Gateways that share a Redis, and lose it: they go on, what operators do waits, and comes together again.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { createChainVerifier } from '../../../gateway/ledger/audit-chain.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { startTcpCut, type TcpCut } from '../../helpers/tcp-cut.ts';
import { type Fleet, type Member, ROUTE, startFleet } from './fleet.ts';

const STEPS = ['{ stage: shadow, gates: [manual] }', '{ stage: complete }'];

let redis: RedisServer;
let fleet: Fleet;
let wire: TcpCut;
/** Reaches the ledger by the wire; the other directly. */
let cut: Member;
let other: Member;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());
beforeEach(async () => {
  const client = new Redis(redis.url);
  await client.flushdb();
  client.disconnect();
  wire = await startTcpCut(Number(new URL(redis.url).port));
  fleet = await startFleet({ ledger: () => redis.url, steps: STEPS });
  cut = await startCut();
  other = await fleet.start();
});
afterEach(async () => {
  await fleet.close();
  await wire.close();
});

const startCut = () => fleet.start('', `redis://127.0.0.1:${wire.port}`, 'cut');
const body = async (response: Promise<Response>) => JSON.parse(await (await response).text());
const stage = (member: Member, to: string, percent?: number) =>
  member.call('PUT', `/api/routes/${ROUTE}/stage`, { stage: to, ...(percent ? { percent } : {}), reason: 'test' });
const rollback = (member: Member) => body(member.call('POST', `/api/routes/${ROUTE}/rollback`, { reason: 'fire' }));
const lift = (member: Member) => member.call('DELETE', `/api/routes/${ROUTE}/rollback`, { reason: 'over' });
const forced = async (member: Member) => (await body(member.call('GET', `/api/routes/${ROUTE}`))).override?.side;
const ledgerOf = async (member: Member) => (await body(member.call('GET', '/api/status'))).ledger;
/** The newest first; all of them, since their chain is verified. */
const entries = async (member: Member): Promise<{ action: string; reason: string; source: string }[]> => {
  const { entries: newestFirst, head } = await body(member.call('GET', '/api/audit?limit=500'));
  const verifier = createChainVerifier(head.hash);
  for (const entry of newestFirst.toReversed()) verifier.add(entry);
  assert.equal(verifier.result().broken, undefined);
  return newestFirst;
};
const isBack = () => eventually(async () => (await ledgerOf(cut)).away === null, 'the ledger to be back', 15_000);

describe('a gateway whose Redis is away', () => {
  it('keeps a rollback over kill -9, refuses promotions, says so, and wins over a promotion made meanwhile', async () => {
    assert.equal((await stage(cut, 'canary', 50)).status, 200);
    await eventually(async () => (await other.at()).startsWith('canary 50'), 'the other to follow');
    wire.refuse();
    const refused = await stage(cut, 'live');
    assert.equal(refused.status, 500);
    assert.match(await refused.text(), /the ledger cannot be reached .*; promotions and plans wait for it, a rollback/);
    const { durable, stage: at } = await rollback(cut);
    assert.deepEqual([durable, at], [true, 'legacy']);
    const { warnings, ready } = await body(cut.call('GET', '/readyz'));
    assert.equal(ready, true);
    assert.match(
      warnings.join(),
      /the ledger cannot be reached since .* 1 changes wait for it in the journal, .* 1000/,
    );
    assert.match(await (await cut.call('GET', '/metrics')).text(), /^banyan_ledger_away 1$/m);

    cut.server.kill('SIGKILL');
    await within(cut.server.exited, 'its end');
    cut = await startCut();
    assert.equal(await forced(cut), 'legacy', 'after a start without the ledger');
    assert.equal((await ledgerOf(cut)).waiting, 1);

    assert.equal((await stage(other, 'live')).status, 200, 'a promotion where the ledger is there');
    wire.mend();
    await isBack();
    await eventually(async () => (await forced(other)) === 'legacy', 'the other to follow');
    assert.deepEqual([await forced(cut), (await ledgerOf(cut)).waiting], ['legacy', 0]);
    const made = (await entries(other)).filter(({ action }) => action === 'rollback');
    assert.equal(made.length, 1);
    const { merged, dropped } = (await ledgerOf(cut)).counts;
    assert.ok(merged >= 1 && dropped === 0, `${merged} merged, ${dropped} dropped`);
  });

  it('moves a route back by its flags, and has that in the audit log later', async () => {
    assert.equal((await stage(cut, 'canary', 50)).status, 200);
    wire.refuse();
    assert.equal((await stage(cut, 'shadow')).status, 200);
    wire.mend();
    await isBack();
    const moves = (await entries(other)).filter(({ action, source }) => action === 'stage' && source === 'api');
    assert.equal(moves.length, 2);
  });

  it('lifts what it saw, unless that has changed meanwhile: then the lift is dropped, and the audit log says so', async () => {
    await rollback(cut);
    await eventually(async () => (await forced(other)) === 'legacy', 'the other to follow');
    wire.refuse();
    assert.equal((await lift(cut)).status, 200);
    assert.equal(await forced(cut), undefined, 'in force here at once');
    assert.equal((await lift(other)).status, 200);
    await rollback(other);
    wire.mend();
    await isBack();
    await eventually(async () => (await forced(cut)) === 'legacy', 'the rollback of the other to hold here');
    const lifts = (await entries(other)).filter(({ action }) => action === 'lift').map(({ reason }) => reason);
    assert.deepEqual(lifts, [
      'not done, since it had changed while this gateway could not reach the ledger: over',
      'over',
    ]);
    assert.equal((await ledgerOf(cut)).counts.dropped, 1);
  });
});
