// Operators' rules of gateways that share a ledger; test/gateway/operator/rules.test.ts has the rest.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedisLedger } from '../../../gateway/ledger/redis.ts';
import { openChanges } from '../../../gateway/rollout/changes.ts';
import { followRules } from '../../../gateway/rollout/follow-rules.ts';
import { type OperatorRule, openOperatorRules } from '../../../gateway/rollout/operator-rules.ts';
import { compileRoutes } from '../../../gateway/routing/route.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { aRoute } from '../../helpers/gateway-config.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';

const kept = closingAfterEach();
const now = () => new Date('2026-01-05T10:00:00.000Z');
const ACTOR = { name: 'ops', source: 'api', reason: 'known' } as const;
const request = (path: string) => ({
  route: 'orders.get',
  kind: 'ignore',
  permanent: 'legacy goes away before that',
  fields: { path, reason: 'known', owner: 'trading' },
});

/** The rules of one gateway on the Redis, and how often they were put in force. */
async function open(server: RedisServer) {
  const ledger = await kept(openRedisLedger(server.url));
  const changes = await openChanges({
    instance: 'host:1',
    ...{ ledger, now, evidence: () => null },
    onProblem: (_, error) => assert.fail(String(error)),
  });
  const inForce: (readonly OperatorRule[])[] = [];
  const table = compileRoutes([aRoute({ id: 'orders.get' })]);
  const apply = (rules: readonly OperatorRule[]) => void inForce.push(rules);
  const rules = await openOperatorRules({ ledger, changes, now, apply, table: () => table });
  return { rules, inForce, paths: () => inForce.at(-1)?.map(({ rule }) => rule.path) };
}

describe('gateways that share a ledger', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.close());

  it('follow what another has made and removed, and nothing while nothing changes', async () => {
    const [one, two] = [await open(server), await open(server)];
    const { id } = await one.rules.add(request('$.fee'), ACTOR);
    assert.equal(await two.rules.refresh(), true);
    assert.deepEqual(two.paths(), ['$.fee']);
    assert.equal(two.rules.revision(), 1);
    const times = two.inForce.length;
    assert.deepEqual([await one.rules.refresh(), await two.rules.refresh()], [false, false]);
    assert.equal(two.inForce.length, times);

    await assert.rejects(two.rules.add(request('$.fee'), ACTOR), /this rule exists already/);
    await two.rules.add(request('$.tag'), ACTOR, 1);
    await assert.rejects(one.rules.add(request('$.x'), ACTOR, 1), /has changed since you looked/);
    assert.deepEqual(one.paths()?.toSorted(), ['$.fee', '$.tag'], 'whoever changes them sees all of them');
    await two.rules.remove(id, ACTOR);
    assert.equal(await one.rules.refresh(), true);
    assert.deepEqual(one.paths(), ['$.tag']);
    await assert.rejects(one.rules.remove(id, ACTOR), /no operator has made a rule/);
  });
});

describe('following', () => {
  it('looks every five seconds, tells of what has changed, and of an outage once', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let answer: () => Promise<boolean> = async () => false;
    const told: string[] = [];
    const follower = followRules({
      rules: { refresh: () => answer() },
      onChange: () => void told.push('changed'),
      raised: (operation, error) => void told.push(`${operation}: ${error}`),
    });
    const look = async (next: () => Promise<boolean>) => {
      answer = next;
      t.mock.timers.tick(5_000);
      await new Promise(setImmediate);
    };
    const away = () => Promise.reject(new Error('away'));
    for (const next of [async () => false, async () => true, away, away, async () => false, away]) await look(next);
    assert.deepEqual(told, ['changed', 'ledger.rules: Error: away', 'ledger.rules: Error: away']);
    let asked = 0;
    const never = () => new Promise<boolean>(() => void asked++);
    await look(never);
    await look(never);
    assert.equal(asked, 1, 'a ledger that does not answer is not asked again meanwhile');
    follower.close();
  });
});
