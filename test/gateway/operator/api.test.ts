// The operator's API over its real port: who may do what, what it refuses and how, what it changes.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../helpers/upstream.ts';

const ROUTE = '/api/routes/test.route';
const RULE = {
  route: 'test.route',
  kind: 'ignore',
  path: '$.fee',
  owner: 'trading',
  reason: 'known',
  permanent: 'yes',
};
const routes = [routeOn('/api/*', { group: 'trade' }), routeOn('/api/other', { id: 'other.route' })];

describe("the operator's API", () => {
  let legacy: TestServer;
  let fresh: TestServer;
  let gateway: TestGateway;
  before(async () => {
    legacy = await startUpstream((_, outgoing) => sendJson(outgoing, 200, { side: 'legacy' }));
    fresh = await startUpstream((_, outgoing) => sendJson(outgoing, 200, { side: 'new' }));
    gateway = await startTestGateway({ legacy: legacy.url, new: fresh.url, routes });
  });
  after(async () => {
    await gateway.close();
    await legacy.close();
    await fresh.close();
  });

  const servedBy = async (path = '/api/x') => (await fetch(`${gateway.url}${path}`)).headers.get('x-banyan-side');
  const etag = async (path = ROUTE) => (await gateway.api('GET', path)).headers.get('etag') ?? '';
  const move = async (body: object, ifMatch?: string) =>
    gateway.api('PUT', `${ROUTE}/stage`, { reason: 'test', ...body }, { 'if-match': ifMatch ?? (await etag()) });

  it('answers health and metrics without a token, and nothing else', async () => {
    for (const path of ['/livez', '/readyz', '/metrics']) {
      assert.equal((await fetch(`${gateway.operatorUrl}${path}`)).status, 200, path);
    }
    for (const path of ['/api/routes', '/api/status', '/api/audit', '/api/rollback', `${ROUTE}/samples`]) {
      const response = await fetch(`${gateway.operatorUrl}${path}`);
      assert.equal(response.status, 401, path);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="banyan"');
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
    }
  });

  it('refuses a wrong token, and a viewer every change', async () => {
    const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
    assert.equal((await gateway.api('GET', '/api/routes', undefined, withToken('wrong'))).status, 401);
    assert.equal((await gateway.api('GET', '/api/routes', undefined, withToken(VIEWER_TOKEN))).status, 200);
    const changes: [string, string][] = [
      ['PUT', `${ROUTE}/stage`],
      ['POST', `${ROUTE}/rollback`],
      ['DELETE', `${ROUTE}/rollback`],
      ['POST', '/api/rollback'],
      ['DELETE', '/api/rollback'],
    ];
    for (const [method, path] of changes) {
      const body = { stage: 'live', reason: 'x' };
      const { status } = await gateway.api(method, path, body, { ...withToken(VIEWER_TOKEN), 'if-match': '*' });
      assert.equal(status, 403, `${method} ${path}`);
    }
    assert.equal(await servedBy(), 'legacy');
  });

  it('moves a route through every stage, and requests follow at once', async () => {
    const stages: [object, string, object][] = [
      [{ stage: 'shadow' }, 'legacy', { stage: 'shadow', percent: 0, mirrorPercent: 100 }],
      [{ stage: 'shadow', mirrorPercent: 10 }, 'legacy', { stage: 'shadow', percent: 0, mirrorPercent: 10 }],
      [{ stage: 'live' }, 'new', { stage: 'live', percent: 100, mirrorPercent: 100 }],
      [{ stage: 'complete' }, 'new', { stage: 'complete', percent: 100, mirrorPercent: 0 }],
      [{ stage: 'legacy' }, 'legacy', { stage: 'legacy', percent: 0, mirrorPercent: 0 }],
    ];
    for (const [request, side, expected] of stages) {
      const { status, body } = await move(request);
      assert.equal(status, 200);
      assert.deepEqual({ stage: body.stage, percent: body.percent, mirrorPercent: body.mirrorPercent }, expected);
      assert.equal(await servedBy(), side);
    }
  });

  it('gives a canary its share of users, each always the same side', async () => {
    assert.equal((await move({ stage: 'canary', percent: 30 })).status, 200);
    const sideOf = async (user: number) =>
      (await fetch(`${gateway.url}/api/x`, { headers: { 'x-user-id': `user-${user}` } })).headers.get('x-banyan-side');
    const users = Array.from({ length: 300 }, (_, index) => index);
    const first = await Promise.all(users.map(sideOf));
    assert.deepEqual(await Promise.all(users.map(sideOf)), first);
    const share = first.filter((side) => side === 'new').length / users.length;
    assert.ok(share > 0.2 && share < 0.4, `${share} of the users are on the new side`);
    await move({ stage: 'legacy' });
  });

  it('refuses stages that mean nothing, naming what is wrong', async () => {
    const refused: [object, RegExp][] = [
      [{ stage: 'canary' }, /canary needs "percent"/],
      [{ stage: 'canary', percent: 100 }, /from 1 to 99/],
      [{ stage: 'canary', percent: 0.125 }, /from 1 to 99/],
      [{ stage: 'live', percent: 5 }, /belongs to canary/],
      [{ stage: 'legacy', mirrorPercent: 5 }, /no meaning/],
      [{ stage: 'beta' }, /stage/],
      [{ stage: 'live', reason: '  ' }, /reason/],
      [{ stage: 'live', extra: 1 }, /extra/],
    ];
    for (const [request, message] of refused) {
      const { status, body } = await move(request);
      assert.equal(status, 400);
      assert.match(body.detail, message);
    }
  });

  it('demands the revision that the caller has seen', async () => {
    const seen = await etag();
    assert.equal((await move({ stage: 'shadow' }, seen)).status, 200);
    const late = await move({ stage: 'legacy' }, seen);
    assert.equal(late.status, 412);
    assert.match(late.body.detail, /changed since you looked/);
    assert.equal((await gateway.api('PUT', `${ROUTE}/stage`, { stage: 'legacy', reason: 'x' })).status, 428);
    assert.equal((await move({ stage: 'legacy' }, 'nonsense')).status, 400);
    assert.equal((await move({ stage: 'legacy' }, '*')).status, 200);
  });

  it('says who has changed it since, and when', async () => {
    const seen = await etag();
    assert.equal((await move({ stage: 'shadow', reason: 'meanwhile' }, seen)).status, 200);
    await gateway.api('POST', '/api/rules', { ...RULE, route: 'test.route' }, { 'if-match': '*' });
    const { status, body } = await move({ stage: 'live' }, seen);
    assert.equal(status, 412);
    assert.equal(body.changedBy, 'ops');
    assert.equal(`"${body.revision}"`, await etag());
    const [entry] = (await gateway.api('GET', '/api/audit?route=test.route')).body.entries.filter(
      ({ action }: { action: string }) => action === 'stage',
    );
    assert.equal(body.changedAt, entry.at);
    assert.ok(body.detail.endsWith(`Changed by ops at ${entry.at}: meanwhile`), body.detail);
    const late = await gateway.api('POST', '/api/rules', { ...RULE, path: '$.other' }, { 'if-match': '"0"' });
    assert.deepEqual([late.status, late.body.changedBy, late.body.revision], [412, 'ops', 1]);
    assert.match(late.body.detail, /: known$/);
    await move({ stage: 'legacy' });
  });

  it('does a change once for each Idempotency-Key, however often it is sent', async () => {
    const entries = async () => (await gateway.api('GET', '/api/audit')).body.entries.length;
    const before = await entries();
    const rollBack = (reason: string) =>
      gateway.api('POST', `${ROUTE}/rollback`, { reason }, { 'idempotency-key': 'retry-1' });
    const [first, second] = await Promise.all([rollBack('retried'), rollBack('retried')]);
    assert.deepEqual(first.body, second.body);
    assert.equal(await entries(), before + 1);
    assert.equal((await rollBack('something else')).status, 422);
    const move = (stage: string) =>
      gateway.api('PUT', `${ROUTE}/stage`, { stage, reason: 'x' }, { 'if-match': '"0"', 'idempotency-key': 'stale' });
    assert.equal((await move('shadow')).status, 412);
    const lift = { 'if-match': await etag(), 'idempotency-key': 'lift' };
    for (let n = 0; n < 2; n++) {
      const { status } = await gateway.api('DELETE', `${ROUTE}/rollback?reason=over`, undefined, lift);
      assert.equal(status, 200);
    }
  });

  it('rolls a route back and lifts it again, saying what it returns to', async () => {
    await move({ stage: 'live' });
    const { status, body } = await gateway.api('POST', `${ROUTE}/rollback`, { reason: 'prices are wrong' });
    assert.equal(status, 200);
    assert.equal(body.stage, 'legacy');
    assert.equal(body.durable, true);
    assert.equal(body.override.returnsTo.stage, 'live');
    const response = await fetch(`${gateway.url}/api/x`);
    assert.equal(response.headers.get('x-banyan-side'), 'legacy');
    assert.equal(response.headers.get('x-banyan-decision'), 'override-route');
    const lifted = await gateway.api('DELETE', `${ROUTE}/rollback`, { reason: 'fixed' }, { 'if-match': await etag() });
    assert.equal(lifted.status, 200);
    assert.equal(lifted.body.stage, 'live');
    assert.equal(await servedBy(), 'new');
    const again = await gateway.api('DELETE', `${ROUTE}/rollback?reason=once+more`, undefined, { 'if-match': '*' });
    assert.equal(again.status, 409);
    await move({ stage: 'legacy' });
  });

  it('rolls every route back at once, over every flag, and lifts it', async () => {
    await move({ stage: 'complete' });
    assert.equal((await gateway.api('POST', '/api/rollback', { reason: 'outage' })).body.durable, true);
    const response = await fetch(`${gateway.url}/api/x`);
    assert.equal(response.headers.get('x-banyan-side'), 'legacy');
    assert.equal(response.headers.get('x-banyan-decision'), 'override-all');
    assert.equal((await gateway.api('GET', '/api/status')).body.override.reason, 'outage');
    const tag = await etag('/api/rollback');
    assert.equal((await gateway.api('DELETE', '/api/rollback', { reason: 'over' }, { 'if-match': tag })).status, 200);
    assert.equal(await servedBy(), 'new');
    await move({ stage: 'legacy' });
  });

  it('keeps who, why, before, after and the numbers of every change', async () => {
    await move({ stage: 'shadow', reason: 'audited move' });
    await move({ stage: 'legacy' });
    const { body } = await gateway.api('GET', '/api/audit?limit=2&route=test.route');
    const entry = body.entries[1];
    assert.equal(entry.actor, 'ops');
    assert.equal(entry.source, 'api');
    assert.equal(entry.action, 'stage');
    assert.equal(entry.reason, 'audited move');
    assert.deepEqual(entry.before, { percent: 0, mirrorPercent: 0 });
    assert.deepEqual(entry.after, { percent: 0, mirrorPercent: 100 });
    assert.equal(typeof entry.evidence.comparison.eligible, 'number');
    assert.equal((await gateway.api('GET', '/api/audit?limit=0')).status, 400);
  });

  it('answers the series of a route, and refuses one that reaches too far back', async () => {
    await move({ stage: 'shadow', reason: 'for the chart' });
    const { status, body } = await gateway.api('GET', `${ROUTE}/series?minutes=5`);
    assert.equal(status, 200);
    assert.equal(body.flips.at(-1).reason, 'for the chart');
    await move({ stage: 'legacy' });
    for (const minutes of ['0', '61', 'x', '1.5']) {
      assert.equal((await gateway.api('GET', `${ROUTE}/series?minutes=${minutes}`)).status, 400, minutes);
    }
    assert.equal((await gateway.api('GET', '/api/routes/nope/series')).status, 404);
  });

  it('answers what it does not know or cannot read with problem details', async () => {
    const expectProblem = async (status: number, [method, path, body]: [string, string, unknown?], headers = {}) => {
      const answer = await gateway.api(method, path, body, { 'if-match': '*', ...headers });
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.match(answer.body.requestId, /^[0-9a-f-]{36}$/);
      assert.ok(answer.body.detail.length > 10);
    };
    await expectProblem(404, ['GET', '/api/routes/nope']);
    await expectProblem(404, ['POST', '/api/routes/nope/rollback', { reason: 'x' }]);
    await expectProblem(404, ['GET', `${ROUTE}/samples/999`]);
    await expectProblem(404, ['GET', '/api/nothing']);
    await expectProblem(415, ['POST', `${ROUTE}/rollback`, { reason: 'x' }], { 'content-type': 'text/plain' });
    await expectProblem(413, ['POST', `${ROUTE}/rollback`, { reason: 'x'.repeat(100_000) }]);
    const notJson = await fetch(`${gateway.operatorUrl}${ROUTE}/rollback`, {
      method: 'POST',
      headers: { authorization: `Bearer ${VIEWER_TOKEN}x`, 'content-type': 'application/json' },
      body: '{',
    });
    assert.equal(notJson.status, 401);
  });

  it('reads a body that comes in chunks, up to its limit', async () => {
    const send = (reason: string) =>
      fetch(`${gateway.operatorUrl}${ROUTE}/rollback`, {
        method: 'POST',
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
        body: new Blob([JSON.stringify({ reason })]).stream(),
        duplex: 'half',
      });
    assert.equal((await send('in chunks')).status, 200);
    assert.equal((await send('x'.repeat(100_000))).status, 413);
    assert.equal(
      (await gateway.api('DELETE', `${ROUTE}/rollback?reason=done`, undefined, { 'if-match': '*' })).status,
      200,
    );
  });

  it('exposes metrics whose labels are bounded', async () => {
    await servedBy();
    const { body } = await gateway.api('GET', '/metrics');
    assert.match(body, /banyan_requests_total\{route="test.route",side="legacy",decision="flag-off",code="2xx"\} \d+/);
    assert.match(body, /banyan_request_duration_seconds_bucket\{le="0.001",route="test.route",side="legacy"\}/);
  });
});

