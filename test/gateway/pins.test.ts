// Testers' pins through a gateway: made by the command line, followed, stripped, under every override.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { readPinKey } from '../../config/hmac-key.ts';
import { ConfigError } from '../../config/load-gateway.ts';
import { runCli } from '../../gateway/cli/program.ts';
import { signPin } from '../../gateway/routing/pin.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { LEAST_CONFIG } from '../helpers/gateway-config.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';

const KEY = 'a-key-for-the-pins-of-these-tests';
const routes = [routeOn('/api/*'), routeOn('/other/*', { id: 'other.route' })];

describe('pins', () => {
  let sides: readonly [TestServer, TestServer];
  let gateway: TestGateway;
  let folder: string;
  let config: string;
  before(async () => {
    process.env.TEST_PIN_KEY = KEY;
    const echo = () =>
      startUpstream((incoming, outgoing) => {
        if (!incoming.url?.endsWith('/events')) return sendJson(outgoing, 200, incoming.headers);
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: 1\n\n');
      });
    sides = [await echo(), await echo()];
    const overrides = { pins: { keyEnv: 'TEST_PIN_KEY' } };
    gateway = await startTestGateway({ legacy: sides[0].url, new: sides[1].url, routes, overrides });
    folder = mkdtempSync(join(tmpdir(), 'banyan-pins-'));
    config = join(folder, 'banyan.yaml');
    writeFileSync(config, stringify({ ...LEAST_CONFIG, routes, ...overrides }));
  });
  after(async () => {
    delete process.env.TEST_PIN_KEY;
    rmSync(folder, { recursive: true });
    await gateway.close();
    for (const side of sides) await side.close();
  });

  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(args, { out: (text) => out.push(text), err: (text) => err.push(text) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  async function ask(headers: Record<string, string>, path = '/api/x') {
    const response = await fetch(`${gateway.url}${path}`, { headers });
    const seen = (await response.json()) as Record<string, string>;
    return { decided: [response.headers.get('x-banyan-side'), response.headers.get('x-banyan-decision')], seen };
  }
  const pinTo = async (...args: string[]) => (await banyan('pin', '--config', config, ...args)).out;

  test('made by the command line, then its sender gets that side, and the backend sees nothing of it', async () => {
    const pin = await pinTo('--side', 'new');
    const { decided, seen } = await ask({ 'x-banyan-pin': pin });
    assert.deepEqual([decided, seen['x-banyan-pin']], [['new', 'pin'], undefined]);
    const byCookie = await ask({ cookie: `a=1; banyan-pin=${pin}; b=2` });
    assert.deepEqual([byCookie.decided, byCookie.seen.cookie], [['new', 'pin'], 'a=1; b=2']);
    assert.equal((await ask({ cookie: `banyan-pin=${pin}` })).seen.cookie, undefined);
    assert.deepEqual((await ask({})).decided, ['legacy', 'flag-off']);
  });

  test('for one route, then the others follow their flags', async () => {
    const pin = await pinTo('--side', 'new', '--route', 'other.route');
    assert.deepEqual((await ask({ 'x-banyan-pin': pin })).decided, ['legacy', 'flag-off']);
    assert.deepEqual((await ask({ 'x-banyan-pin': pin }, '/other/x')).decided, ['new', 'pin']);
  });

  test('expired or forged, then the flags decide', async () => {
    const expired = signPin(KEY, { side: 'new', route: '*', expiresAtMs: Date.now() - 1_000 });
    const forged = signPin('b'.repeat(32), { side: 'new', route: '*', expiresAtMs: Date.now() + 60_000 });
    for (const pin of [expired, forged, 'new', '']) {
      assert.deepEqual((await ask({ 'x-banyan-pin': pin })).decided, ['legacy', 'flag-off']);
    }
  });

  test('a rollback is in force, then it wins', async () => {
    const pin = await pinTo('--side', 'new');
    await gateway.api('POST', '/api/rollback', { reason: 'test' });
    assert.deepEqual((await ask({ 'x-banyan-pin': pin })).decided, ['legacy', 'override-all']);
    await gateway.api('DELETE', '/api/rollback', { reason: 'test' }, { 'if-match': '*' });
    assert.deepEqual((await ask({ 'x-banyan-pin': pin })).decided, ['new', 'pin']);
  });

  test('a stream that is open by a pin, then a change of the flags does not make it one of the old side, and a rollback does', async () => {
    const stop = new AbortController();
    const headers = { 'x-banyan-pin': await pinTo('--side', 'new') };
    const response = await fetch(`${gateway.url}/api/events`, { headers, signal: stop.signal });
    assert.equal(response.headers.get('x-banyan-side'), 'new');
    const streams = async () => {
      const { legacy, new: fresh, oldSide } = (await gateway.api('GET', '/api/routes/test.route')).body.streams;
      return { legacy, fresh, oldSide };
    };
    const move = { stage: 'shadow', reason: 'test' };
    await gateway.api('PUT', '/api/routes/test.route/stage', move, { 'if-match': '*' });
    assert.deepEqual(await streams(), { legacy: 0, fresh: 1, oldSide: 0 });
    await gateway.api('POST', '/api/routes/test.route/rollback', { reason: 'test' });
    assert.deepEqual(await streams(), { legacy: 0, fresh: 1, oldSide: 1 });
    stop.abort();
    await gateway.api('DELETE', '/api/routes/test.route/rollback', { reason: 'test' }, { 'if-match': '*' });
    await gateway.api('PUT', '/api/routes/test.route/stage', { ...move, stage: 'legacy' }, { 'if-match': '*' });
  });

  test('what cannot be made, then exit code 2 and what to do', async () => {
    const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [['--side', 'new', '--hours', '0'], /--hours is from 1 to 720/],
      [['--side', 'new', '--hours', '721'], /--hours is from 1 to 720/],
      [['--side', 'newer'], /Allowed choices are legacy, new/],
      [['--side', 'new', '--route', 'none'], /no route is called none/],
      [[], /--side/],
    ];
    for (const [args, says] of refusals) {
      const { code, err } = await banyan('pin', '--config', config, ...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, says);
    }
  });

  test('as JSON, then all that a script needs', async () => {
    const { out } = await banyan('pin', '--config', config, '--side', 'legacy', '--hours', '2', '--json');
    const made = JSON.parse(out) as Record<string, string>;
    assert.deepEqual(Object.keys(made), ['pin', 'header', 'cookie', 'side', 'route', 'expiresAt']);
    assert.deepEqual([made.header, made.cookie, made.side, made.route], ['x-banyan-pin', 'banyan-pin', 'legacy', null]);
  });
});

test('a key that is missing or short, then the configuration is refused, and the key not shown', () => {
  const message = (): string => {
    try {
      readPinKey({ pins: { keyEnv: 'TEST_SHORT' } }, 'f');
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return assert.fail('nothing was thrown');
  };
  assert.match(message(), /^f:1:1: pins\.keyEnv: .* TEST_SHORT is not set/);
  process.env.TEST_SHORT = 'x'.repeat(31);
  const said = message();
  delete process.env.TEST_SHORT;
  assert.equal(
    said,
    'f:1:1: pins.keyEnv: TEST_SHORT has fewer than 32 characters; make a key with: openssl rand -hex 32',
  );
});
