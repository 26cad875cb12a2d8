// Switches of the new side between two versions of its backend, over real sockets, under load.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EXIT } from '../../gateway/cli/exit.ts';
import { runCli } from '../../gateway/cli/program.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LIVE = routeOn('/*', { initialStage: 'live', streams: { onFlip: 'drain', drainMs: 1, jitterMs: 0 } });
const ANY = { 'if-match': '*' };
const DEPLOY = { canaryPercent: 50, canaryMs: 100, watchMs: 200, samplesMin: 30, latencyRatioMax: 100 };

/** A version of the backend that says its name; whether it is well and fails can be changed. */
async function startVersion(name: string) {
  const version = { isHealthy: true, status: 200, streams: new Set<ServerResponse>() };
  const server = await startUpstream((incoming, outgoing) => {
    if (incoming.url === '/health') sendJson(outgoing, version.isHealthy ? 200 : 503, {});
    else if (incoming.url === '/events') {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      outgoing.write(`data: ${name}\n\n`);
      version.streams.add(outgoing);
    } else sendJson(outgoing, version.status, { name });
  });
  return Object.assign(version, { server });
}

describe('a deployment of another version of the new backend', () => {
  let legacy: TestServer;
  let blue: Awaited<ReturnType<typeof startVersion>>;
  let green: Awaited<ReturnType<typeof startVersion>>;

  before(async () => {
    legacy = await startUpstream((_, outgoing) => sendJson(outgoing, 200, { name: 'legacy' }));
    blue = await startVersion('blue');
    green = await startVersion('green');
  });
  after(async () => {
    for (const server of [legacy, blue.server, green.server]) await server.close();
  });

  function start(deploy: object = {}, overrides: object = {}): Promise<TestGateway> {
    Object.assign(green, { isHealthy: true, status: 200 });
    Object.assign(blue, { isHealthy: true, status: 200 });
    const versions = { blue: blue.server.url, green: green.server.url };
    const fresh = { url: blue.server.url, health: { intervalMs: 100 }, deploy: { ...DEPLOY, ...deploy, versions } };
    return startTestGateway({
      ...{ legacy: legacy.url, new: blue.server.url, routes: [LIVE] },
      overrides: { ...overrides, upstreams: { legacy: { url: legacy.url }, new: fresh } },
    });
  }

  const statusOf = async (gateway: TestGateway) =>
    (await gateway.api('GET', '/api/deployment')).body.deployment?.status;
  const servedBy = async (gateway: TestGateway, user = 'u') =>
    ((await (await fetch(`${gateway.url}/x`, { headers: { 'x-user-id': user } })).json()) as { name: string }).name;

  /** Asks again and again, as several users, until told to stop; answers what they got. */
  function load(gateway: TestGateway) {
    const seen: Record<string, number> = {};
    let isOver = false;
    const user = async (id: number) => {
      for (let i = 0; !isOver; i++) {
        const answer = await fetch(`${gateway.url}/x`, { headers: { 'x-user-id': `${id} ${i % 20}` } });
        const { name } = (await answer.json()) as { name: string };
        const key = `${answer.status} ${name}`;
        seen[key] = (seen[key] ?? 0) + 1;
      }
    };
    const users = Promise.all([1, 2, 3, 4].map(user));
    return {
      seen,
      async stop() {
        isOver = true;
        await users;
        return seen;
      },
    };
  }

  it('switches by a canary without one failed request, and keeps the outgoing version until it is sure', async () => {
    const gateway = await start();
    try {
      assert.equal(await servedBy(gateway), 'blue');
      const traffic = load(gateway);
      const { status, body } = await gateway.api('POST', '/api/deployment', { version: 'green', reason: 'v2' }, ANY);
      assert.equal(status, 200);
      assert.equal(body.deployment.status, 'canary');
      assert.deepEqual(
        body.versions.map(({ version, percent }: { version: string; percent: number }) => [version, percent]),
        [
          ['blue', 50],
          ['green', 50],
        ],
      );
      await eventually(async () => (await statusOf(gateway)) === 'done', 'the deployment to be done');
      const seen = await traffic.stop();
      assert.deepEqual(Object.keys(seen).sort(), ['200 blue', '200 green']);
      assert.equal(await servedBy(gateway), 'green');
      const { entries } = (await gateway.api('GET', '/api/audit')).body;
      const moves = entries.filter(({ action }: { action: string }) => action === 'deploy');
      assert.deepEqual(
        moves.map(({ actor, after }: { actor: string; after: { status: string } }) => [actor, after.status]),
        [
          ['guard', 'done'],
          ['guard', 'watching'],
          ['ops', 'canary'],
        ],
      );
      const metrics = (await gateway.api('GET', '/metrics')).body;
      assert.match(metrics, /banyan_upstream_version_share\{version="green"\} 1\n/);
      assert.match(metrics, /banyan_upstream_version_share\{version="blue"\} 0\n/);
    } finally {
      await gateway.close();
    }
  });

  it('goes back by itself when the incoming version fails its requests', async () => {
    const gateway = await start({ canaryMs: 60_000 });
    green.status = 500;
    try {
      const traffic = load(gateway);
      await gateway.api('POST', '/api/deployment', { version: 'green', reason: 'bad build' }, ANY);
      await eventually(async () => (await statusOf(gateway)) === 'returned', 'the return');
      await traffic.stop();
      for (let user = 0; user < 20; user++) assert.equal(await servedBy(gateway, String(user)), 'blue');
      const { deployment } = (await gateway.api('GET', '/api/deployment')).body;
      assert.equal(deployment.actor, 'guard');
      assert.match(deployment.reason, /^green failed \d+ of \d+ served requests: .* more than blue beyond doubt/);
    } finally {
      await gateway.close();
    }
  });

  it('goes back by itself when the incoming version stops answering its health check after the switch', async () => {
    const gateway = await start({ watchMs: 60_000 });
    try {
      await gateway.api('POST', '/api/deployment', { version: 'green', percent: 100, reason: 'v2' }, ANY);
      assert.equal(await servedBy(gateway), 'green');
      green.isHealthy = false;
      await eventually(async () => (await statusOf(gateway)) === 'returned', 'the return');
      assert.equal(await servedBy(gateway), 'blue');
    } finally {
      await gateway.close();
    }
  });

  it('does not begin with a version that is not well, not known, serving, or beside another deployment', async () => {
    const gateway = await start({ canaryMs: 60_000 });
    const begin = (version: string, headers: Record<string, string> = ANY) =>
      gateway.api('POST', '/api/deployment', { version, reason: 'v2' }, headers);
    try {
      green.isHealthy = false;
      const unwell = await begin('green');
      assert.equal(unwell.status, 422);
      assert.match(unwell.body.detail, /^green is not well: .*\/health answered 503$/);
      green.isHealthy = true;
      assert.equal((await begin('pink')).status, 400);
      assert.equal((await begin('blue')).status, 409);
      assert.equal((await begin('green', { 'if-match': '"7"' })).status, 412);
      assert.equal((await begin('green', { 'if-match': '"0"' })).status, 200);
      assert.equal((await begin('green')).status, 409);
      assert.equal((await gateway.api('DELETE', '/api/deployment?reason=enough')).body.durable, true);
      assert.equal((await gateway.api('DELETE', '/api/deployment?reason=enough')).status, 409);
    } finally {
      await gateway.close();
    }
  });

  it('ends streams of the outgoing version as onFlip says', async () => {
    const gateway = await start({ watchMs: 60_000 });
    try {
      const events = await fetch(`${gateway.url}/events`, { headers: { accept: 'text/event-stream' } });
      const reader = (events.body as ReadableStream<Uint8Array>).getReader();
      assert.match(new TextDecoder().decode((await reader.read()).value), /data: blue/);
      await gateway.api('POST', '/api/deployment', { version: 'green', percent: 100, reason: 'v2' }, ANY);
      await within(
        (async () => {
          while (!(await reader.read()).done);
        })(),
        'the end of the stream',
      );
    } finally {
      await gateway.close();
    }
  });

  it('is followed by workers', async () => {
    const gateway = await start({ watchMs: 60_000 }, { workers: 2, log: { level: 'silent' } });
    try {
      const asked = { version: 'green', percent: 100, reason: 'v2' };
      const { body } = await gateway.api('POST', '/api/deployment', asked, ANY);
      assert.deepEqual(body.acknowledged, { workers: 2, of: 2 });
      for (let i = 0; i < 10; i++) assert.equal(await servedBy(gateway), 'green');
    } finally {
      await gateway.close();
    }
  });

  it('is followed by a gateway that shares the ledger, as is its return', async () => {
    const redis = await startRedis();
    const ledger = redis.url;
    const [one, two] = [await start({ watchMs: 60_000 }, { ledger }), await start({ watchMs: 60_000 }, { ledger })];
    try {
      await one.api('POST', '/api/deployment', { version: 'green', percent: 100, reason: 'v2' }, ANY);
      await eventually(async () => (await servedBy(two)) === 'green', 'the other to follow');
      await two.api('DELETE', '/api/deployment', { reason: 'not good' });
      await eventually(async () => (await servedBy(one)) === 'blue', 'the first to follow');
    } finally {
      await one.close();
      await two.close();
      await redis.close();
    }
  });

  it('is what it was after a kill -9 in its middle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-deployment-'));
    const file = join(folder, 'banyan.yaml');
    Object.assign(green, { isHealthy: true, status: 200 });
    writeFileSync(
      file,
      `version: 1
listen: 127.0.0.1:0
operator: { listen: "127.0.0.1:0", tokens: [{ name: ops, role: admin, tokenEnv: TEST_TOKEN }] }
upstreams:
  legacy: { url: "${legacy.url}" }
  new:
    url: "${blue.server.url}"
    health: { intervalMs: 100 }
    deploy: { versions: { blue: "${blue.server.url}", green: "${green.server.url}" }, watchMs: 600000 }
flags: { provider: file, file: ${join(folder, 'flags.json')} }
ledger: sqlite:${join(folder, 'gateway.db')}
log: { level: silent }
routes: [{ id: all, initialStage: live, match: { methods: [GET], path: /* } }]
`,
    );
    const spawn = () =>
      spawnServer({ args: ['gateway/main.ts', '--config', file], cwd: ROOT, env: { TEST_TOKEN: 'secret' } });
    const banyan = async (server: SpawnedServer, ...args: string[]) => {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, 'secret');
      const said: string[] = [];
      const say = (text: string) => void said.push(text);
      const at = ['--url', `http://${server.listening.operator}`, '--token-file', tokenFile];
      const code = await runCli([...at, 'deploy', ...args], { out: say, err: say });
      return { code, said: said.join('\n') };
    };
    const nameOf = async (server: SpawnedServer) =>
      ((await (await fetch(`http://${server.listening.traffic}/x`)).json()) as { name: string }).name;

    let server = await spawn();
    try {
      const trial = await banyan(server, 'green', '--reason', 'v2', '--dry-run');
      assert.deepEqual([trial.code, /^would POST \/api\/deployment/.test(trial.said)], [0, true]);
      green.isHealthy = false;
      assert.equal((await banyan(server, 'green', '--reason', 'v2')).code, EXIT.gateNotMet);
      green.isHealthy = true;
      const begun = await banyan(server, 'green', '--reason', 'v2', '--percent', '100', '--wait', '0');
      assert.equal(begun.code, EXIT.timedOut, begun.said);
      assert.equal(await nameOf(server), 'green');
      server.kill('SIGKILL');
      await server.exited;
      server = await spawn();
      assert.equal(await nameOf(server), 'green');
      assert.match((await banyan(server)).said, /blue -> green: watching since/);
      const again = await banyan(server, 'green', '--reason', 'again');
      assert.equal(again.code, EXIT.conflict, again.said);
      green.isHealthy = false;
      await eventually(async () => (await nameOf(server)) === 'blue', 'the return');
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
