// Retries, falling back to the other side, breakers and health checks, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { closedPort, sendJson, startRawServer, startUpstream } from '../helpers/upstream.ts';
import { text } from './streams/frames.ts';
import { startWebSocketEcho } from './streams/websocket-echo.ts';

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

  for (const [stage, down, outcome] of [
    ['shadow', 'legacy', 'legacy_error'],
    ['live', 'new', 'new_error'],
  ] as const) {
    it(`and left alone in ${stage} has no copy sent to the very side that serves in its place`, async () => {
      const other = await answering('other');
      const route = { initialStage: stage, fallback: true, mirror: { bracketPercent: 100 } };
      const [legacy, fresh] = down === 'legacy' ? [await dead(), other] : [other, await dead()];
      const gateway = await gatewayBetween(legacy, fresh, route, { mirror: { backoff: false } });
      for (let i = 0; i < 8; i++) await (await fetch(`${gateway.url}/x`)).text();
      const evidence = await eventually(async () => {
        const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
        return body.eligible === 8 && body.pending === 0 && body;
      }, 'the comparisons');
      assert.equal(other.seen, 8, 'clients alone');
      assert.deepEqual([evidence.outcomes[outcome], evidence.dropped], [5, { decided_down: 3 }]);
    });
  }

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

describe('a WebSocket whose side is down', () => {
  const echo = (name: string) => kept(startWebSocketEcho(name));
  const canary = { initialStage: 'complete', fallback: true };

  /** The head that answers an upgrade: of the 101, or of a refusal. */
  async function upgrade(gateway: TestGateway): Promise<{ socket: WebSocket; answer: IncomingMessage }> {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`);
    void kept({ close: () => socket.terminate() });
    socket.on('error', () => {});
    const opened = Promise.all([once(socket, 'upgrade'), once(socket, 'open')]).then(([[answer]]) => answer);
    const refused = once(socket, 'unexpected-response').then(([, answer]) => answer);
    return { socket, answer: await within(Promise.race([opened, refused]), 'an answer') };
  }
  const seen = async (gateway: TestGateway) => {
    const { answer } = await upgrade(gateway);
    return [answer.statusCode, answer.headers['x-banyan-side'], answer.headers['x-banyan-decision']];
  };

  it('is opened at the other where the route allows it, is counted there, and the answer and the log say so', async () => {
    const gateway = await gatewayBetween(await echo('legacy'), await dead(), canary);
    const { socket, answer } = await upgrade(gateway);
    assert.equal(answer.headers['x-banyan-side'], 'legacy');
    assert.equal(answer.headers['x-banyan-decision'], 'fallback');
    const said = once(socket, 'message');
    socket.send('hello');
    assert.equal(String((await within(said, 'the echo'))[0]), 'legacy: hello');
    const line = gateway.log.find(({ msg }) => msg === 'upgrade');
    assert.deepEqual([line?.status, line?.side, line?.decision], [101, 'legacy', 'fallback']);
    const { streams } = (await gateway.api('GET', '/api/routes/test.route')).body;
    assert.deepEqual([streams.legacy, streams.new, streams.oldSide], [1, 0, 0]);
  });

  it('gets there what its client has sent early', async () => {
    const gateway = await gatewayBetween(await echo('legacy'), await dead(), canary);
    const client = await connectRaw(gateway.port);
    void kept({ close: () => client.socket.destroy() });
    const request =
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    client.socket.write(Buffer.concat([Buffer.from(request), text('early', true)]));
    await client.until('legacy: early');
  });

  it('is not opened elsewhere where the route does not allow it', async () => {
    const gateway = await gatewayBetween(await echo('legacy'), await dead(), { initialStage: 'complete' });
    assert.deepEqual(await seen(gateway), [502, 'new', 'flag-on']);
  });

  it('is not opened elsewhere once its handshake has reached the side', async () => {
    const fresh = await kept(startRawServer((socket) => socket.once('data', () => socket.destroy())));
    const gateway = await gatewayBetween(await echo('legacy'), fresh, canary);
    assert.deepEqual(await seen(gateway), [502, 'new', 'flag-on']);
  });

  it('leaves it alone after five failures in a row, requests and handshakes together', async () => {
    const legacy = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 403, {})));
    const gateway = await gatewayBetween(legacy, await dead(), canary);
    for (let i = 0; i < 2; i++) assert.equal((await fetch(`${gateway.url}/x`)).status, 403);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await seen(gateway));
    assert.deepEqual(answers, [
      ...Array(3).fill([403, 'legacy', 'fallback']),
      ...Array(2).fill([403, 'legacy', 'breaker']),
    ]);
    const { body } = await gateway.api('GET', '/metrics');
    assert.match(body, /banyan_breaker_open\{route="test.route",side="new"\} 1/);
  });

  for (const [name, status, isOpen] of [
    ['below 500 speaks for the side', 403, false],
    ['of 500 and above speaks against it', 503, true],
  ] as const) {
    it(`a refusal ${name}`, async () => {
      const fresh = await kept(startUpstream((_, outgoing) => sendJson(outgoing, status, {})));
      const gateway = await gatewayBetween(await echo('legacy'), fresh, canary);
      for (let i = 0; i < 5; i++) assert.deepEqual(await seen(gateway), [status, 'new', 'flag-on']);
      assert.deepEqual(await seen(gateway), isOpen ? [101, 'legacy', 'breaker'] : [status, 'new', 'flag-on']);
    });
  }

  it('by its health check is not dialled at all', async () => {
    const legacy = await echo('legacy');
    const fresh = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 503, {})));
    const health = { path: '/health', intervalMs: 20, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 1 };
    const upstreams = { legacy: { url: legacy.url }, new: { url: fresh.url, health } };
    const gateway = await gatewayBetween(legacy, fresh, canary, { upstreams });
    const isDown = async () => (await gateway.api('GET', '/api/status')).body.upstreams.new.healthy === false;
    await eventually(isDown, 'the side to be known as down');
    assert.deepEqual(await seen(gateway), [101, 'legacy', 'breaker']);
  });

  it('together with the other is answered 502, like a request', async () => {
    const gateway = await gatewayBetween(await dead(), await dead(), canary);
    assert.deepEqual(await seen(gateway), [502, 'legacy', 'fallback']);
  });
});
