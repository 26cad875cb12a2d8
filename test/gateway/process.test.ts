// A gateway as its own process: how it starts, what it prints, how it stops.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '../helpers/deadline.ts';
import { spawnServer } from '../helpers/process.ts';
import { startUpstream, type TestServer } from '../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the gateway process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-process-'));
  const config = join(folder, 'banyan.yaml');
  let upstream: TestServer;
  let release: (() => void) | undefined;
  before(async () => {
    upstream = await startUpstream((incoming, outgoing) => {
      if (incoming.url === '/slow') release = () => outgoing.end('late');
      else outgoing.end('ok');
    });
    writeFileSync(
      config,
      `version: 1
listen: 127.0.0.1:0
operator:
  listen: 127.0.0.1:0
  tokens: [{ name: ops, role: admin, tokenEnv: TEST_TOKEN }]
upstreams:
  legacy: { url: ${upstream.url} }
  new: { url: ${upstream.url} }
flags: { provider: file, file: ${join(folder, 'flags.json')} }
ledger: sqlite:${join(folder, 'gateway.db')}
`,
    );
  });
  after(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const args of [['gateway/main.ts'], ['gateway/cli/main.ts', 'serve']]) {
    it(`started by ${args.join(' ')} prints its addresses as one JSON line and stops with 0 on SIGTERM`, async () => {
      const server = await spawnServer({
        args: [...args, '--config', config],
        cwd: ROOT,
        env: { TEST_TOKEN: 'secret' },
      });
      assert.deepEqual(Object.keys(server.listening), ['traffic', 'operator']);
      assert.equal(await (await fetch(`http://${server.listening.traffic}/x`)).text(), 'ok');
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
      assert.equal(server.stderr().includes('secret'), false);
    });
  }

  it('told to stop is unready at once, finishes what is in flight, and takes nothing new', async () => {
    const server = await spawnServer({
      args: ['gateway/main.ts', '--config', config],
      cwd: ROOT,
      env: { TEST_TOKEN: 'secret' },
    });
    const { traffic, operator } = server.listening;
    const slow = fetch(`http://${traffic}/slow`);
    await eventually(() => release !== undefined, 'the request in flight');
    server.kill('SIGTERM');
    await eventually(async () => (await fetch(`http://${operator}/readyz`)).status === 503, 'readyz to say no');
    await eventually(
      () =>
        fetch(`http://${traffic}/x`).then(
          () => false,
          () => true,
        ),
      'the listener to be closed',
    );
    // A service manager signals the whole group, and the launcher passes it on: it comes twice.
    server.kill('SIGTERM');
    server.kill('SIGINT');
    release?.();
    assert.equal(await (await within(slow, 'the answer in flight')).text(), 'late');
    assert.deepEqual(await within(server.exited, 'the process to end'), { code: 0, signal: null });
  });

  async function failing(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, ['gateway/main.ts', ...args], { cwd: ROOT, env: { ...process.env, ...env } });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await within(once(child, 'close'), 'the process to end');
    return { code, stderr };
  }

  it('without a configuration, with a bad one, or without its token exits 2 and says what to do', async () => {
    assert.match((await failing([])).stderr, /usage: node gateway\/main\.ts --config FILE/);
    const missing = await failing(['--config', join(folder, 'none.yaml')]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /none\.yaml:1:1: cannot be read/);
    const tokenless = await failing(['--config', config]);
    assert.equal(tokenless.code, 2);
    assert.match(tokenless.stderr, /operator\.tokens\[0\]\.tokenEnv: the environment variable TEST_TOKEN is not set/);
  });

  it('whose port is taken exits 1 and names it', async () => {
    const server = await spawnServer({
      args: ['gateway/main.ts', '--config', config],
      cwd: ROOT,
      env: { TEST_TOKEN: 'secret' },
    });
    const taken = join(folder, 'taken.yaml');
    const text = readFileSync(config, 'utf8');
    writeFileSync(
      taken,
      text.replace('listen: 127.0.0.1:0', `listen: ${server.listening.traffic}`).replace('gateway.db', 'other.db'),
    );
    const { code, stderr } = await failing(['--config', taken], { TEST_TOKEN: 'secret' });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`cannot listen on ${server.listening.traffic}.*another process listens there`));
    await server.stop();
  });
});
