// Who is told of what, by a real gateway process, and what comes of it when nobody listens.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../../gateway/cli/program.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway } from '../helpers/gateway.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { closedPort, sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const PLANS = {
  quick: {
    gates: { parity: { lowerBoundMin: 0.1, samplesMin: 3 } },
    steps: [
      { stage: 'shadow', leastMs: 0, gates: ['parity'] },
      { stage: 'canary', percent: 50, leastMs: 0, gates: ['manual'] },
      { stage: 'live', leastMs: 0 },
      { stage: 'complete', leastMs: 0 },
    ],
  },
};

interface Event {
  readonly type: string;
  readonly subject?: string;
  readonly data: { readonly severity: string; readonly sentence: string; readonly [name: string]: unknown };
}

describe('notifications', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-notifications-'));
  const files = {
    config: join(folder, 'banyan.json'),
    flags: join(folder, 'flags.json'),
    token: join(folder, 'token'),
  };
  const events: Event[] = [];
  const slack: { text: string }[] = [];
  const servers: TestServer[] = [];
  let isNewUp = true;
  let takes = true;
  let gateway: SpawnedServer;

  const start = async (listener: Parameters<typeof startUpstream>[0]) => {
    const server = await startUpstream(listener);
    servers.push(server);
    return server;
  };

  before(async () => {
    writeFileSync(files.token, OPERATOR_TOKEN);
    const hook = await start(async (incoming, outgoing) => {
      const event: Event = JSON.parse(await textOf(incoming));
      if (!takes) return void outgoing.writeHead(503).end();
      events.push(event);
      outgoing.writeHead(204).end();
    });
    const channel = await start(async (incoming, outgoing) => {
      slack.push(JSON.parse(await textOf(incoming)));
      outgoing.end('ok');
    });
    const legacy = await start((_, outgoing) => sendJson(outgoing, 200, {}));
    const fresh = await start((_, outgoing) => sendJson(outgoing, isNewUp ? 200 : 500, {}));
    const health = { path: '/', intervalMs: 20, healthyAfter: 1, unhealthyAfter: 1 };
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const ignore = [{ path: '$.x', reason: 'known', owner: 'trading', expires: yesterday }];
    const config = {
      version: 1,
      environment: 'test',
      listen: '127.0.0.1:0',
      operator: {
        listen: '127.0.0.1:0',
        publicUrl: 'https://banyan.example',
        tokens: [{ name: 'ops', role: 'admin', tokenEnv: 'TEST_TOKEN' }],
      },
      upstreams: { legacy: { url: legacy.url, health }, new: { url: fresh.url, health } },
      flags: { provider: 'file', file: files.flags },
      ledger: `sqlite:${join(folder, 'gateway.db')}`,
      identity: ['header:x-user-id', 'address'],
      shutdown: { delayMs: 0 },
      plans: PLANS,
      notifications: [
        { name: 'hook', kind: 'webhook', url: hook.url, secretEnv: 'TEST_SECRET', severity: 'info' },
        { name: 'channel', kind: 'slack', urlEnv: 'TEST_CHANNEL', severity: 'critical' },
      ],
      routes: [
        routeOn('/api/*', { plan: 'quick', guard: { enabled: false } }),
        routeOn('/other', { id: 'other.route', compare: { ignore } }),
      ],
    };
    writeFileSync(files.config, JSON.stringify(config));
    gateway = await spawnServer({
      args: ['gateway/main.ts', '--config', files.config],
      env: { TEST_TOKEN: OPERATOR_TOKEN, TEST_SECRET: SECRET, TEST_CHANNEL: channel.url },
    });
  });
  after(async () => {
    await gateway.stop();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function banyan(...args: string[]) {
    const out: string[] = [];
    const url = `http://${gateway.listening.operator}`;
    const output = { out: (text: string) => void out.push(text), err: (text: string) => void out.push(text) };
    const code = await runCli(['--url', url, '--token-file', files.token, ...args], output);
    return { code, out: out.join('\n') };
  }
  const told = (type: string) => {
    const find = () => {
      const index = events.findIndex((event) => event.type === `dev.banyan.${type}`);
      return index < 0 ? undefined : events.splice(index, 1)[0];
    };
    return eventually(find, `${type}; so far ${events.map((event) => event.type).join()}`);
  };

  it('tell at the start of rules that have expired', async () => {
    const { data, subject } = await told('rule.expired');
    assert.deepEqual([subject, data.severity], ['other.route', 'warning']);
    assert.match(data.sentence, /^other\.route: the rule ignore \$\.x \(trading\) expired on /);
  });

  it('tell of stages, rollbacks and their end, with who, why and a link', async () => {
    await banyan('stage', 'other.route', 'canary', '--percent', '5', '--reason', 'go');
    const promoted = await told('route.promoted');
    assert.equal(promoted.data.sentence, 'other.route: legacy -> canary 5 % by ops: go');
    assert.deepEqual(
      [promoted.data.severity, promoted.data.url, promoted.data.source],
      ['info', 'https://banyan.example/routes/other.route', 'cli'],
    );
    await banyan('rollback', 'other.route', '--reason', 'fire');
    const { data } = await told('route.rolled_back');
    assert.deepEqual([data.severity, data.sentence], ['warning', 'other.route: rolled back to legacy by ops: fire']);
    assert.ok(typeof data.evidence === 'object' && data.evidence !== null && 'traffic' in data.evidence);
    await banyan('rollback', 'other.route', '--lift', '--reason', 'out');
    assert.equal((await told('override.lifted')).data.severity, 'info');
    await banyan('stage', 'other.route', 'legacy', '--reason', 'enough');
    assert.equal((await told('route.moved_back')).data.sentence, 'other.route: canary 5 % -> legacy by ops: enough');
    await banyan('rollback', '--all', '--reason', 'panic');
    assert.equal((await told('route.rolled_back')).subject, '*');
    await banyan('rollback', '--all', '--lift', '--reason', 'out');
    await told('override.lifted');
  });

  it('tell of a plan: where it waits, how it goes on, and its end', async () => {
    await banyan('plan', 'test.route', 'start', '--reason', 'go');
    assert.match(
      (await told('route.held')).data.sentence,
      /^test\.route: the plan quick waits at step 1 of 4 \(shadow\): parity: /,
    );
    for (let i = 0; i < 10; i++) {
      await (
        await fetch(`http://${gateway.listening.traffic}/api/x`, { headers: { 'x-user-id': `${i}` } })
      ).arrayBuffer();
    }
    const held = await told('route.held');
    assert.match(held.data.sentence, /waits at step 2 of 4 \(canary 50 %\): manual: /);
    await banyan('promote', 'test.route', '--reason', 'fine');
    const completed = await told('plan.completed');
    assert.deepEqual([completed.subject, completed.data.severity], ['test.route', 'info']);
    assert.equal(events.filter(({ type }) => type === 'dev.banyan.route.promoted').length, 4);
    await banyan('plan', 'test.route', 'start', '--reason', 'again');
    await banyan('plan', 'test.route', 'abort', '--reason', 'no');
    assert.equal((await told('plan.aborted')).data.sentence, 'test.route: the plan quick is aborted: no');
  });

  it('tell of a side that is down, and of its return; who wants critical ones only gets the first', async () => {
    isNewUp = false;
    const { data } = await told('upstream.down');
    assert.match(data.sentence, /^new is down: http:\S+ answered 500$/);
    assert.equal(data.severity, 'critical');
    isNewUp = true;
    await told('upstream.up');
    await eventually(() => slack.length > 0, 'the message in the channel');
    assert.equal(slack.length, 1);
    assert.match(slack[0]?.text ?? '', /^\[test\] new is down/);
  });

  it('tell of flags that cannot be read, and of a configuration that is refused', async () => {
    writeFileSync(files.flags, '{');
    assert.match((await told('flags.lost')).data.sentence, /: the flags in force may be stale: .*flags\.json/);
    await banyan('stage', 'other.route', 'shadow', '--reason', 'x');
    writeFileSync(files.flags, JSON.stringify({ version: 2, features: [] }));
    await told('flags.back');
    writeFileSync(files.config, '{ "version": 7 }');
    assert.match(
      (await told('config.refused')).data.sentence,
      /the configuration is not in force: [\s\S]*version: expected 1$/,
    );
  });

  it('can be tried, and counted', async () => {
    const { code, out } = await banyan('notify', 'test');
    assert.deepEqual([code, out], [0, 'hook: taken\nchannel: taken']);
    assert.match((await told('test')).data.sentence, /^ops asked for this test; nothing has happened in test$/);
    assert.equal((await banyan('notify', 'test', 'nobody')).code, 2);
    assert.match((await banyan('notify')).out, /^hook +webhook +info +0 +\d+ +0 +0/m);
    const metrics = await (await fetch(`http://${gateway.listening.operator}/metrics`)).text();
    assert.match(metrics, /banyan_notifications_sent_total\{target="hook"\} \d\d/);
  });

  it('that do not arrive are a warning, and are tried once more at the end', async () => {
    takes = false;
    await banyan('rollback', 'other.route', '--reason', 'late');
    const warned = async () =>
      /warning +notifications to hook do not arrive: it answered 503; \d wait/.test((await banyan('status')).out);
    await eventually(warned, 'the warning');
    assert.deepEqual(
      [await banyan('notify', 'test', 'hook')].map(({ code, out }) => [code, out]),
      [[1, 'hook: not taken: it answered 503']],
    );
    takes = true;
    await within(gateway.stop(), 'the end');
    assert.ok(events.some(({ data }) => data.sentence === 'other.route: rolled back to legacy by ops: late'));
  });
});

describe('a gateway whose targets are dead', () => {
  const kept = closingAfterEach();

  it('serves, takes changes and ends as if there were none', async () => {
    process.env.TEST_SECRET = SECRET;
    const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const dead = { kind: 'webhook', url: `http://127.0.0.1:${await closedPort()}`, secretEnv: 'TEST_SECRET' };
    const routes = [routeOn('/api/*')];
    const overrides = { notifications: [{ ...dead, name: 'dead' }] };
    const gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes, overrides });
    delete process.env.TEST_SECRET;
    const rolledBack = await gateway.api('POST', '/api/routes/test.route/rollback', { reason: 'x' });
    assert.equal(rolledBack.status, 200);
    assert.equal((await fetch(`${gateway.url}/api/x`)).status, 200);
    const find = async () => {
      const { warnings } = (await gateway.api('GET', '/readyz')).body;
      return warnings.find((text: string) => text.startsWith('notifications to dead do not arrive: ECONNREFUSED'));
    };
    await eventually(find, 'the warning');
    await within(gateway.close(), 'the end');
  });
});

