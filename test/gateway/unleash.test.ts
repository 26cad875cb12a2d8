// Gateways whose flags are on a stand-in for Unleash: what the operator sees and may do, the audit log, workers.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import {
  ADMIN_TOKEN,
  aFlag,
  answering,
  CLIENT_TOKEN,
  isWrite,
  startUnleashStandIn,
  type UnleashStandIn,
} from '../helpers/unleash.ts';
import { ask, type Sides, startSides, startWorkers } from './cluster/start-workers.ts';

const ROUTE = '/api/routes/test.route';
const FLAG = 'test.route';
const TOKENS = { TEST_CLIENT: CLIENT_TOKEN, TEST_ADMIN: ADMIN_TOKEN };

let sides: Sides;
let unleash: UnleashStandIn;
let folder: string;
const closing = closingAfterEach();
before(async () => {
  Object.assign(process.env, TOKENS);
  sides = await startSides();
});
after(async () => {
  for (const name of Object.keys(TOKENS)) delete process.env[name];
  await sides.close();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-unleash-'));
  unleash = await closing(startUnleashStandIn());
});
afterEach(() => rmSync(folder, { recursive: true }));

const flagsOn = (server: UnleashStandIn) => ({
  ...{ provider: 'unleash', url: server.url, environment: 'development', refreshIntervalMs: 100 },
  ...{ tokenEnv: 'TEST_CLIENT', adminTokenEnv: 'TEST_ADMIN', backupFile: join(folder, 'backup.json') },
});
const start = (extra: object = {}): Promise<TestGateway> =>
  closing(
    startTestGateway({
      ...{ legacy: sides.legacy.url, new: sides.new.url, folder },
      routes: [routeOn('/api/*', { group: 'trade', ...extra })],
      overrides: { flags: flagsOn(unleash) },
    }),
  );
const move = (gateway: TestGateway, body: object) =>
  gateway.api('PUT', `${ROUTE}/stage`, { reason: 'test', ...body }, { 'if-match': '*' });
const servedBy = async ({ url }: TestGateway) => (await ask(url, '/api/x')).by;
const audit = async (gateway: TestGateway) =>
  (await gateway.api('GET', '/api/audit')).body.entries.map(
    ({ source, action, before: from, after: to, reason }: Record<string, unknown>) => ({
      source,
      action,
      from,
      to,
      reason,
    }),
  );
const percents = (percent: number, mirrorPercent: number) => ({ percent, mirrorPercent });

