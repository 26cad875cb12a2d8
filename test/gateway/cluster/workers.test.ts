// One gateway of several processes: to clients and operators it is one.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '../../helpers/deadline.ts';
import {
  ask,
  askFresh,
  keptAlive,
  type Sides,
  startSides,
  startWorkers,
  type WorkersGateway,
} from './start-workers.ts';

const REQUESTS = 3_000;
const FLIPS = 20;
const CLIENTS = 24;
const STAGES = ['live', 'shadow', 'complete', 'legacy'];

const routes = [
  { id: 'moved', match: { methods: ['*'], path: '/api/moved/*' } },
  { id: 'copied', initialStage: 'shadow', match: { methods: ['*'], path: '/api/copied/*' } },
];

for (const workers of [2, 3]) {
  describe(`a gateway with ${workers} workers`, () => {
    let sides: Sides;
    let gateway: WorkersGateway;
    before(async () => {
      sides = await startSides();
      gateway = await startWorkers({ workers, sides, routes });
    });
    after(async () => {
      await gateway.close();
      await sides.close();
    });
    const move = (stage: string) => gateway.api('PUT', '/api/routes/moved/stage', { stage, reason: 'test' });
    const everyone = { workers, of: workers };

    it('lists its processes, and none of them is the one that answers', async () => {
      const instances = await gateway.instances();
      assert.equal(instances.length, workers);
      assert.equal(new Set(instances.map(({ pid }) => pid)).size, workers);
      assert.ok(instances.every(({ pid, state }) => state === 'serving' && pid !== gateway.server.pid));
      const { body } = await gateway.api('GET', '/api/status');
      assert.deepEqual([body.workers, body.ready, body.warnings], [{ wanted: workers, serving: workers }, true, []]);
    });

    it('flipped under traffic loses no request, and every answer is from the side that the decision names', async () => {
      const agent = keptAlive(CLIENTS);
      let sent = 0;
      let answered = 0;
      const client = async () => {
        while (sent < REQUESTS) {
          const path = sent++ % 3 === 0 ? '/elsewhere' : '/api/moved/1';
          // A fifth over connections of their own: those are spread anew.
          const { status, by, side } = await ask(gateway.url, path, sent % 5 === 0 ? false : agent);
          assert.equal(status, 200);
          assert.equal(by, side, 'the side named is the side that served');
          answered++;
        }
      };
      const flip = async () => {
        for (let flips = 0; flips < FLIPS; flips++) {
          await eventually(() => answered >= (REQUESTS * flips) / (FLIPS + 1), 'the flip’s share of answers', 60_000);
          const { status, body } = await move(STAGES[flips % STAGES.length] ?? 'legacy');
          assert.deepEqual([status, body.acknowledged], [200, everyone]);
        }
      };
      await within(Promise.all([flip(), ...Array.from({ length: CLIENTS }, client)]), 'requests and flips', 90_000);
      agent.destroy();
      assert.equal(answered, REQUESTS);
      assert.equal(await gateway.metric('banyan_forward_failures_total'), 0);
    });

    it('serves nothing by the old side once a change is answered, whatever the connection', async () => {
      const agent = keptAlive(16);
      for (const [change, side] of [
        [() => move('live'), 'new'],
        [() => gateway.api('POST', '/api/routes/moved/rollback', { reason: 'test' }), 'legacy'],
        [() => gateway.api('DELETE', '/api/routes/moved/rollback', { reason: 'test' }), 'new'],
        [() => gateway.api('POST', '/api/rollback', { reason: 'test' }), 'legacy'],
        [() => gateway.api('DELETE', '/api/rollback', { reason: 'test' }), 'new'],
      ] as const) {
        await Promise.all(Array.from({ length: 16 }, () => ask(gateway.url, '/api/moved/1', agent)));
        const { status, body } = await change();
        assert.deepEqual([status, body.acknowledged], [200, everyone]);
        const kept = Array.from({ length: 16 }, () => ask(gateway.url, '/api/moved/1', agent));
        const answers = [...(await Promise.all(kept)), ...(await askFresh(gateway.url, '/api/moved/1', 500))];
        assert.deepEqual(new Set(answers.map(({ by }) => by)), new Set([side]));
      }
      agent.destroy();
      const { body } = await gateway.api('GET', '/api/audit?route=moved&limit=2');
      assert.deepEqual(
        body.entries.map(({ action, reason }) => [action, reason]),
        [
          ['acknowledge', `in force on all ${workers} workers`],
          ['lift', 'test'],
        ],
      );
    });

    it('counts what its clients count: in the metrics, in the figures of operators, and in the evidence', async () => {
      const requests = 400;
      const before = await gateway.metric('banyan_requests_total', 'route="copied"');
      const answers = await askFresh(gateway.url, '/api/copied/x', requests);
      assert.ok(answers.every(({ status, by }) => status === 200 && by === 'legacy'));
      const total = before + requests;
      // A client may have its answer a moment before the worker has counted it.
      const counted = () => gateway.metric('banyan_requests_total', 'route="copied"', 'code="2xx"');
      await eventually(async () => (await counted()) >= total, 'the requests in the metrics');
      assert.equal(await counted(), total);
      assert.equal(await gateway.metric('banyan_request_duration_seconds_count', 'route="copied"'), total);
      const evidence = await eventually(async () => {
        const { body } = await gateway.api('GET', '/api/routes/copied/comparisons');
        return body.eligible === total && body.pending === 0 && body;
      }, 'the evidence of all workers');
      assert.equal(evidence.outcomes.match + evidence.outcomes.dropped, total);
      assert.equal(await gateway.metric('banyan_mirror_outcomes_total', 'route="copied"'), total);
      const { body } = await gateway.api('GET', '/api/routes/copied');
      assert.deepEqual([body.traffic.legacy.requests, body.traffic.legacy.errors], [total, 0]);
      const all = await gateway.metric('banyan_requests_total');
      const instances = await eventually(async () => {
        const found = await gateway.instances();
        return found.reduce((sum, instance) => sum + instance.requests, 0) >= all && found;
      }, 'the requests of every worker');
      assert.equal(
        instances.reduce((sum, instance) => sum + instance.requests, 0),
        all,
      );
      assert.ok(
        instances.every((instance) => instance.requests > 0),
        'every worker has its share',
      );
    });

    it('follows a new configuration with every worker, and refuses a wrong one as a whole', async () => {
      const added = { id: 'added', initialStage: 'live', match: { methods: ['GET'], path: '/added' } };
      gateway.writeConfig([...routes, added]);
      gateway.server.kill('SIGHUP');
      await eventually(async () => (await ask(gateway.url, '/added')).route === 'added', 'the new route');
      await eventually(async () => (await gateway.api('GET', '/api/routes/added')).status === 200, 'its state');
      await eventually(async () => {
        const versions = (await gateway.instances()).map(({ version }) => version);
        return new Set(versions).size === 1;
      }, 'all workers at one version');
      const answers = await askFresh(gateway.url, '/added', 200);
      assert.deepEqual(new Set(answers.map(({ route, by }) => `${route} ${by}`)), new Set(['added new']));
      gateway.writeConfig([{ id: 'added', match: { methods: [], path: 'wrong' } }]);
      gateway.server.kill('SIGHUP');
      const warnings = await eventually(async () => {
        const { body } = await gateway.api('GET', '/readyz');
        return body.warnings.length > 0 && body.warnings;
      }, 'the warning');
      assert.match(warnings.join(), /routes\[0\]\.match/);
      const still = await askFresh(gateway.url, '/added', 100);
      assert.deepEqual(new Set(still.map(({ route }) => route)), new Set(['added']));
    });
  });
}

describe('workers that are stopped and started again', () => {
  it('go on by the state that was acknowledged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-workers-'));
    const sides = await startSides();
    let gateway = await startWorkers({ workers: 2, sides, routes, folder });
    try {
      await gateway.api('PUT', '/api/routes/moved/stage', { stage: 'live', reason: 'test' });
      await gateway.api('POST', '/api/routes/copied/rollback', { reason: 'test' });
      await gateway.stop();
      gateway = await startWorkers({ workers: 2, sides, routes, folder });
      assert.deepEqual(
        new Set((await askFresh(gateway.url, '/api/moved/1', 50)).map(({ by }) => by)),
        new Set(['new']),
      );
      const { body } = await gateway.api('GET', '/api/routes/copied');
      assert.equal(body.override.reason, 'test');
    } finally {
      await gateway.close();
      await sides.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