describe('state', () => {
  let legacy: TestServer;
  let folder: string;
  before(async () => {
    legacy = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    folder = mkdtempSync(join(tmpdir(), 'banyan-state-'));
  });
  after(async () => {
    await legacy.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = () => startTestGateway({ legacy: legacy.url, new: legacy.url, routes, folder });

  it('survives a restart: flags, overrides and revisions', async () => {
    const first = await start();
    await first.api('PUT', `${ROUTE}/stage`, { stage: 'live', reason: 'x' }, { 'if-match': '*' });
    await first.api('POST', `${ROUTE}/rollback`, { reason: 'fire' });
    const tag = (await first.api('GET', ROUTE)).headers.get('etag');
    await first.close();
    const second = await start();
    const { body, headers } = await second.api('GET', ROUTE);
    assert.equal(body.stage, 'legacy');
    assert.equal(body.override.reason, 'fire');
    assert.equal(body.override.returnsTo.stage, 'live');
    assert.equal(headers.get('etag'), tag);
    await second.close();
  });

  it('edited in the flag file is followed, audited, and a stale change refused', async () => {
    const gateway = await start();
    await gateway.api('DELETE', `${ROUTE}/rollback`, { reason: 'x' }, { 'if-match': '*' });
    const tag = (await gateway.api('GET', ROUTE)).headers.get('etag') ?? '';
    const file = join(folder, 'flags.json');
    const features = JSON.parse(readFileSync(file, 'utf8'));
    for (const feature of features.features) feature.enabled = false;
    writeFileSync(file, JSON.stringify(features));
    await eventually(async () => (await gateway.api('GET', ROUTE)).body.stage === 'legacy', 'the edit to be followed');
    const { body } = await eventually(async () => {
      const answer = await gateway.api('GET', '/api/audit?limit=1&route=test.route');
      return answer.body.entries[0].source === 'flags' && answer;
    }, 'the edit to be audited');
    assert.deepEqual(body.entries[0].before, { percent: 100, mirrorPercent: 100 });
    const late = await gateway.api('PUT', `${ROUTE}/stage`, { stage: 'live', reason: 'x' }, { 'if-match': tag });
    assert.equal(late.status, 412);
    await gateway.close();
  });

  it('that cannot be stored refuses a promotion and still rolls back', {
    skip: process.platform === 'win32',
  }, async () => {
    const gateway = await start();
    await gateway.api('PUT', `${ROUTE}/stage`, { stage: 'complete', reason: 'x' }, { 'if-match': '*' });
    // As good as a full disk: nothing can be written while another process holds the file.
    const blocker = new DatabaseSync(join(folder, 'gateway.db'));
    blocker.exec('BEGIN EXCLUSIVE');
    const rollback = gateway.api('POST', `${ROUTE}/rollback`, { reason: 'fire' });
    await eventually(
      async () => {
        const response = await fetch(`${gateway.url}/api/x`);
        return response.headers.get('x-banyan-side') === 'legacy';
      },
      'legacy to serve although nothing can be stored',
      20_000,
    );
    const { body } = await rollback;
    assert.equal(body.durable, false);
    const promotion = await gateway.api('PUT', `${ROUTE}/stage`, { stage: 'live', reason: 'x' }, { 'if-match': '*' });
    assert.equal(promotion.status, 500);
    assert.match((await gateway.api('GET', '/readyz')).body.warnings[0], /ledger cannot store/);
    blocker.exec('ROLLBACK');
    blocker.close();
    await gateway.close();
  });
});