describe('gateways that share a Redis', () => {
  const kept = closingAfterEach();

  it('tell of a change and of a plan that waits once, whoever of them it was', async () => {
    process.env.TEST_SECRET = SECRET;
    const folder = mkdtempSync(join(tmpdir(), 'banyan-notifications-'));
    await kept({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const events: Event[] = [];
    const hook = await kept(
      startUpstream(async (incoming, outgoing) => {
        events.push(JSON.parse(await textOf(incoming)));
        outgoing.end();
      }),
    );
    const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const redis = await kept(startRedis());
    const overrides = {
      ledger: redis.url,
      flags: { provider: 'file', file: join(folder, 'flags.json') },
      plans: PLANS,
      notifications: [{ name: 'hook', kind: 'webhook', url: hook.url, secretEnv: 'TEST_SECRET', severity: 'info' }],
    };
    const routes = [routeOn('/api/*', { plan: 'quick' })];
    const open = () => kept(startTestGateway({ legacy: upstream.url, new: upstream.url, routes, overrides }));
    const gateways = [await open(), await open()] as const;
    delete process.env.TEST_SECRET;
    const [, follower] = gateways;
    const started = await follower.api(
      'POST',
      '/api/routes/test.route/plan',
      { action: 'start', reason: 'go' },
      { 'if-match': '*' },
    );
    assert.equal(started.status, 200);
    const count = (type: string) => events.filter((event) => event.type === `dev.banyan.${type}`).length;
    await eventually(() => count('route.held') > 0, 'the plan to wait');
    await follower.api('POST', '/api/routes/test.route/rollback', { reason: 'fire' });
    for (const gateway of gateways) {
      const isForced = async () => (await gateway.api('GET', '/api/routes/test.route')).body.override !== null;
      await eventually(isForced, 'both to follow');
    }
    await eventually(() => count('route.rolled_back') > 0, 'the rollback');
    for (const gateway of gateways) await gateway.api('POST', '/api/notifications/test', {}); // What came before is there then.
    assert.deepEqual(['route.held', 'route.rolled_back'].map(count), [1, 1]);
  });
});

async function textOf(incoming: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
