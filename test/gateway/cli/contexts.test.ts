// Gateways known by name: kept for the user alone, and a token goes to its own gateway alone.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runCli } from '../../../gateway/cli/program.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const NAMES = ['XDG_CONFIG_HOME', 'BANYAN_URL', 'BANYAN_OPERATOR_TOKEN', 'BANYAN_OPERATOR_TOKEN_FILE'] as const;

async function banyan(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('banyan context', () => {
  const before_ = new Map(NAMES.map((name) => [name, process.env[name]]));
  let home: string;
  let file: string;
  let upstream: TestServer;
  let gateway: TestGateway;
  before(async () => {
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/api/*')] });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'banyan-contexts-'));
    file = join(home, 'banyan', 'contexts.json');
    for (const name of NAMES) delete process.env[name];
    process.env.XDG_CONFIG_HOME = home;
    writeFileSync(join(home, 'operator'), OPERATOR_TOKEN);
    writeFileSync(join(home, 'viewer'), VIEWER_TOKEN);
  });
  afterEach(() => {
    for (const [name, value] of before_) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(home, { recursive: true, force: true });
  });
  const add = (name: string, token: string) =>
    banyan('context', 'add', name, gateway.operatorUrl, '--token-from', join(home, token));

  it('the first that is added is in use, and is what commands call', async () => {
    assert.equal((await add('prod', 'operator')).err, 'note: prod is in use');
    assert.equal((await banyan('routes')).code, 0);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(readFileSync(file, 'utf8').includes(OPERATOR_TOKEN), false);
  });

  it('another is used by its name, once or from now on', async () => {
    await add('prod', 'operator');
    await add('wall', 'viewer');
    const rollback = ['rollback', 'test.route', '--reason', 'x'];
    assert.equal((await banyan('--context', 'wall', ...rollback)).code, 4);
    assert.equal((await banyan(...rollback)).code, 0);
    assert.equal((await banyan('context', 'use', 'wall')).code, 0);
    assert.equal((await banyan(...rollback)).code, 4);
    assert.match((await banyan('context', 'list')).out, /^ +prod +http:\S+\n\* +wall +http/m);
    assert.equal((await banyan('context', 'remove', 'wall')).code, 0);
    assert.deepEqual(
      JSON.parse((await banyan('context', 'list', '--json')).out).contexts.map(({ name }: { name: string }) => name),
      ['prod'],
    );
  });

  it("gives its token to no other address: neither --url's nor the environment's", async () => {
    await add('prod', 'operator');
    process.env.BANYAN_OPERATOR_TOKEN = 'of-the-environment';
    assert.equal((await banyan('--url', gateway.operatorUrl, 'routes')).code, 4);
    process.env.BANYAN_URL = gateway.operatorUrl;
    assert.equal((await banyan('routes')).code, 4);
    assert.equal((await banyan('--context', 'prod', 'routes')).code, 0);
  });

  it('a name that there is not, or a file that others can read, is said and not guessed around', async () => {
    await add('prod', 'operator');
    const unknown = await banyan('--context', 'nope', 'routes');
    assert.deepEqual([unknown.code, /no context nope/.test(unknown.err)], [4, true]);
    assert.equal((await banyan('context', 'use', 'nope')).code, 2);
    chmodSync(file, 0o644);
    const readable = await banyan('routes');
    assert.equal(readable.code, 2);
    assert.match(readable.err, /can be read by others, and may hold tokens: chmod 600/);
    chmodSync(file, 0o600);
    writeFileSync(file, '{"contexts": 1}');
    assert.match((await banyan('routes')).err, /is not what `banyan context` writes/);
  });
});
