// Flips of gateways that share a Redis: every one of them follows and says so, those that do not are named, and the last
// request of the old side is waited for.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { eventually } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { sendJson } from '../../helpers/upstream.ts';
import { type Fleet, type Member, ROUTE, startFleet } from './fleet.ts';

const STEPS = ['{ stage: shadow, gates: [manual] }', '{ stage: complete }'];

let redis: RedisServer;
let fleet: Fleet | undefined;
/** While it is set, requests wait for it. */
let held: Promise<void> | undefined;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());
beforeEach(async () => {
  held = undefined;
  const client = new Redis(redis.url);
  await client.flushdb();
  client.disconnect();
});
afterEach(() => fleet?.close());

const start = async (extra = '') => {
  fleet = await startFleet({
    ...{ ledger: () => redis.url, steps: STEPS, extra },
    async answer(_, outgoing) {
      await held;
      sendJson(outgoing, 200, {});
    },
  });
  return fleet;
};
const json = async (response: Promise<Response>) => JSON.parse(await (await response).text());
const stage = (member: Member, to: string) =>
  json(member.call('PUT', `/api/routes/${ROUTE}/stage`, { stage: to, reason: 'test' }));
const rollback = (member: Member) => json(member.call('POST', `/api/routes/${ROUTE}/rollback`, { reason: 'fire' }));
const flips = async (member: Member) => (await json(member.call('GET', '/api/status'))).flips;
const gateways = async (member: Member): Promise<{ pid: number; state: string; version: number }[]> =>
  (await json(member.call('GET', '/api/instances'))).gateways;
const name = ({ server }: Member) => new RegExp(`:${server.pid}$`);

describe('a flip', () => {
  it('is followed by all gateways, which say how long that took; one that sleeps is named, then counted as gone', async () => {
    const { start: begin } = await start();
    const [one, other] = [await begin(), await begin()];
    assert.equal((await stage(one, 'complete')).flip, 1);
    const first = await eventually(
      async () => (await flips(one)).last?.acknowledgedMs !== null && (await flips(one)),
      'all to follow',
    );
    assert.deepEqual([first.version, first.last.waitingFor, first.last.action], [1, [], 'stage']);
    assert.deepEqual([first.p50Ms, first.p99Ms], [first.last.acknowledgedMs, first.last.acknowledgedMs]);
    await eventually(async () => (await gateways(other)).every(({ version }) => version === 1), 'the other to know');
    assert.deepEqual(
      (await gateways(one)).map(({ pid, state }) => `${pid} ${state}`).sort(),
      [one, other].map(({ server }) => `${server.pid} there`).sort(),
    );

    other.server.kill('SIGSTOP');
    assert.equal((await rollback(one)).flip, 2);
    const { last } = await flips(one);
    assert.equal(last.acknowledgedMs, null);
    assert.match(last.waitingFor.join(), name(other));
    const without = await eventually(async () => {
      const { last } = await flips(one);
      return last.gone.length > 0 && last;
    }, 'its lease to end');
    assert.match(without.gone.join(), name(other));
    assert.notEqual(without.acknowledgedMs, null, 'those who are there follow');
    other.server.kill('SIGCONT');
    const whole = await eventually(async () => {
      const { last } = await flips(one);
      return last.gone.length === 0 && last.waitingFor.length === 0 && last;
    }, 'it to follow');
    assert.ok(whole.acknowledgedMs > without.acknowledgedMs);
    assert.ok((await flips(one)).p99Ms === whole.acknowledgedMs);
  });

  for (const [how, extra] of [
    ['of one process', ''],
    ['of two workers', 'workers: 2'],
  ] as const) {
    it(`tells when the last request of the old side ended, wherever that was: gateways ${how}`, async () => {
      const { start: begin } = await start(extra);
      const [one, other] = [await begin(), await begin()];
      await stage(one, 'complete');
      await eventually(async () => (await flips(one)).last?.acknowledgedMs !== null, 'all to follow');
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      const slow = fetch(`http://${other.server.listening.traffic}/a`);
      await eventually(async () => {
        const { upstreams } = await json(other.call('GET', '/api/status'));
        return upstreams.new.inFlight === 1;
      }, 'the request to be under way');
      await rollback(one);
      const followed = await eventually(async () => {
        const { last } = await flips(one);
        return last.acknowledgedMs !== null && last;
      }, 'all to follow');
      release();
      assert.equal((await slow).status, 200);
      const ended = await eventually(async () => {
        const { last } = await flips(one);
        return last.oldSideMs > 0 && last;
      }, 'the end of the request to be known');
      assert.ok(ended.oldSideMs >= followed.acknowledgedMs, `${ended.oldSideMs} ms, ${followed.acknowledgedMs} ms`);
      assert.equal(ended.acknowledgedMs, followed.acknowledgedMs);
    });
  }
});
