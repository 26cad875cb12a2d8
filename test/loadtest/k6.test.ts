// The scripts as k6 itself runs them: every profile, in small, on the whole sandbox; and that they can fail.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadReport } from '../../config/load-report.ts';
import { runCli } from '../../loadtest/cli.ts';
import { findK6 } from '../../loadtest/find-k6.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { dataFolder } from '../sandbox/postgres/postgres.ts';

const withoutK6 = findK6() === undefined && 'there is no k6 v2 here: npm run loadtest -- install';
/** No machine is so slow; how fast one is, is not tested. */
const NO_LIMIT = ['--p95-max-ms', '60000'];

async function loadtest(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const output = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const code = await runCli(args, output, new AbortController().signal);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('k6 on the sandbox', { skip: withoutK6 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-k6-'));
  let sandbox: SpawnedServer;
  let urls: readonly string[];
  before(async () => {
    const args = ['test/sandbox/start.ts', '--data', folder, '--port-base', '0'];
    sandbox = await spawnServer({ args, readyMs: 60_000, stopMs: 30_000 });
    process.env.BANYAN_OPERATOR_TOKEN = readFileSync(join(folder, 'operator.token'), 'utf8');
    const { legacy, new: fresh, traffic } = sandbox.listening;
    urls = ['--legacy', `http://${legacy}`, '--new', `http://${fresh}`, '--gateway', `http://${traffic}`];
  });
  after(async () => {
    delete process.env.BANYAN_OPERATOR_TOKEN;
    await sandbox?.stop();
    rmSync(dataFolder(join(folder, 'postgres')), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });
  const small = () => [...urls, '--seconds', '2', '--rate', '10', '--streams', '2'];

  for (const profile of ['smoke', 'steady', 'spike', 'soak', 'stress', 'streams']) {
    it(`runs the profile ${profile}, and nothing fails`, async () => {
      const { code, out, err } = await loadtest('run', profile, ...small(), ...NO_LIMIT);
      assert.equal(code, 0, err);
      assert.match(out, /^trade\.order\.get {2}gateway {2}legacy {2}\d+ {2}0 /m);
    });
  }

  it('asks a side itself', async () => {
    const { code, out, err } = await loadtest('run', 'smoke', ...small(), '--target', 'new', ...NO_LIMIT);
    assert.equal(code, 0, err);
    assert.match(out, /^trade\.order\.cancel {2}new {2}new {2}\d+ {2}0 /m);
  });

  it('flips routes under load without a failure, and puts them back', async () => {
    const operator = ['--operator', `http://${sandbox.listening.operator}`];
    const { code, out, err } = await loadtest('run', 'flip', ...small(), ...operator);
    assert.equal(code, 0, err);
    assert.match(err, /flips\.+: 45 /);
    assert.match(out, /^market\.ticker {2}gateway {2}new /m);
    const headers = { authorization: `Bearer ${process.env.BANYAN_OPERATOR_TOKEN}` };
    const response = await fetch(`http://${sandbox.listening.operator}/api/routes`, { headers });
    const { routes } = (await response.json()) as { routes: { stage: string; override: unknown }[] };
    assert.deepEqual(
      routes.filter(({ stage, override }) => stage !== 'legacy' || override !== null),
      [],
    );
  });

  it('compares the targets and writes what came of it', async () => {
    const out = join(folder, 'report');
    const { code, err } = await loadtest('compare', ...small(), '--rounds', '2', '--out', out);
    const report = loadReport.parse(JSON.parse(readFileSync(join(out, 'compare.json'), 'utf8')));
    assert.ok(report, err);
    assert.equal(code, report.met ? 0 : 6);
    assert.equal(report.arms.length, 3 * 6);
    assert.deepEqual(
      report.arms.filter(({ failed, rounds }) => failed > 0 || rounds.length !== 2),
      [],
    );
  });
});

describe('k6 on a target that fails', { skip: withoutK6 }, () => {
  /** Answers as the sandbox's backends do, and then no more: with 500 after so many requests. */
  async function withTarget<T>(answersMax: number, work: (url: string) => Promise<T>): Promise<T> {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      response.statusCode = asked > answersMax ? 500 : 200;
      const body = request.url?.includes('/orders/') ? { orders: [{ order_id: 'a' }] } : { price: '10' };
      response.end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const run = (url: string) =>
    loadtest('run', 'smoke', '--target', 'legacy', '--legacy', url, '--seconds', '2', '--rate', '10', '--no-writes');

  it('is exit code 6, and says what failed', async () => {
    const { code, err } = await withTarget(20, run);
    assert.equal(code, 6, err);
    assert.match(err, /GET \/api\/\S+: 500/);
  });

  it('from the first request on does not begin, which is no missed limit', async () => {
    const { code, err } = await withTarget(0, run);
    assert.equal(code, 1);
    assert.match(err, /500 .*is it running\?/);
  });
});