describe('a gateway on Unleash', () => {
  test('it starts on an empty server, then both flags of each route are made in its initial stage, and none is audited as a move', async () => {
    const gateway = await start({ initialStage: 'shadow', mirror: { samplePercent: 30 } });
    const flags = [...unleash.flags.values()].map(({ name, enabled, strategies }) => [
      name,
      enabled,
      strategies[0]?.parameters.rollout,
      strategies[0]?.parameters.groupId,
    ]);
    assert.deepEqual(flags, [
      [FLAG, false, '0', 'trade'],
      [`${FLAG}.mirror`, true, '100', `${FLAG}.mirror`],
    ]);
    const { body } = await gateway.api('GET', ROUTE);
    assert.deepEqual([body.stage, body.mirrorPercent, body.attention], ['shadow', 100, []]);
    assert.deepEqual(await audit(gateway), []);
  });

  test('a stage is asked for, then the next request follows it, and Unleash has it', async () => {
    const gateway = await start();
    assert.equal(await servedBy(gateway), 'legacy');
    const { status, body } = await move(gateway, { stage: 'live', mirrorPercent: 5 });
    assert.deepEqual([status, body.stage], [200, 'live']);
    assert.equal(await servedBy(gateway), 'new');
    assert.equal(unleash.flags.get(FLAG)?.strategies[0]?.parameters.rollout, '100');
  });

  test('a canary below 1 %, then the API answers what was asked for', async () => {
    const gateway = await start();
    const { body } = await move(gateway, { stage: 'canary', percent: 0.25 });
    assert.deepEqual([body.stage, body.percent], ['canary', 0.25]);
  });

  test('moved in Unleash itself, then requests follow, and it is audited as a change by flags', async () => {
    const gateway = await start();
    unleash.flags.set(FLAG, aFlag(FLAG, 100));
    await eventually(async () => (await servedBy(gateway)) === 'new', 'requests to follow');
    const [entry] = await eventually(async () => {
      const entries = await audit(gateway);
      return entries.length > 0 && entries;
    }, 'the entry');
    assert.deepEqual(entry, {
      ...{ source: 'flags', action: 'stage', reason: 'moved in the flag source itself' },
      ...{ from: percents(0, 0), to: percents(100, 0) },
    });
  });

  test('moved through the API, then it is audited once, though the poll finds it too', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'canary', percent: 10, mirrorPercent: 5 });
    const calls = unleash.calls.length;
    await eventually(() => unleash.calls.length > calls + 3, 'polls');
    const moves = (await audit(gateway)).filter(({ action }: { action: string }) => action === 'stage');
    assert.deepEqual(
      moves.map(({ source, to }: Record<string, unknown>) => ({ source, to })),
      [{ source: 'api', to: percents(10, 5) }],
    );
  });

  test('a flag changed by hand, then the route says so, and the API refuses to move it with 409', async () => {
    const gateway = await start();
    unleash.flags.set(FLAG, aFlag(FLAG, 10, { constraints: [{ contextName: 'userId', operator: 'IN', values: [] }] }));
    const attention = await eventually(async () => {
      const { body } = await gateway.api('GET', ROUTE);
      return body.attention.length > 0 && body.attention;
    }, 'the route to say so');
    assert.match(
      attention[0].sentence,
      /^the flag test\.route was changed by hand: it has constraints, picks users by the group/,
    );
    const refusal = await move(gateway, { stage: 'live' });
    assert.equal(refusal.status, 409);
    assert.match(
      refusal.body.detail,
      /test\.route was changed by hand in Unleash and is not rewritten: it has constraints/,
    );
    const [last, first] = await audit(gateway);
    assert.deepEqual([first.to, last.from, last.to], [percents(100, 100), percents(100, 100), percents(10, 0)]);
    assert.match(last.reason, /^not done, since the flags cannot be moved: /);
  });

  test('Unleash refuses a write, then 502, nothing is changed, and a rollback needs it not', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'live' });
    unleash.fault = answering(500, '', isWrite);
    const refusal = await move(gateway, { stage: 'complete' });
    assert.equal(refusal.status, 502);
    assert.match(refusal.body.detail, /Unleash answers 500/);
    assert.equal((await gateway.api('GET', ROUTE)).body.stage, 'live');
    unleash.fault = () => true;
    const { status } = await gateway.api('POST', `${ROUTE}/rollback`, { reason: 'bad' });
    assert.equal(status, 200);
    assert.equal(await servedBy(gateway), 'legacy');
  });

  test('Unleash is away, then the flags hold, and readiness, status and metrics tell for how long', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'live' });
    unleash.fault = answering(401);
    const warnings = await eventually(async () => {
      const { body } = await gateway.api('GET', '/readyz');
      return body.warnings.length > 0 && body;
    }, 'the warning');
    assert.equal(warnings.ready, true);
    assert.match(warnings.warnings[0], /answers 401; check that TEST_CLIENT holds .*; the last known flags hold$/);
    assert.equal(await servedBy(gateway), 'new');
    const stale = async () =>
      Number(/^banyan_flags_stale_seconds (\S+)$/m.exec((await gateway.api('GET', '/metrics')).body)?.[1]);
    await eventually(async () => (await stale()) > 0, 'the gauge to rise');
    const { flags } = (await gateway.api('GET', '/api/status')).body;
    assert.deepEqual([flags.provider, /401/.test(flags.problem)], ['unleash', true]);
    unleash.fault = undefined;
    await eventually(async () => (await stale()) === 0, 'the gauge to fall');
  });

  test('it starts while Unleash is away, then by the backup of its last run', async () => {
    const first = await start();
    await move(first, { stage: 'live' });
    await first.close();
    await unleash.close();
    const second = await start();
    assert.equal(await servedBy(second), 'new');
    assert.equal((await second.api('GET', ROUTE)).body.stage, 'live');
  });
});

test('workers on Unleash, then a stage moved through the API holds in all of them when it is answered, and one moved in Unleash soon', async () => {
  const workers = await closing(
    startWorkers({
      ...{ workers: 2, sides, folder, routes: [routeOn('/api/*')] },
      overrides: { flags: flagsOn(unleash) },
    }),
  );
  await workers.whole();
  const askAll = () => Promise.all(Array.from({ length: 30 }, () => ask(workers.url, '/api/x')));
  const isBy = async (side: string) => (await askAll()).every(({ by }) => by === side);
  assert.equal(await isBy('legacy'), true);
  const { body } = await workers.api('PUT', `${ROUTE}/stage`, { stage: 'live', reason: 'test' });
  assert.deepEqual(body.acknowledged, { ...body.acknowledged, workers: 2, of: 2 });
  assert.equal(await isBy('new'), true);
  unleash.flags.set(FLAG, aFlag(FLAG, 0));
  await eventually(() => isBy('legacy'), 'all workers to follow');
  assert.equal(await workers.metric('banyan_flags_stale_seconds'), 0);
});
