// Samples replayed over the API: on both backends, marked as copies, judged by the rules in force, and counted nowhere.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { sendJson, startUpstream } from '../../helpers/upstream.ts';

const kept = closingAfterEach();
const SAMPLES = '/api/routes/test.route/samples';

type Answering = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** A shadowed route whose sides answer as they are told at the time. */
async function shadowing(sides: { legacy: Answering; new: Answering }, compare: object = {}): Promise<TestGateway> {
  const start = (side: 'legacy' | 'new') => kept(startUpstream((...exchange) => sides[side](...exchange)));
  const [legacy, fresh] = [await start('legacy'), await start('new')];
  const routes = [routeOn('/*', { initialStage: 'shadow', compare, mirror: { timeoutMs: 300 } })];
  return kept(startTestGateway({ legacy: legacy.url, new: fresh.url, routes }));
}

const answering =
  (body: unknown, status = 200): Answering =>
  (_, outgoing) =>
    sendJson(outgoing, status, body);

async function sampled(gateway: TestGateway, path = '/x', headers: Record<string, string> = {}): Promise<number> {
  const before = (await gateway.api('GET', SAMPLES)).body.samples.length;
  await (await fetch(`${gateway.url}${path}`, { headers })).text();
  return eventually(async () => {
    const { samples } = (await gateway.api('GET', SAMPLES)).body;
    return samples.length > before && samples[0].n;
  }, 'a sample');
}

const replay = (gateway: TestGateway, n: number | string, body: object = {}, headers: Record<string, string> = {}) =>
  gateway.api('POST', `${SAMPLES}/${n}/replay`, body, headers);

