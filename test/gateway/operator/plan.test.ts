// Plans over the operator's API and the command line, on a real gateway with real backends.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const ROUTE = '/api/routes/test.route';
const PLANS = {
  quick: {
    gates: { parity: { lowerBoundMin: 0.5, samplesMin: 5 }, errors: { increaseMax: 0.5, samplesMin: 5 } },
    steps: [
      { stage: 'shadow', leastMs: 0, gates: ['parity', 'errors'] },
      { stage: 'canary', percent: 50, leastMs: 0, gates: ['manual'] },
      { stage: 'live', leastMs: 0, gates: ['manual'] },
      { stage: 'complete' },
    ],
  },
};

describe("a route's plan", () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-plan-api-'));
  const tokenFile = join(folder, 'token');
  let upstreams: { legacy: TestServer; new: TestServer };
  let gateway: TestGateway;
  let isNewBad = false;
  before(async () => {
    writeFileSync(tokenFile, OPERATOR_TOKEN);
    upstreams = {
      legacy: await startUpstream((_, outgoing) => sendJson(outgoing, 200, { price: '1' })),
      new: await startUpstream((_, outgoing) => sendJson(outgoing, isNewBad ? 500 : 200, { price: '1' })),
    };
  });
  after(async () => {
    await upstreams.legacy.close();
    await upstreams.new.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    isNewBad = false;
    gateway = await startTestGateway({
      ...{ legacy: upstreams.legacy.url, new: upstreams.new.url },
      routes: [
        routeOn('/api/*', { plan: 'quick', guard: { samplesMin: 5 } }),
        routeOn('/other', { id: 'other.route' }),
      ],
      overrides: { plans: PLANS },
    });
  });
  afterEach(() => gateway.close());

  const act = (action: string, more: object = {}, headers: Record<string, string> = { 'if-match': '*' }) =>
    gateway.api('POST', `${ROUTE}/plan`, { action, reason: 'test', ...more }, headers);
  const route = async () => (await gateway.api('GET', ROUTE)).body;
  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, ...args];
    const code = await runCli(all, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  /** As many different users. */
  const ask = (requests: number) =>
    Promise.all(
      Array.from({ length: requests }, async (_, i) => {
        const response = await fetch(`${gateway.url}/api/x`, { headers: { 'x-user-id': `user-${i}` } });
        await response.arrayBuffer();
        return response.headers.get('x-banyan-side');
      }),
    );

  it('is shown, started and refused as every other change: by role, revision and reason', async () => {
    assert.deepEqual((await route()).plan.status, 'not_started');
    assert.equal((await gateway.api('GET', '/api/routes/other.route')).body.plan, null);
    const viewer = { authorization: `Bearer ${VIEWER_TOKEN}`, 'if-match': '*' };
    assert.equal((await act('start', {}, viewer)).status, 403);
    assert.equal((await act('start', {}, {})).status, 428);
    assert.equal((await act('start', { reason: ' ' })).status, 400);
    assert.equal((await act('jump')).status, 400);
    assert.equal((await act('start', {}, { 'if-match': '"9"' })).status, 412);
    assert.equal((await act('start', { force: true })).status, 400);
    assert.equal((await act('promote', { force: true })).status, 403, 'an operator may not force');
    assert.equal((await act('promote')).status, 409);
    const started = await act('start');
    assert.equal(started.status, 200);
    assert.deepEqual([started.body.stage, started.body.plan.status], ['shadow', 'running']);
    assert.equal(started.headers.get('etag'), (await gateway.api('GET', ROUTE)).headers.get('etag'));
    assert.equal((await act('start')).status, 409);
    const none = await gateway.api(
      'POST',
      '/api/routes/other.route/plan',
      { action: 'start', reason: 'x' },
      { 'if-match': '*' },
    );
    assert.deepEqual([none.status, none.body.detail], [400, 'other.route names no plan; give the route "plan: NAME"']);
  });

  it('goes on by itself once the gates pass, and back by itself when the new side fails', async () => {
    const started = await banyan('plan', 'test.route', 'start', '--reason', 'go');
    assert.equal(started.code, 0, started.err);
    const early = await banyan('promote', 'test.route', '--reason', 'impatient');
    assert.deepEqual([early.code, early.err.split(';')[0]], [6, 'error: parity: 0 compared, at least 5 are needed']);
    await ask(20);
    const isAtCanary = async () => {
      const { stage, plan } = await route();
      return stage === 'canary' && plan.gates.some(({ gate }: { gate: string }) => gate === 'manual');
    };
    await eventually(isAtCanary, 'the canary, and its gates', 15_000);
    const shown = await banyan('route', 'test.route');
    assert.match(shown.out, /^ {2}plan +quick: running, step 2 of 4 \(canary 50 %\)$/m);
    assert.match(shown.out, /^ {4}manual +inconclusive: a person has to say so/m);
    assert.match(
      (await banyan('status')).out,
      /^attention +test\.route: the plan waits for a person: banyan promote$/m,
    );
    const promoted = await banyan('promote', 'test.route', '--reason', 'looks right');
    assert.match(promoted.out, /running, step 3 of 4 \(live\)/);
    assert.deepEqual(new Set(await ask(10)), new Set(['new']));
    isNewBad = true;
    await ask(60);
    await eventually(async () => (await route()).plan.status === 'rolled_back', 'the guard to act', 15_000);
    const { override, stage, attention } = await route();
    assert.deepEqual([override.actor, override.side, stage], ['guard', 'legacy', 'legacy']);
    assert.match(override.reason, /^new failed \d+ of \d+ (served|copied) requests/);
    assert.ok(
      attention.some(({ sentence }: { sentence: string }) =>
        sentence.startsWith('the plan was rolled back: new failed'),
      ),
    );
    assert.deepEqual(new Set(await ask(10)), new Set(['legacy']));
    const { entries } = (await gateway.api('GET', '/api/audit?limit=20')).body;
    const rollback = entries.find(({ action }: { action: string }) => action === 'rollback');
    assert.deepEqual([rollback.actor, rollback.source, rollback.evidence.basis.cause], ['guard', 'guard', 'errors']);
    const metrics = await (await fetch(`${gateway.operatorUrl}/metrics`)).text();
    assert.match(metrics, /banyan_guard_decisions_total\{route="test\.route",decision="roll_back",cause="errors"\} 1/);
    assert.match(metrics, /banyan_gate_outcomes_total\{route="test\.route",gate="parity",status="pass"\} 1/);
    assert.match(metrics, /banyan_plan_step\{route="test\.route"\} 3/);
  });

  it('can be paused, resumed and aborted from the command line, which says what it needs', async () => {
    assert.equal((await banyan('plan', 'test.route', 'start')).code, 2);
    assert.equal((await banyan('plan', 'test.route', 'jump', '--reason', 'x')).code, 2);
    assert.equal((await banyan('plan', 'other.route')).code, 2);
    for (const [action, says] of [
      ['start', /running, step 1 of 4 \(shadow\)/],
      ['pause', /paused, step 1/],
      ['resume', /running, step 1/],
      ['abort', /aborted/],
    ] as const) {
      const { code, out, err } = await banyan('plan', 'test.route', action, '--reason', 'because');
      assert.equal(code, 0, err);
      assert.match(out, says);
    }
    assert.equal((await banyan('plan', 'test.route', 'resume', '--reason', 'x')).code, 5);
    assert.equal((await route()).stage, 'legacy');
    assert.equal(JSON.parse((await banyan('plan', 'test.route', '--json')).out).status, 'aborted');
  });
});
