// Retries, falling back to the other side, breakers and health checks, over real sockets.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { closedPort, sendJson, startRawServer, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();

const answering = (name: string) => kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, { name })));
const dead = async () => ({ url: `http://127.0.0.1:${await closedPort()}` });

function gatewayBetween(
  legacy: { url: string },
  fresh: { url: string },
  route: object,
  overrides = {},
): Promise<TestGateway> {
  return kept(
    startTestGateway({
      legacy: legacy.url,
      new: fresh.url,
      routes: [routeOn('/*', { timeoutMs: 300, ...route })],
      overrides,
    }),
  );
}

/** A server that drops every connection at its first request, `times` times, and then answers. */
function droppingFirst(times: number) {
  let dropped = 0;
  return kept(
    startRawServer((socket: Socket) => {
      socket.on('data', () => {
        if (dropped++ < times) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }),
  );
}

describe('a request whose connection breaks before the answer', () => {
  it('is sent once more when it is safe, and no more than once', async () => {
    const once = await gatewayBetween(await droppingFirst(1), await dead(), {});
    assert.equal(await (await fetch(`${once.url}/x`)).text(), 'ok');
    const twice = await gatewayBetween(await droppingFirst(2), await dead(), {});
    assert.equal((await fetch(`${twice.url}/x`)).status, 502);
  });

  it('is not sent again when it is a POST, nor a PUT or DELETE unless the route says so', async () => {
    for (const [method, retry, status] of [
      ['POST', 'idempotent', 502],
      ['PUT', 'safe', 502],
      ['GET', 'never', 502],
      ['PUT', 'idempotent', 200],
      ['DELETE', 'idempotent', 200],
    ] as const) {
      const upstream = await droppingFirst(1);
      const gateway = await gatewayBetween(upstream, await dead(), { retry });
      const response = await fetch(`${gateway.url}/x`, { method, body: method === 'GET' ? null : 'body' });
      assert.equal(response.status, status, `${method} with retry: ${retry}`);
      assert.equal(upstream.seen, status === 200 ? 2 : 1);
    }
  });
});

describe('a side that is down', () => {
  it('is stood in for by the other where the route allows it, and the answer says so', async () => {
    const gateway = await gatewayBetween(await answering('legacy'), await dead(), {
      initialStage: 'complete',
      fallback: true,
    });
    const response = await fetch(`${gateway.url}/x`, { method: 'POST', body: '{"kept":"whole"}' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-banyan-side'), 'legacy');
    assert.equal(response.headers.get('x-banyan-decision'), 'fallback');
    assert.deepEqual(await response.json(), { name: 'legacy' });
  });

  it('is not stood in for where the route does not allow it', async () => {
    const gateway = await gatewayBetween(await answering('legacy'), await dead(), { initialStage: 'complete' });
    assert.equal((await fetch(`${gateway.url}/x`)).status, 502);
  });

  it('that got a write and then broke off is not stood in for: it may have done it', async () => {
    const legacy = await answering('legacy');
    const fresh = await kept(startRawServer((socket) => socket.once('data', () => socket.destroy())));
    const gateway = await gatewayBetween(legacy, fresh, { initialStage: 'complete', fallback: true });
    assert.equal((await fetch(`${gateway.url}/x`, { method: 'POST', body: 'x' })).status, 502);
    assert.equal(legacy.seen, 0);
    assert.equal((await fetch(`${gateway.url}/x`)).status, 200, 'a safe request is');
  });

  it('is left alone after five failures in a row, and the other serves at once', async () => {
    const fresh = await kept(startRawServer((socket) => socket.once('data', () => socket.destroy())));
    const gateway = await gatewayBetween(await answering('legacy'), fresh, {
      initialStage: 'complete',
      fallback: true,
      retry: 'never',
    });
    const decisions: (string | null)[] = [];
    for (let i = 0; i < 8; i++) {
      const response = await fetch(`${gateway.url}/x`);
      assert.equal(response.status, 200);
      decisions.push(response.headers.get('x-banyan-decision'));
    }
    assert.deepEqual(decisions, [...Array(5).fill('fallback'), ...Array(3).fill('breaker')]);
    assert.equal(fresh.seen, 5);
    const { body } = await gateway.api('GET', '/metrics');
    assert.match(body, /banyan_breaker_open\{route="test.route",side="new"\} 1/);
    const route = await gateway.api('GET', '/api/routes/test.route');
    assert.deepEqual(route.body.openBreakers, { legacy: 0, new: 1 });
  });

  it('counts as new_error in the evidence, without a copy', async () => {
    const legacy = await answering('legacy');
    const gateway = await gatewayBetween(legacy, await dead(), { initialStage: 'live', fallback: true });
    await (await fetch(`${gateway.url}/x`)).text();
    const { outcomes } = await eventually(async () => {
      const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
      return body.pending === 0 && body;
    }, 'the comparison');
    assert.equal(outcomes.new_error, 1);
    assert.equal(legacy.seen, 1);
  });

  it('together with the other answers 502', async () => {
    const gateway = await gatewayBetween(await dead(), await dead(), { fallback: true });
    const response = await fetch(`${gateway.url}/x`);
    assert.equal(response.status, 502);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
  });
});

describe('a health check', () => {
  it('takes a side out that fails it, says so, and brings it back', async () => {
    let ill = false;
    const legacy = await answering('legacy');
    const fresh = await kept(
      startUpstream((incoming, outgoing) =>
        sendJson(outgoing, incoming.url === '/health' && ill ? 503 : 200, { name: 'new' }),
      ),
    );
    const health = { path: '/health', intervalMs: 20, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 2 };
    const gateway = await gatewayBetween(
      legacy,
      fresh,
      { initialStage: 'complete', fallback: true },
      {
        upstreams: { legacy: { url: legacy.url }, new: { url: fresh.url, health } },
      },
    );
    const decision = async () => (await fetch(`${gateway.url}/x`)).headers.get('x-banyan-decision');
    assert.equal(await decision(), 'flag-on');
    ill = true;
    await eventually(async () => (await decision()) === 'breaker', 'legacy to stand in');
    const { body } = await gateway.api('GET', '/api/status');
    assert.equal(body.upstreams.new.healthy, false);
    assert.equal(body.upstreams.legacy.healthy, null, 'nobody asks legacy');
    assert.match(body.warnings[0], /new is down: .*\/health answered 503/);
    assert.match((await gateway.api('GET', '/metrics')).body, /banyan_upstream_up\{side="new"\} 0/);
    ill = false;
    await eventually(async () => (await decision()) === 'flag-on', 'new to serve again');
  });
});
