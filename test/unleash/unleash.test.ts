// A gateway on a real Unleash server, where one is installed (`npm run test:unleash`).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN } from '../helpers/unleash.ts';
import { startUpstream, type TestServer } from '../helpers/upstream.ts';
import { type RealUnleash, skipped, startUnleash } from './server.ts';

interface Environment {
  readonly name: string;
  readonly enabled: boolean;
  readonly strategies: readonly {
    readonly id: string;
    readonly name: string;
    readonly parameters: { readonly rollout: string };
    readonly [more: string]: unknown;
  }[];
}

describe('a real Unleash server', { skip: skipped }, () => {
  let unleash: RealUnleash;
  let sides: readonly [TestServer, TestServer];
  let folder: string;
  let run = 0;
  let id = '';
  const closing = closingAfterEach();
  before(async () => {
    process.env.TEST_CLIENT = CLIENT_TOKEN;
    process.env.TEST_ADMIN = ADMIN_TOKEN;
    unleash = await startUnleash();
    const answer = () => startUpstream((_, outgoing) => outgoing.end('{}'));
    sides = [await answer(), await answer()];
  });
  after(async () => {
    delete process.env.TEST_CLIENT;
    delete process.env.TEST_ADMIN;
    await Promise.all([unleash?.close(), ...(sides ?? []).map((side) => side.close())]);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-unleash-'));
    id = `route.${++run}`; // Flags of its own for each test.
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = (extra: object = {}): Promise<TestGateway> =>
    closing(
      startTestGateway({
        ...{ legacy: sides[0].url, new: sides[1].url, folder },
        routes: [routeOn('/api/*', { id, ...extra })],
        overrides: {
          flags: {
            ...{
              provider: 'unleash',
              url: unleash.url,
              environment: 'development',
              backupFile: join(folder, 'backup'),
            },
            ...{ tokenEnv: 'TEST_CLIENT', adminTokenEnv: 'TEST_ADMIN' },
          },
        },
      }),
    );
  const sideOf = async ({ url }: TestGateway, user = 'u') =>
    (await fetch(`${url}/api/x`, { headers: { 'x-user-id': user } })).headers.get('x-banyan-side');
  const move = async (gateway: TestGateway, body: object) =>
    gateway.api('PUT', `/api/routes/${id}/stage`, { reason: 'test', ...body }, { 'if-match': '*' });
  const stage = async (gateway: TestGateway) => (await gateway.api('GET', `/api/routes/${id}`)).body;
  const inEnvironment = (flag = id) => `/projects/default/features/${flag}/environments/development`;
  async function stored(flag = id): Promise<Environment> {
    return (await unleash.admin('GET', inEnvironment(flag))) as Environment;
  }
  const moves = async (gateway: TestGateway) =>
    (await gateway.api('GET', '/api/audit')).body.entries.map(({ source }: { source: string }) => source);

  test('a new route, then its flags are gradual rollouts in Unleash, and a second start leaves them alone', async () => {
    const gateway = await start({ group: 'trade', initialStage: 'shadow', mirror: { samplePercent: 30 } });
    const [flag, mirror] = [await stored(), await stored(`${id}.mirror`)];
    const rollout = { name: 'flexibleRollout', constraints: [] };
    const parameters = { rollout: '0', stickiness: 'userId', groupId: 'trade' };
    const { strategies } = flag;
    assert.equal(flag.enabled, false);
    assert.deepEqual(
      strategies.map(({ name, constraints, parameters: own }) => ({ name, constraints, parameters: own })),
      [{ ...rollout, parameters }],
    );
    assert.deepEqual([mirror.enabled, mirror.strategies[0]?.parameters.rollout], [true, '100']);
    assert.equal((await stage(gateway)).stage, 'shadow');
    await move(gateway, { stage: 'canary', percent: 40 });
    await gateway.close();
    const again = await start({ group: 'trade', initialStage: 'shadow' });
    const { stage: kept, percent } = await stage(again);
    assert.deepEqual([kept, percent], ['canary', 40]);
  });

  test('a stage through the API, then it holds at once and stays while the server catches up', async () => {
    const gateway = await start();
    assert.equal(await sideOf(gateway), 'legacy');
    for (const [to, side] of [
      ['live', 'new'],
      ['legacy', 'legacy'],
      ['complete', 'new'],
    ] as const) {
      assert.equal((await move(gateway, { stage: to })).status, 200);
      const until = Date.now() + 2_500; // Longer than the server and the gateway take to look, one after the other.
      while (Date.now() < until) assert.equal(await sideOf(gateway), side, to);
      assert.equal((await stage(gateway)).stage, to);
    }
    assert.deepEqual(new Set(await moves(gateway)), new Set(['api']));
  });

  test('flipped in Unleash, then requests follow, and it is audited', async () => {
    const gateway = await start();
    const [strategy] = (await stored()).strategies;
    const { id: strategyId, ...rest } = strategy ?? { id: '' };
    const parameters = { rollout: '100', stickiness: 'userId', groupId: id };
    await unleash.admin('PUT', `${inEnvironment()}/strategies/${strategyId}`, { ...rest, parameters });
    await unleash.admin('POST', `${inEnvironment()}/on`);
    await eventually(async () => (await sideOf(gateway)) === 'new', 'requests to follow');
    await eventually(async () => (await moves(gateway)).includes('flags'), 'the entry');
    await unleash.admin('POST', `${inEnvironment()}/off`);
    await eventually(async () => (await sideOf(gateway)) === 'legacy', 'requests to follow');
  });

  test('below 1 %, then Unleash shows both parts and keeps them, until it is whole per cents again', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'canary', percent: 0.4 });
    const split = async () => {
      const variants = (await stored()).strategies[0]?.variants as readonly { name: string; weight: number }[];
      return variants.map(({ name, weight }) => [name, weight]);
    };
    assert.deepEqual(await split(), [
      ['legacy', 600],
      ['new', 400],
    ]);
    await eventually(async () => (await gateway.api('GET', '/readyz')).body.warnings.length === 0, 'it to be well');
    assert.equal((await stage(gateway)).percent, 0.4);
    assert.deepEqual((await stage(gateway)).attention, []);
    await move(gateway, { stage: 'canary', percent: 2 });
    assert.deepEqual(await split(), []);
  });

  test('constraints made in Unleash, then they are evaluated, shown and not rewritten', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'canary', percent: 50 });
    const [strategy] = (await stored()).strategies;
    const { id: strategyId, ...rest } = strategy ?? { id: '' };
    const only = { contextName: 'userId', operator: 'IN', values: ['vip'], inverted: false };
    const parameters = { rollout: '100', stickiness: 'userId', groupId: id };
    await unleash.admin('PUT', `${inEnvironment()}/strategies/${strategyId}`, {
      ...rest,
      parameters,
      constraints: [only],
    });
    await eventually(async () => (await sideOf(gateway, 'vip')) === 'new', 'the constraint to count');
    await eventually(async () => (await sideOf(gateway, 'other')) === 'legacy', 'the constraint to count');
    assert.match((await stage(gateway)).attention[0].sentence, /was changed by hand: it has constraints;/);
    const asMade = await stored();
    const { status, body } = await move(gateway, { stage: 'live' });
    assert.equal(status, 409);
    assert.match(body.detail, /is not rewritten: it has constraints/);
    assert.deepEqual(await stored(), asMade);
  });

  test('archived in Unleash, then it is off and it says what to do', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'live' });
    await unleash.admin('DELETE', `/projects/default/features/${id}`);
    await eventually(async () => (await sideOf(gateway)) === 'legacy', 'the flag to be off');
    const { warnings } = (await gateway.api('GET', '/readyz')).body;
    assert.match(warnings[0], new RegExp(`does not answer these flags, and so they are off: ${id};`));
    const { status, body } = await move(gateway, { stage: 'live' });
    assert.deepEqual([status, /archived/.test(body.detail)], [409, true]);
  });

  test('the server stops, then the flags hold, a start takes those of the backup, and it is followed again once it is back', async () => {
    const gateway = await start();
    await move(gateway, { stage: 'live' });
    await unleash.stop();
    await eventually(async () => (await gateway.api('GET', '/readyz')).body.warnings.length > 0, 'the warning');
    assert.equal(await sideOf(gateway), 'new');
    assert.equal((await move(gateway, { stage: 'legacy' })).status, 502);
    await gateway.close();
    const offline = await start();
    assert.equal(await sideOf(offline), 'new');
    await unleash.start();
    await eventually(async () => (await warningsOf(offline)) === 0, 'the server to be found', 20_000);
    assert.equal((await move(offline, { stage: 'legacy' })).status, 200);
    assert.equal(await sideOf(offline), 'legacy');
  });

  const warningsOf = async (gateway: TestGateway) => (await gateway.api('GET', '/readyz')).body.warnings.length;
});
