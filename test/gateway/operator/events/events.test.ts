// GET /api/events over the real port: what is told, how soon, to whom, and how a client comes back.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { EVENTS } from '../../../../gateway/operator/contract/events.ts';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { eventually, within } from '../../../helpers/deadline.ts';
import { type EventSource, followEvents } from '../../../helpers/event-source.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway, VIEWER_TOKEN } from '../../../helpers/gateway.ts';
import { sendJson, startUpstream, type TestServer } from '../../../helpers/upstream.ts';

const ROUTE = '/api/routes/test.route';
const routes = [routeOn('/api/*'), routeOn('/other', { id: 'other.route' })];
const BEARER = { authorization: `Bearer ${VIEWER_TOKEN}` };

describe('the event stream', () => {
  let upstream: TestServer;
  let gateway: TestGateway;
  const open: EventSource[] = [];
  before(async () => {
    upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes });
  });
  afterEach(() => {
    for (const source of open.splice(0)) source.close();
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  async function follow(headers: Record<string, string> = {}): Promise<EventSource> {
    const source = await followEvents(`${gateway.operatorUrl}/api/events`, { ...BEARER, ...headers });
    open.push(source);
    return source;
  }
  const move = (stage: string) =>
    gateway.api('PUT', `${ROUTE}/stage`, { stage, reason: `to ${stage}` }, { 'if-match': '*' });

  it('is for those who may look', async () => {
    assert.equal((await followEvents(`${gateway.operatorUrl}/api/events`, {})).status, 401);
  });

  it('greets, and says how all routes do, before anything happens', async () => {
    const source = await follow();
    const hello = await source.next(({ name }) => name === 'hello', 'the greeting');
    assert.deepEqual([hello.data.environment, hello.data.resumed], ['test', false]);
    const summary = await source.next(({ name }) => name === 'summary', 'a summary');
    assert.deepEqual(
      summary.data.routes.map(({ id }: { id: string }) => id),
      ['test.route', 'other.route'],
    );
    await source.next(({ name }) => name === 'summary', 'another summary, without asking');
  });

  it('tells of a moved route, with the entry of the audit log that says who and why', async () => {
    const source = await follow();
    await source.next(({ name }) => name === 'hello', 'the greeting');
    await move('shadow');
    const { data } = await source.next(({ name }) => name === 'route', 'the move');
    assert.deepEqual([data.id, data.stage, data.mirrorPercent], ['test.route', 'shadow', 100]);
    const { data: told } = await source.next(({ name }) => name === 'audit', 'the entry');
    assert.deepEqual([told.entry.actor, told.entry.action, told.entry.reason], ['ops', 'stage', 'to shadow']);
    assert.equal('evidence' in told.entry, false);
    await move('legacy');
  });

  it('tells of rollbacks of one and of all, and of rules', async () => {
    const source = await follow();
    await source.next(({ name }) => name === 'hello', 'the greeting');
    await gateway.api('POST', '/api/rollback', { reason: 'outage' });
    const all = await source.next(({ name }) => name === 'override', 'the override of all');
    assert.equal(all.data.override.reason, 'outage');
    await gateway.api('DELETE', '/api/rollback', { reason: 'over' }, { 'if-match': '*' });
    const lifted = await source.next(({ name }) => name === 'override', 'its end');
    assert.equal(lifted.data.override, null);
    const rule = {
      route: 'test.route',
      kind: 'ignore',
      path: '$.fee',
      owner: 'trading',
      reason: 'known',
      permanent: 'yes',
    };
    const made = await gateway.api('POST', '/api/rules', rule, { 'if-match': '*' });
    assert.equal(made.status, 201);
    const rules = await source.next(({ name }) => name === 'rules', 'the rule');
    assert.equal(rules.data.revision, made.body.revision);
  });

  it('says only what its schemas have', async () => {
    const source = await follow();
    await source.next(({ name }) => name === 'hello', 'the greeting');
    await move('canary').then(() => move('shadow'));
    await source.next(({ name }) => name === 'audit', 'the entry');
    for (const { name, data } of source.events) {
      assert.ok(name in EVENTS, name);
      EVENTS[name as keyof typeof EVENTS].parse(data);
    }
    await move('legacy');
  });

  it('tells a client that comes back what it missed, once', async () => {
    const first = await follow();
    const hello = await first.next(({ name }) => name === 'hello', 'the greeting');
    await move('shadow');
    const seen = await first.next(({ name }) => name === 'route', 'the move');
    await first.next(({ name }) => name === 'audit', 'the entry');
    first.close();
    await gateway.api('POST', `${ROUTE}/rollback`, { reason: 'missed' });
    const back = await follow({ 'last-event-id': seen.id ?? '' });
    assert.equal((await back.next(({ name }) => name === 'hello', 'the greeting')).data.resumed, true);
    const missed = await back.next(({ name }) => name === 'route', 'the rollback');
    assert.equal(missed.data.override.reason, 'missed');
    assert.equal(
      back.events.filter(({ id }) => id === seen.id && id !== hello.id && back.events[0]?.id !== id).length,
      0,
    );
    await gateway.api('DELETE', `${ROUTE}/rollback`, { reason: 'over' }, { 'if-match': '*' });
    await move('legacy');
  });

  it('tells a client that comes back from another gateway to ask anew', async () => {
    const source = await follow({ 'last-event-id': 'abc.12' });
    assert.equal((await source.next(({ name }) => name === 'hello', 'the greeting')).data.resumed, false);
  });

  const clients = async () =>
    Number(/^banyan_operator_event_clients (\d+)$/m.exec((await gateway.api('GET', '/metrics')).body)?.[1]);

  it('counts its clients, and forgets one that has gone', async () => {
    const source = await follow();
    await source.next(({ name }) => name === 'hello', 'the greeting');
    await eventually(async () => (await clients()) === 1, 'one client');
    source.close();
    await eventually(async () => (await clients()) === 0, 'none');
  });

  it('is no stream to HEAD, and no client', async () => {
    const socket = connect(Number(gateway.operatorUrl.split(':').at(-1)), '127.0.0.1');
    socket.write(
      `HEAD /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${OPERATOR_TOKEN}\r\nconnection: close\r\n\r\n`,
    );
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.equal(await clients(), 0);
  });
});

describe('an event stream', () => {
  const kept = closingAfterEach();

  it('ends when the gateway stops, before its listener does', async () => {
    const upstream = await startUpstream((_, outgoing) => sendJson(outgoing, 200, {}));
    await kept(upstream);
    const gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes });
    const source = await followEvents(`${gateway.operatorUrl}/api/events`, BEARER);
    await source.next(({ name }) => name === 'hello', 'the greeting');
    const closed = gateway.close();
    await within(source.ended, 'the end of the stream');
    await closed;
  });
});
