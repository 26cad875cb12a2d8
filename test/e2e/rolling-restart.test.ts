// Gateways replaced one after the other under load, behind a balancer that only knows which ports take connections.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Pool } from 'undici';
import { within } from '../helpers/deadline.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startUpstream, type TestServer } from '../helpers/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RESTARTS = 4;
const CLIENTS = 16;

/** A TCP balancer: each connection goes to the first backend, in turn, that takes it. */
async function startBalancer(backends: readonly (() => string)[]) {
  let turn = 0;
  const dial = (client: Socket, tries: number): void => {
    const [host, port] = (backends[turn++ % backends.length]?.() ?? '').split(':');
    const upstream = connect(Number(port), host);
    upstream.once('connect', () => {
      client.pipe(upstream);
      upstream.pipe(client);
    });
    upstream.once('error', () => {
      if (upstream.connecting === false && upstream.bytesWritten > 0) client.destroy();
      else if (tries > 0) dial(client, tries - 1);
      else client.destroy();
    });
    upstream.once('close', () => client.end());
    client.once('close', () => upstream.destroy());
  };
  const server = createServer({ allowHalfOpen: false }, (client) => {
    client.on('error', () => {});
    dial(client, backends.length * 2);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` };
}

describe('a rolling restart under load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-rolling-'));
  const gateways: SpawnedServer[] = [];
  let upstream: TestServer;
  before(async () => {
    upstream = await startUpstream((incoming, outgoing) => {
      incoming.resume();
      incoming.on('end', () => setTimeout(() => outgoing.end('ok'), 5));
    });
    for (let i = 0; i < 2; i++) gateways.push(await start(i));
  });
  after(async () => {
    for (const gateway of gateways) await gateway.stop();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(index: number): Promise<SpawnedServer> {
    const file = join(folder, `${index}.yaml`);
    writeFileSync(
      file,
      `version: 1
listen: 127.0.0.1:0
operator: { listen: "127.0.0.1:0", tokens: [{ name: ops, role: admin, tokenEnv: TEST_TOKEN }] }
upstreams: { legacy: { url: "${upstream.url}" }, new: { url: "${upstream.url}" } }
flags: { provider: file, file: ${join(folder, `${index}.flags.json`)} }
ledger: sqlite:${join(folder, `${index}.db`)}
shutdown: { delayMs: 300 }
log: { level: warn }
`,
    );
    return spawnServer({ args: ['gateway/main.ts', '--config', file], cwd: ROOT, env: { TEST_TOKEN: 'secret' } });
  }

  it('fails not one request, reads and writes alike', async () => {
    const { server, url } = await startBalancer([0, 1].map((index) => () => gateways[index]?.listening.traffic ?? ''));
    const pool = new Pool(url, { connections: CLIENTS });
    let done = false;
    let answered = 0;
    const failures: string[] = [];
    const client = async (number: number) => {
      for (let i = 0; !done; i++) {
        const isWrite = (i + number) % 3 === 0;
        try {
          const response = await pool.request({
            path: '/x',
            method: isWrite ? 'POST' : 'GET',
            body: isWrite ? 'body' : null,
          });
          const text = await response.body.text();
          if (response.statusCode !== 200 || text !== 'ok') failures.push(`${response.statusCode} ${text}`);
          answered++;
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
    try {
      for (let i = 0; i < RESTARTS; i++) {
        const index = i % 2;
        const stopping = gateways[index];
        const replacement = await start(index + 2 * (i + 1));
        gateways[index] = replacement;
        assert.deepEqual(await within(stopping?.stop() ?? Promise.reject(), 'the old gateway to stop', 20_000), {
          code: 0,
          signal: null,
        });
      }
    } finally {
      done = true;
      await within(Promise.all(clients), 'the clients');
      await pool.close();
      server.close();
    }
    assert.deepEqual(failures, []);
    assert.ok(answered > 500, `${answered} requests`);
  });
});
