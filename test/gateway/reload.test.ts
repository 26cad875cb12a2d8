// The configuration read anew while requests are served.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createBrowser } from '../helpers/browser.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('a running gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-reload-'));
  const file = join(folder, 'banyan.yaml');
  const upstreams: TestServer[] = [];
  let server: SpawnedServer;
  let release: (() => void) | undefined;

  let tokens = '{ name: ops, role: admin, tokenEnv: TEST_TOKEN }';
  const yaml = (legacy: TestServer, routes: string, listen = '127.0.0.1:0') => `version: 1
listen: ${listen}
expose: true
operator: { listen: "127.0.0.1:0", tokens: [${tokens}] }
upstreams: { legacy: { url: "${legacy.url}" }, new: { url: "${legacy.url}" } }
flags: { provider: file, file: ${join(folder, 'flags.json')} }
ledger: sqlite:${join(folder, 'gateway.db')}
routes:
${routes}`;
  const oneRoute = '  - { id: first, match: { methods: [GET], path: /first } }\n';
  const twoRoutes = `${oneRoute}  - { id: second, initialStage: live, match: { methods: [GET], path: /second } }\n`;

  before(async () => {
    for (const name of ['one', 'two']) {
      upstreams.push(
        await startUpstream((incoming, outgoing) => {
          if (incoming.url === '/slow') release = () => sendJson(outgoing, 200, { name });
          else sendJson(outgoing, 200, { name });
        }),
      );
    }
    writeFileSync(file, yaml(upstreams[0] as TestServer, oneRoute));
    server = await spawnServer({
      args: ['gateway/main.ts', '--config', file],
      cwd: ROOT,
      env: { TEST_TOKEN: 'secret' },
    });
  });
  after(async () => {
    await server.stop();
    for (const upstream of upstreams) await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = (path: string) => fetch(`http://${server.listening.traffic}${path}`);
  const routeOf = async (path: string) => (await get(path)).headers.get('x-banyan-route');
  const warnings = async () =>
    (await (await fetch(`http://${server.listening.operator}/readyz`)).json()) as { warnings: string[] };

  it('follows an edit of its file: new routes with their flags', async () => {
    assert.equal(await routeOf('/second'), 'unrouted');
    writeFileSync(file, yaml(upstreams[0] as TestServer, twoRoutes));
    await eventually(async () => (await routeOf('/second')) === 'second', 'the new route');
    await eventually(async () => (await get('/second')).headers.get('x-banyan-side') === 'new', 'its initial stage');
  });

  it('keeps the last good configuration when the file is wrong, says so, and recovers', async () => {
    writeFileSync(file, 'version: 1\nlisten: nonsense\n');
    const { warnings: told } = await eventually(async () => {
      const answer = await warnings();
      return answer.warnings.length > 0 && answer;
    }, 'a warning');
    assert.match(told[0] ?? '', /banyan\.yaml:2:9: listen: expected HOST:PORT/);
    assert.equal(await routeOf('/second'), 'second');
    writeFileSync(file, yaml(upstreams[0] as TestServer, twoRoutes));
    await eventually(async () => (await warnings()).warnings.length === 0, 'the warning to go');
  });

  it('lets nobody in by a token that has left its file, nor by a session of it', async () => {
    const operator = `http://${server.listening.operator}`;
    const browser = createBrowser(operator);
    assert.equal((await browser.send('POST', '/api/session', { token: 'secret' })).status, 200);
    const byToken = (token: string) =>
      fetch(`${operator}/api/routes`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await byToken('secret')).status, 200);
    const before = tokens;
    const tokenSha256 = createHash('sha256').update('another').digest('hex');
    tokens = `{ name: desk, role: viewer, tokenSha256: ${tokenSha256} }`;
    writeFileSync(file, yaml(upstreams[0] as TestServer, twoRoutes));
    await eventually(async () => (await browser.send('GET', '/api/routes')).status === 401, 'the end of the session');
    assert.equal((await byToken('another')).status, 200);
    assert.equal((await byToken('secret')).status, 401);
    tokens = before;
    writeFileSync(file, yaml(upstreams[0] as TestServer, twoRoutes));
    await eventually(async () => (await byToken('another')).status === 401, 'the old tokens');
    assert.equal((await byToken('secret')).status, 200);
    assert.equal((await browser.send('GET', '/api/routes')).status, 401, 'a session does not come back');
  });

  it('refuses what needs a restart and says what', async () => {
    writeFileSync(file, yaml(upstreams[0] as TestServer, oneRoute, '127.0.0.1:1'));
    server.kill('SIGHUP');
    const { warnings: told } = await eventually(async () => {
      const answer = await warnings();
      return answer.warnings.length > 0 && answer;
    }, 'a warning');
    assert.match(told[0] ?? '', /listen cannot change while running; restart the gateway/);
    assert.equal(await routeOf('/second'), 'second', 'and nothing else of it is in force');
  });

  it('sends new requests to a new backend, and finishes old ones where they began, losing none', async () => {
    writeFileSync(file, yaml(upstreams[0] as TestServer, twoRoutes));
    const slow = get('/slow');
    await eventually(() => release !== undefined, 'the request in flight');
    let stop = false;
    let failed = 0;
    const traffic = (async () => {
      while (!stop) if ((await get('/first')).status !== 200) failed++;
    })();
    writeFileSync(file, yaml(upstreams[1] as TestServer, twoRoutes));
    const name = async () => ((await (await get('/first')).json()) as { name: string }).name;
    await eventually(async () => (await name()) === 'two', 'the new backend');
    release?.();
    assert.deepEqual(await (await within(slow, 'the old request')).json(), { name: 'one' });
    stop = true;
    await traffic;
    assert.equal(failed, 0);
    // The log is written in batches: its last lines come later than what they tell of.
    const told = () => server.stderr().split('"msg":"configuration"').length - 1;
    await eventually(() => told() >= 3, 'the log of the reloads');
  });
});
