// What the gateway does for both sides alike: cross-origin requests, rate limits, traces; over real sockets.
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();

async function gatewayWith(overrides: object, route: Record<string, unknown> = {}) {
  const seen: IncomingHttpHeaders[] = [];
  const upstream = await startUpstream((incoming, outgoing) => {
    seen.push(incoming.headers);
    outgoing.setHeader('access-control-allow-origin', 'https://backend.example');
    sendJson(outgoing, 200, {});
  });
  await kept(upstream);
  const routes = [routeOn('/api/*', route), routeOn('/other', { id: 'other.route' })];
  const gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes, overrides });
  await kept(gateway);
  return { gateway, upstream, seen };
}

describe('cross-origin requests', () => {
  const cors = { origins: ['https://app.example'] };

  it("are answered by the gateway: preflights without a backend, answers without the backend's own fields", async () => {
    const { gateway, upstream } = await gatewayWith({ cors });
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'PUT' };
    const preflight = await fetch(`${gateway.url}/api/x`, { method: 'OPTIONS', headers });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example');
    assert.equal(upstream.seen, 0);
    const answer = await fetch(`${gateway.url}/api/x`, { headers: { origin: 'https://app.example' } });
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example');
    const foreign = await fetch(`${gateway.url}/api/x`, { headers: { origin: 'https://evil.example' } });
    assert.equal(foreign.headers.get('access-control-allow-origin'), null);
    const isInLog = () => gateway.log.some(({ decision, status }) => decision === 'preflight' && status === 204);
    await eventually(isInLog, 'the preflight in the log');
  });

  it("are the backend's own business when the gateway is not told", async () => {
    const { gateway, upstream } = await gatewayWith({});
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'PUT' };
    const preflight = await fetch(`${gateway.url}/api/x`, { method: 'OPTIONS', headers });
    assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://backend.example');
    assert.equal(upstream.seen, 1);
  });
});

describe('an identity that asks too often', () => {
  it('gets 429 with Retry-After, on that route alone, and others are served', async () => {
    const { gateway, upstream } = await gatewayWith({ rateLimit: { requests: 2, perSeconds: 60 } });
    const ask = (user: string, path = '/api/x') => fetch(`${gateway.url}${path}`, { headers: { 'x-user-id': user } });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask('u1')).status);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
    const refused = await ask('u1');
    const retryAfter = Number(refused.headers.get('retry-after'));
    assert.ok(retryAfter > 50 && retryAfter <= 60, `${retryAfter} s`);
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    assert.equal((await ask('u2')).status, 200);
    assert.equal((await ask('u1', '/other')).status, 200);
    assert.equal(upstream.seen, 4);
    assert.match((await gateway.api('GET', '/metrics')).body, /side="gateway",decision="rate-limited",code="4xx"\} 3/);
  });

  it("is judged by the route's own limit where it has one", async () => {
    const { gateway } = await gatewayWith(
      { rateLimit: { requests: 1, perSeconds: 60 } },
      { rateLimit: { requests: 3, perSeconds: 60 } },
    );
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await fetch(`${gateway.url}/api/x`)).status);
    assert.deepEqual(statuses, [200, 200, 200, 429]);
  });
});

describe('a trace', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  it('passes on, with its state, and is in the log', async () => {
    const { gateway, seen } = await gatewayWith({ trace: 'begin' });
    await (await fetch(`${gateway.url}/api/x`, { headers: { traceparent, tracestate: 'a=b' } })).text();
    assert.equal(seen[0]?.traceparent, traceparent);
    assert.equal(seen[0]?.tracestate, 'a=b');
    const isInLog = () => gateway.log.some(({ traceId }) => traceId === '4bf92f3577b34da6a3ce929d0e0e4736');
    await eventually(isInLog, 'the trace in the log');
  });

  it('is begun where there is none, when configured, and not otherwise', async () => {
    const begins = await gatewayWith({ trace: 'begin' });
    await (
      await fetch(`${begins.gateway.url}/api/x`, { headers: { traceparent: 'nonsense', tracestate: 'a=b' } })
    ).text();
    assert.match(String(begins.seen[0]?.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(begins.seen[0]?.tracestate, undefined);
    const passes = await gatewayWith({});
    await (await fetch(`${passes.gateway.url}/api/x`)).text();
    assert.equal(passes.seen[0]?.traceparent, undefined);
  });
});
