// The command line against a real gateway: data on stdout, people on stderr, and the exit codes that scripts rely on.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { LEAST_CONFIG } from '../../helpers/gateway-config.ts';
import { closedPort, sendJson, startRawServer, startUpstream, type TestServer } from '../../helpers/upstream.ts';

describe('banyan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-cli-'));
  const tokenFile = join(folder, 'token');
  const viewerFile = join(folder, 'viewer');
  let upstream: TestServer;
  let gateway: TestGateway;
  before(async () => {
    writeFileSync(tokenFile, `${OPERATOR_TOKEN}\n`);
    writeFileSync(viewerFile, VIEWER_TOKEN);
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
  });
  after(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] });
  });
  afterEach(() => gateway.close());

  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  const against = (...args: string[]) => banyan('--url', gateway.operatorUrl, '--token-file', tokenFile, ...args);

  it('prints tables for people and one JSON document for scripts', async () => {
    const table = await against('routes');
    assert.equal(table.code, 0);
    assert.match(table.out, /^ROUTE +STAGE/);
    assert.match(table.out, /^test\.route +legacy/m);
    for (const command of [
      ['routes'],
      ['route', 'test.route'],
      ['diffs'],
      ['diffs', 'test.route'],
      ['diffs', 'test.route', '--window', '1m'],
      ['audit'],
      ['status'],
    ]) {
      const { code, out } = await against(...command, '--json');
      assert.equal(code, 0, command.join(' '));
      assert.equal(typeof JSON.parse(out), 'object');
    }
  });

  it('moves a route, rolls it back, lifts it, and says what is in force', async () => {
    assert.equal(
      (await against('stage', 'test.route', 'canary', '--percent', '25', '--reason', 'x')).out,
      'test.route: legacy -> canary 25 %',
    );
    assert.match((await against('rollback', 'test.route', '--reason', 'x')).out, /legacy serves every request/);
    const forced = await against('stage', 'test.route', 'live', '--reason', 'x');
    assert.match(forced.err, /an override forces legacy; the stage holds once it is lifted/);
    assert.match((await against('route', 'test.route')).out, /forced to +legacy by ops: x/);
    assert.match((await against('rollback', 'test.route', '--lift', '--reason', 'x')).out, /lifted; back to live/);
    assert.equal((await against('rollback', '--all', '--reason', 'x')).code, 0);
    assert.match(
      (await against('status')).out,
      /workers +1 of 1 serve\nlegacy +http:\S+ not checked, 0 requests in flight\nnew /,
    );
    assert.match((await against('status')).out, /OVERRIDE +all routes forced to legacy by ops: x/);
    assert.equal((await against('rollback', '--all', '--lift', '--reason', 'x')).code, 0);
    const { out } = await against('audit', '--json');
    assert.deepEqual([...new Set(JSON.parse(out).entries.map((entry: { source: string }) => entry.source))], ['cli']);
  });

  it('exits 2 on wrong usage, and says what is wrong', async () => {
    const wrong: [string[], RegExp][] = [
      [['nonsense'], /unknown command/],
      [['stage', 'test.route', 'live'], /--reason/],
      [['stage', 'test.route', 'beta', '--reason', 'x'], /there is no stage beta/],
      [['stage', 'test.route', 'canary', '--reason', 'x'], /needs "percent"/],
      [['stage', 'test.route', 'canary', '--percent', '1.5', '--reason', 'x'], /whole number/],
      [['rollback', '--reason', 'x'], /name a route, or --all/],
      [['rollback', 'test.route', '--all', '--reason', 'x'], /name a route, or --all/],
      [['diffs', '--window', '1h'], /choices are 1m, 10m, stage/],
      [['route', 'nope'], /no route is called nope/],
    ];
    for (const [args, message] of wrong) {
      const { code, err, out } = await against(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, message);
      assert.equal(out, '');
    }
  });

  it('exits 3 when nothing answers there, or something else does', async () => {
    const nobody = await banyan('--url', `http://127.0.0.1:${await closedPort()}`, '--token-file', tokenFile, 'routes');
    assert.equal(nobody.code, 3);
    assert.match(nobody.err, /cannot reach .*is the gateway running/);
    const other = await startUpstream((_, outgoing) => outgoing.end('<html>'));
    assert.equal((await banyan('--url', other.url, '--token-file', tokenFile, 'routes')).code, 3);
    await other.close();
  });

  it('exits 4 without a token, with a wrong one, and with one that may not', async () => {
    assert.equal((await banyan('--url', gateway.operatorUrl, '--token-file', join(folder, 'none'), 'routes')).code, 4);
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'wrong');
    assert.equal((await banyan('--url', gateway.operatorUrl, '--token-file', wrong, 'routes')).code, 4);
    const viewer = ['--url', gateway.operatorUrl, '--token-file', viewerFile];
    assert.equal((await banyan(...viewer, 'routes')).code, 0);
    const refused = await banyan(...viewer, 'rollback', 'test.route', '--reason', 'x');
    assert.equal(refused.code, 4);
    assert.match(refused.err, /watcher is viewer; this needs the role operator/);
  });

  it('exits 5 on a conflict', async () => {
    assert.equal((await against('rollback', 'test.route', '--lift', '--reason', 'x')).code, 5);
  });

  it('exits 7 when the gateway does not answer in time', async () => {
    const silent = await startRawServer(() => {});
    const { code, err } = await banyan('--url', silent.url, '--token-file', tokenFile, '--timeout', '100', 'routes');
    assert.equal(code, 7);
    assert.match(err, /did not answer within 100 ms/);
    await silent.close();
  });

  it('check warns of writes that one side would not be sent, and exits 0', async () => {
    const file = join(folder, 'writes.yaml');
    const route = { id: 'a', match: { methods: ['POST'], path: '/a' }, mirror: { writes: 'dry-run' } };
    const upstreams = { ...LEAST_CONFIG.upstreams, new: { url: 'http://127.0.0.1:8002', verifiesShadow: true } };
    writeFileSync(file, JSON.stringify({ ...LEAST_CONFIG, upstreams, shadowKeysEnv: 'KEYS', routes: [route] }));
    const { code, err } = await banyan('check', '--config', file);
    assert.equal(code, 0);
    assert.match(err, /^warning: writes of a are not copied to legacy/);
    const asJson = await banyan('check', '--config', file, '--json');
    assert.equal(JSON.parse(asJson.out).warnings.length, 1);
  });

  it('check prints every problem with its place, and exits 2', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'version: 1\nlisten: nowhere\nroutes:\n  - id: BAD\n');
    const { code, err, out } = await banyan('check', '--config', file);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, new RegExp(`${file}:2:9: listen: expected HOST:PORT`));
    assert.match(err, new RegExp(`${file}:4:9: routes\\[0\\]\\.id: expected a stable id`));
    const asJson = await banyan('check', '--config', file, '--json');
    assert.equal(JSON.parse(asJson.out).problems[0].line, 1);
    assert.equal((await banyan('check', '--config', 'config/sandbox.yaml')).code, 0);
    assert.equal((await banyan('check', '--config', join(folder, 'missing.yaml'))).code, 2);
  });
});
