// `banyan diffs replay`: samples as a regression suite, on the gateway's sides, on another build, and from a file.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCli } from '../../../gateway/cli/program.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { closedPort, sendJson, startUpstream } from '../../helpers/upstream.ts';

const kept = closingAfterEach();

type Answering = (incoming: IncomingMessage, outgoing: ServerResponse) => void;
interface Sampling {
  readonly compare?: object;
  readonly redact?: object;
  /** What the sampled requests have. */
  readonly headers?: Record<string, string>;
  readonly samples?: object;
}

const answering =
  (body: unknown, status = 200): Answering =>
  (_, outgoing) =>
    sendJson(outgoing, status, body);

describe('banyan diffs replay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-cli-replay-'));
  const tokenFile = join(folder, 'token');
  before(() => writeFileSync(tokenFile, OPERATOR_TOKEN));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  const on = (gateway: TestGateway, ...args: string[]) =>
    banyan('--url', gateway.operatorUrl, '--token-file', tokenFile, 'diffs', 'replay', ...args);

  /** A gateway with a sample of each path, whose sides then answer as `sides` says. */
  async function sampled(
    sides: { legacy: Answering; new: Answering },
    paths: readonly string[],
    { compare = {}, redact = {}, headers = {}, ...overrides }: Sampling = {},
  ) {
    const start = (side: 'legacy' | 'new') => kept(startUpstream((...exchange) => sides[side](...exchange)));
    const urls = { legacy: (await start('legacy')).url, new: (await start('new')).url };
    const routes = [routeOn('/*', { initialStage: 'shadow', compare, redact })];
    const gateway = await kept(startTestGateway({ ...urls, routes, overrides }));
    for (const [index, path] of paths.entries()) {
      await (await fetch(`${gateway.url}${path}`, { headers })).text();
      await eventually(async () => {
        const { body } = await gateway.api('GET', '/api/routes/test.route/samples');
        return body.samples.length === index + 1;
      }, `the sample of ${path}`);
    }
    return gateway;
  }

  it('says of each sample what the sides answer now, and exits 6 until none is wrong', async () => {
    const sides = { legacy: answering({ fee: 1, n: 1 }), new: answering({ fee: 2, n: 2 }) };
    const gateway = await sampled(sides, ['/a', '/b']);
    sides.new = (incoming, outgoing) =>
      sendJson(outgoing, 200, incoming.url === '/a' ? { fee: 1, n: 1 } : { fee: 1, n: 2 });
    const wrong = await on(gateway, 'test.route');
    assert.equal(wrong.code, 6);
    assert.equal(
      wrong.out,
      [
        'SAMPLE  REQUEST  WAS       NOW       WHAT',
        '2       GET /b   mismatch  mismatch  differs: $.n (changed); agrees now: $.fee (changed)',
        '1       GET /a   mismatch  match     agrees now: $.fee (changed), $.n (changed)',
        '',
        '1 right, 1 wrong, 0 undecided',
      ].join('\n'),
    );
    assert.equal((await on(gateway, 'test.route', '--sample', '1')).code, 0);
    sides.new = answering({ fee: 1, n: 1 });
    const right = await on(gateway, 'test.route', '--json');
    assert.equal(right.code, 0);
    const { passed, good, failed, undecided } = JSON.parse(right.out);
    assert.deepEqual([passed, good, failed, undecided], [true, 2, 0, 0]);
  });

  it('against another build compares with what legacy answered, by the rules in force, and asks nobody else', async () => {
    const legacy = { price: '1.50', token: 'a secret', list: [1, 2] };
    const sides = { legacy: answering(legacy), new: answering({ price: 9 }) };
    const normalise = [{ path: '$.price', as: 'number', reason: 'x', owner: 'y' }];
    const gateway = await sampled(sides, ['/a?limit=1'], { compare: { normalise } });
    sides.legacy = () => assert.fail('legacy is not asked');
    sides.new = () => assert.fail('the new side that the gateway knows is not asked');
    const asked: IncomingMessage[] = [];
    const build = await kept(
      startUpstream((incoming, outgoing) => {
        asked.push(incoming);
        outgoing.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        outgoing.end(gzipSync(JSON.stringify({ price: 1.5, token: 'another secret', list: [1, 2] })));
      }),
    );
    const right = await on(gateway, 'test.route', '--against', build.url);
    assert.equal(right.code, 0, right.out + right.err);
    assert.deepEqual([asked[0]?.url, asked[0]?.headers['x-banyan-copy']], ['/a?limit=1', '1']);
    const worse = await kept(startUpstream(answering({ ...legacy, list: [2, 3] })));
    const wrong = await on(gateway, 'test.route', '--against', worse.url);
    assert.equal(wrong.code, 6);
    assert.match(wrong.out, /differs: \$\.list\[\*\] \(changed\)/);
    const long = await kept(startUpstream(answering({ ...legacy, list: Array.from({ length: 9_000 }, (_, i) => i) })));
    assert.match((await on(gateway, 'test.route', '--against', long.url)).out, /differs: \$\.list \(length\)/);
    const html = await kept(startUpstream((_, outgoing) => outgoing.end('<html>')));
    assert.match((await on(gateway, 'test.route', '--against', html.url)).out, /mismatch +differs: .*\$ \(type\)/);
    const dead = await on(gateway, 'test.route', '--against', `http://127.0.0.1:${await closedPort()}`);
    assert.deepEqual([dead.code, /new_error +connect_failed/.test(dead.out)], [6, true]);
  });

  it('against another build takes hashed secrets, and those that the route names, for equal', async () => {
    const answer = { n: 1, owner: { name: 'Ada' }, token: 'a secret' };
    const sides = { legacy: answering(answer), new: answering({ ...answer, n: 2 }) };
    const redact = { paths: ['$.owner.name'] };
    const gateway = await sampled(sides, ['/a'], { redact, samples: { secrets: 'hash' } });
    const { body } = await gateway.api('GET', '/api/routes/test.route/samples/1');
    assert.match(body.legacy.body, /"name":"\[hmac:[0-9a-f]{16}\]"/);
    const other = { n: 1, owner: { name: 'Grace' }, token: 'another' };
    const build = await kept(startUpstream(answering(other)));
    const right = await on(gateway, 'test.route', '--against', build.url);
    assert.equal(right.code, 0, right.out + right.err);
  });

  it('saves samples and rules, and replays them on a build where no gateway is', async () => {
    const sides = { legacy: answering({ n: 1, at: 1 }), new: answering({ n: 2, at: 2 }) };
    const ignore = [{ path: '$.at', reason: 'a clock', owner: 'core' }];
    const gateway = await sampled(sides, ['/a'], { compare: { ignore } });
    const file = join(folder, 'suite.json');
    assert.equal((await on(gateway, 'test.route', '--save', file)).code, 6);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await gateway.close();
    const fixed = await kept(startUpstream(answering({ n: 1, at: 3 })));
    const replayed = await banyan('diffs', 'replay', '--from', file, '--against', fixed.url);
    assert.equal(replayed.code, 0, replayed.err);
    assert.match(replayed.out, /1 +GET \/a +mismatch +ignored +agrees now: \$\.n \(changed\)/);
    const writing = join(folder, 'writing.json');
    writeFileSync(writing, readFileSync(file, 'utf8').replace('"GET"', '"POST"'));
    const before = fixed.seen;
    const skipped = await banyan('diffs', 'replay', '--from', writing, '--against', fixed.url);
    assert.deepEqual([skipped.code, fixed.seen - before], [6, 0]);
    assert.match(skipped.out, /POST \/a +mismatch +skipped +POST is not safe/);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, readFileSync(file, 'utf8').replace('"/a"', '"http://elsewhere/"'));
    assert.equal((await banyan('diffs', 'replay', '--from', broken, '--against', fixed.url)).code, 2);
  });

  it('is not passed by samples of which none can be judged, and is by none at all', async () => {
    const refusing: Answering = (incoming, outgoing) =>
      incoming.headers.authorization ? sendJson(outgoing, 200, { n: 1 }) : sendJson(outgoing, 401, {});
    const sides = { legacy: answering({ n: 1 }), new: answering({ n: 2 }) };
    const gateway = await sampled(sides, ['/a'], { headers: { authorization: 'Bearer of a user' } });
    const build = await kept(startUpstream(refusing));
    const undecided = await on(gateway, 'test.route', '--against', build.url);
    assert.equal(undecided.code, 6);
    assert.match(undecided.out, /unreplayable +samples hold no secrets; give authorization with --header/);
    assert.match(undecided.err, /1 of 1 samples say neither/);
    const secrets = join(folder, 'headers');
    writeFileSync(secrets, 'Authorization: Bearer x\n\n');
    for (const header of ['authorization: Bearer x', `@${secrets}`]) {
      assert.equal((await on(gateway, 'test.route', '--against', build.url, '--header', header)).code, 0);
    }
    const quiet = await sampled(sides, []);
    const nothing = await on(quiet, 'test.route');
    assert.deepEqual([nothing.code, /nothing was replayed/.test(nothing.err)], [0, true]);
  });

  it('exits 2 on wrong usage', async () => {
    const gateway = await sampled({ legacy: answering({}), new: answering({}) }, []);
    const wrong: [string[], RegExp][] = [
      [[], /name a route/],
      [['nope'], /no route is called nope/],
      [['test.route', '--sample', '7'], /has no sample 7/],
      [['test.route', '--sample', 'x'], /number of a sample/],
      [['test.route', '--header', 'x'], /expected NAME:VALUE/],
      [['test.route', '--header', 'content-length: 5'], /--header: a replay counts itself how long its body is/],
      [['test.route', '--header', '@/nowhere/at/all'], /--header @\/nowhere/],
      [['test.route', '--against', 'ftp://x'], /--against ftp:\/\/x: expected a URL/],
      [['test.route', '--against', 'http://x/path'], /expected an origin without a path/],
      [['--from', '/nowhere/at/all'], /--from needs --against/],
      [['--from', '/nowhere/at/all', '--against', 'http://x'], /holds no samples/],
      [['test.route', '--from', 'x', '--against', 'http://x'], /no ID, --sample or --save/],
    ];
    for (const [args, message] of wrong) {
      const { code, err, out } = await on(gateway, ...args);
      assert.equal(code, 2, `${args.join(' ')}: ${err}`);
      assert.match(err, message);
      assert.equal(out, '');
    }
  });
});