describe('a replayed sample', () => {
  it('asks both sides again, marked as a copy, and says what agrees now and what does not', async () => {
    const asked: IncomingMessage[] = [];
    const sides = { legacy: answering({ fee: 1, n: 1, at: 1 }), new: answering({ fee: 2, n: 2, at: 2 }) };
    const ignore = [{ path: '$.at', reason: 'a clock', owner: 'core' }];
    const gateway = await shadowing(sides, { ignore, critical: ['$.n'] });
    const n = await sampled(gateway, '/orders/7?limit=2');
    const { eligible } = (await gateway.api('GET', '/api/routes/test.route/comparisons')).body;
    sides.new = (incoming, outgoing) => {
      asked.push(incoming);
      answering({ fee: 1, n: 2, at: 3 })(incoming, outgoing);
    };
    const { status, body } = await replay(gateway, n, { headers: [['x-user-id', 'u1']] });
    assert.equal(status, 200);
    const { legacy, new: fresh, ...found } = body;
    assert.deepEqual(found, {
      n,
      method: 'GET',
      target: '/orders/7?limit=2',
      was: 'mismatch',
      result: 'mismatch',
      detail: null,
      differences: [
        { path: '$.n', at: '/n', kind: 'changed', legacy: '1', new: '2', critical: true },
        { path: '$.at', at: '/at', kind: 'changed', legacy: '1', new: '3', critical: false, rule: '$.at' },
      ],
      fixed: ['$.fee (changed)'],
    });
    assert.deepEqual([legacy.status, fresh.status], [200, 200]);
    const [copy] = asked;
    assert.equal(copy?.url, '/orders/7?limit=2');
    assert.equal(copy?.headers['x-banyan-copy'], '1');
    assert.equal(copy?.headers['x-user-id'], 'u1');
    assert.equal((await gateway.api('GET', '/api/routes/test.route/comparisons')).body.eligible, eligible);
    assert.match(
      String((await gateway.api('GET', '/metrics')).body),
      /banyan_replays_total\{route="test.route",result="mismatch"\} 1/,
    );

    sides.new = answering({ fee: 1, n: 1, at: 3 });
    assert.equal((await replay(gateway, n)).body.result, 'ignored');
    const rule = { route: 'test.route', kind: 'ignore', path: '$.n', reason: 'x', owner: 'y', permanent: 'z' };
    await gateway.api('POST', '/api/rules', rule, { 'if-match': '*' });
    sides.new = answering({ fee: 1, n: 9, at: 1 });
    assert.equal((await replay(gateway, n)).body.result, 'ignored', "an operator's rule holds for replays too");
  });

  it('sends what the request had, but for what is secret or given anew, and its body', async () => {
    const sides = { legacy: answering({ n: 1 }), new: answering({ n: 2 }) };
    const gateway = await shadowing(sides);
    const sent = {
      'accept-language': 'de',
      'x-user-id': 'u1',
      'x-api-key': 's3cret',
      'content-type': 'application/json',
    };
    const path = new URL('/x', gateway.url);
    await (await fetch(path, { method: 'OPTIONS', headers: sent, body: '{ "a": [1, 2] }' })).text();
    const n = await eventually(async () => {
      const [sample] = (await gateway.api('GET', SAMPLES)).body.samples;
      return sample?.n;
    }, 'a sample');
    const asked: [headers: IncomingMessage['headers'], body: string][] = [];
    sides.legacy = async (incoming, outgoing) => {
      asked.push([incoming.headers, await textOf(incoming)]);
      sendJson(outgoing, 200, {});
    };
    sides.new = sides.legacy;
    assert.equal((await replay(gateway, n)).body.detail, 'samples hold no secrets; give x-api-key with --header');
    const given = Object.entries({ 'X-User-Id': 'u2', 'x-api-key': 'another' });
    assert.equal((await replay(gateway, n, { headers: given })).body.result, 'match');
    assert.equal(asked.length, 2);
    for (const [headers, body] of asked) {
      assert.equal(body, '{"a":[1,2]}');
      assert.equal(headers['content-length'], '11');
      assert.equal(headers['accept-language'], 'de');
      assert.equal(headers['x-user-id'], 'u2');
      assert.equal(headers['x-api-key'], 'another');
      assert.equal(headers.host, path.host);
      assert.equal(headers.via, '1.1 banyan');
    }
  });

  it('says how the new side fails, and gives up in time', async () => {
    const sides = { legacy: answering({ n: 1 }), new: answering({ n: 2 }) };
    const gateway = await shadowing(sides);
    const n = await sampled(gateway);
    sides.new = answering({}, 500);
    assert.deepEqual((({ result, detail }) => [result, detail])((await replay(gateway, n)).body), [
      'new_error',
      'status 500',
    ]);
    sides.new = () => {};
    assert.equal((await replay(gateway, n)).body.detail, 'upstream_timeout');
    sides.legacy = answering({}, 503);
    sides.new = answering({ n: 1 });
    assert.equal((await replay(gateway, n)).body.result, 'legacy_error');
  });

  it('is unreplayable where it took a secret, until that is given; the secret is neither answered nor logged', async () => {
    const guarded =
      (body: unknown): Answering =>
      (incoming, outgoing) =>
        incoming.headers.authorization === 'Bearer s3cret-MARKER'
          ? sendJson(outgoing, 200, body)
          : sendJson(outgoing, 401, { detail: 'who are you?' });
    const sides = { legacy: guarded({ n: 1 }), new: guarded({ n: 2 }) };
    const gateway = await shadowing(sides);
    const credentials = { authorization: 'Bearer s3cret-MARKER' };
    const n = await sampled(gateway, '/x', credentials);
    const without = (await replay(gateway, n)).body;
    assert.equal(without.result, 'unreplayable');
    assert.equal(without.detail, 'samples hold no secrets; give authorization with --header');
    const stale = await replay(gateway, n, { headers: [['authorization', 'Bearer of yesterday']] });
    assert.deepEqual(
      [stale.body.result, stale.body.detail],
      ['unreplayable', 'legacy answers 401 where it answered 200: give credentials that hold, with --header'],
    );
    const given = await replay(gateway, n, { headers: Object.entries(credentials) });
    assert.equal(given.body.result, 'mismatch');
    await eventually(() => gateway.log.some(({ msg }) => msg === 'sample replayed'), 'the log of the replay');
    assert.equal(JSON.stringify([given.body, gateway.log]).includes('MARKER'), false);

    const inTarget = await sampled(gateway, '/x?token=s3cret-MARKER', credentials);
    assert.match((await replay(gateway, inTarget)).body.detail, /its target holds a secret/);
  });

  it('needs the role operator, a sample that is kept, fields that can be sent, and room', async () => {
    const sides = { legacy: answering({ n: 1 }), new: answering({ n: 2 }) };
    const gateway = await shadowing(sides);
    const n = await sampled(gateway);
    assert.equal((await replay(gateway, n, {}, { authorization: `Bearer ${VIEWER_TOKEN}` })).status, 403);
    assert.equal((await replay(gateway, 99)).status, 404);
    assert.equal((await replay(gateway, 'x')).status, 404);
    for (const headers of [[['a b', 'x']], [['x-a', 'line\nbreak']], [['content-length', '5']], [['x-a']]]) {
      assert.equal((await replay(gateway, n, { headers })).status, 400, JSON.stringify(headers));
    }
    assert.equal((await replay(gateway, n, { url: 'http://169.254.169.254/' })).status, 400, 'no address is taken');
    const held: (() => void)[] = [];
    sides.legacy = (_, outgoing) => void held.push(() => sendJson(outgoing, 200, {}));
    const underWay = Array.from({ length: 4 }, () => replay(gateway, n));
    await eventually(() => held.length === 4, 'four replays under way');
    const refused = await replay(gateway, n);
    assert.equal(refused.status, 429);
    assert.match(refused.body.detail, /4 replays are under way/);
    for (const release of held) release();
    for (const each of await Promise.all(underWay)) assert.equal(each.status, 200);
  });
});
