// Several gateways on one Redis: what each finds is the evidence of all, and a Redis that goes away takes nothing along.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { keepEvidence } from '../../gateway/evidence-keeper.ts';
import { openRedisLedger } from '../../gateway/ledger/redis.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { createEvidence } from '../../gateway/mirror/evidence.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { anObservation } from '../helpers/observations.ts';
import { type RedisServer, startRedis } from '../helpers/redis.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();
const metrics = createMetrics();
const START_MS = Date.UTC(2026, 0, 5, 10);

let server: RedisServer;
let nowMs = START_MS;
before(async () => {
  server = await startRedis();
});
after(() => server.close());
beforeEach(empty);

async function empty(): Promise<void> {
  const redis = new Redis(server.url);
  await redis.flushdb();
  redis.disconnect();
  nowMs = START_MS;
}

/** One gateway's evidence, kept in the Redis. */
async function begin(stage = 'shadow') {
  const ledger = await openRedisLedger(server.url);
  const now = () => new Date(nowMs);
  const evidence = createEvidence(now);
  const keeper = await keepEvidence({
    ...{ evidence, store: ledger.evidence, metrics, now, sampleDays: 7 },
    routes: () => ['r'],
    raised: (_, error) => assert.fail(String(error)),
  });
  evidence.enter('r', stage);
  return {
    evidence,
    keeper,
    count(outcome: 'match' | 'mismatch', path: string) {
      const difference = {
        path,
        at: '/a',
        kind: 'changed',
        legacy: '1',
        new: '2',
        critical: false,
        rule: undefined,
      } as const;
      const request = { requestId: path, method: 'GET', target: '/', headers: [], body: undefined };
      const pair = { legacy: anObservation('legacy'), new: anObservation('new'), copied: 'new' } as const;
      evidence.begin('r');
      const differences = outcome === 'mismatch' ? [difference] : [];
      evidence.record('r', request, pair, { outcome, differences, detail: undefined });
    },
    async close() {
      await keeper.close();
      await ledger.close();
    },
  };
}
type Process = Awaited<ReturnType<typeof begin>>;

/** All tell what they have, then all hear of the others. */
async function exchange(processes: readonly Process[]): Promise<void> {
  for (const { keeper } of processes) await keeper.flush();
  nowMs += 5_000;
  for (const { keeper } of processes) await keeper.flush();
}

describe('gateways that share a store', () => {
  it('know of what all have found, in whatever order they find, tell and begin anew', async () => {
    const steps = fc.array(
      fc.record({
        process: fc.nat({ max: 2 }),
        step: fc.constantFrom(
          'match' as const,
          'mismatch' as const,
          'flush' as const,
          'exchange' as const,
          'restart' as const,
        ),
        path: fc.constantFrom('$.a', '$.b'),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        await empty();
        const processes = [await begin(), await begin(), await begin()];
        const counted = { match: 0, mismatch: 0 };
        for (const { process, step, path } of script) {
          const at = processes[process] as Process;
          if (step === 'flush') await at.keeper.flush();
          else if (step === 'exchange') await exchange(processes);
          else if (step === 'restart') {
            await at.close();
            processes[process] = await begin();
          } else {
            at.count(step, path);
            counted[step]++;
          }
        }
        await exchange(processes);
        const [one, ...others] = processes.map(({ evidence }) => ({
          all: ['1m', '10m', 'stage'].map((window) => {
            const { outcomes, differences } = evidence.of('r', window as 'stage');
            const { match, mismatch } = outcomes;
            return { match, mismatch, differences: differences.reduce((sum, { count }) => sum + count, 0) };
          }),
          samples: evidence.samples('r').map(({ n }) => n),
        }));
        for (const process of processes) await process.close();
        const total = { ...counted, differences: counted.mismatch };
        assert.deepEqual(one?.all.at(-1), total);
        if (nowMs - START_MS < 60_000) assert.deepEqual(one?.all[0], total);
        for (const other of others) assert.deepEqual(other, one);
      }),
      { numRuns: 30 },
    );
  });

  it('begin a stage anew together, and what one has counted of the old one is left out', async () => {
    const [one, two] = [await kept(begin()), await kept(begin())];
    for (const each of [one, two]) each.count('match', '$.a');
    await exchange([one, two]);
    assert.equal(one.evidence.of('r').outcomes.match, 2);
    one.count('match', '$.a');
    two.evidence.enter('r', 'canary');
    two.count('mismatch', '$.a');
    await two.keeper.flush();
    await exchange([one, two]);
    one.evidence.enter('r', 'canary');
    one.count('mismatch', '$.a');
    await exchange([one, two]);
    for (const { evidence } of [one, two]) {
      const { outcomes } = evidence.of('r');
      assert.deepEqual([outcomes.match, outcomes.mismatch], [0, 2]);
    }
  });
});

describe('a gateway on a Redis', () => {
  it('serves, compares and rolls back while that is away, says so, and stores what it found when it is back', async () => {
    const own = await startRedis();
    const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const route = routeOn('/*', { initialStage: 'shadow' });
    const options = { legacy: upstream.url, new: upstream.url, routes: [route], overrides: { ledger: own.url } };
    const gateway = await kept(startTestGateway(options));
    const matches = async (from = gateway) =>
      (await from.api('GET', '/api/routes/test.route/comparisons')).body.outcomes.match;
    const ask = async () => (await fetch(`${gateway.url}/x`)).text();
    await ask();
    await eventually(async () => (await matches()) === 1, 'a comparison');
    await own.close();
    await ask();
    await eventually(async () => (await matches()) === 2, 'a comparison without the store');
    for (const warning of [/^the ledger cannot be reached since/, /cannot be stored and is kept in memory/]) {
      await eventually(async () => {
        const { body, status } = await gateway.api('GET', '/readyz');
        assert.equal(status, 200);
        return body.warnings.some((text: string) => warning.test(text));
      }, `a warning: ${warning}`);
    }
    assert.match((await gateway.api('GET', '/metrics')).body, /^banyan_evidence_stored 0$/m);
    assert.equal(gateway.log.filter(({ operation }) => operation === 'evidence.store').length, 1);
    const back = await kept(startRedis(Number(new URL(own.url).port)));
    await eventually(async () => (await gateway.api('GET', '/readyz')).body.warnings.length === 0, 'no warning');
    await gateway.api('POST', '/api/rollback', { reason: 'x' });
    assert.ok(back);
    const other = await kept(startTestGateway(options));
    assert.equal((await other.api('GET', '/api/status')).body.override.reason, 'x');
  });
});
