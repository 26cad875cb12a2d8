// Spans of requests as a collector gets them, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { closingAfterEach } from '../../helpers/closing.ts';
import { type CollectedSpan, startCollector } from '../../helpers/collector.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGatewayOptions } from '../../helpers/gateway.ts';
import { closedPort, sendJson, startRawServer, startUpstream } from '../../helpers/upstream.ts';

const kept = closingAfterEach();
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

const answer200: RequestListener = (_, outgoing) => sendJson(outgoing, 200, { ok: true });

/** A traced gateway before one backend that keeps what it is asked. */
async function startTraced(options: Partial<TestGatewayOptions> & { tracing?: object; answer?: RequestListener } = {}) {
  const { tracing = {}, answer = answer200, overrides, ...more } = options;
  const collector = await kept(startCollector());
  const asked: IncomingMessage['headers'][] = [];
  const backend = await kept(
    startUpstream((incoming, outgoing) => {
      asked.push(incoming.headers);
      answer(incoming, outgoing);
    }),
  );
  const gateway = await startTestGateway({
    ...{ legacy: backend.url, new: backend.url, routes: [routeOn('/orders/:id')] },
    overrides: { tracing: { endpoint: collector.url, ...tracing }, ...overrides },
    ...more,
  });
  await kept(gateway);
  return {
    gateway,
    backend,
    asked,
    /** Ends the gateway: then the collector has all there is. */
    async spans() {
      await gateway.close();
      assert.deepEqual(collector.problems, []);
      const of = (kind: string) => collector.spans.filter((span) => span.kind === kind);
      return { all: collector.spans, server: of('server'), client: of('client'), resources: collector.resources };
    },
  };
}

const traceparentOf = (span: CollectedSpan | undefined) => `00-${span?.traceId}-${span?.spanId}-01`;

describe('a traced request', () => {
  it('is a SERVER span, and below it a CLIENT span, which the backend is told of', async () => {
    const { gateway, backend, asked, spans } = await startTraced();
    const headers = { 'x-request-id': 'r-1', 'user-agent': 'probe', tracestate: 'of=nobody' };
    await (await fetch(`${gateway.url}/orders/7?token=secret`, { headers })).text();
    const { all, server, client, resources } = await spans();
    assert.equal(all.length, 2);
    const [[request], [exchange]] = [server, client];
    assert.ok(request && exchange);
    assert.deepEqual([request.name, request.parentSpanId, request.status], ['GET /orders/:id', undefined, undefined]);
    assert.deepEqual(request.attributes, {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': gateway.port,
      'url.scheme': 'http',
      'url.path': '/orders/7',
      'http.route': '/orders/:id',
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
      'network.peer.address': '127.0.0.1',
      'user_agent.original': 'probe',
      'banyan.request_id': 'r-1',
      'banyan.route': 'test.route',
      'banyan.side': 'legacy',
      'banyan.decision': 'flag-off',
    });
    assert.deepEqual(
      [exchange.name, exchange.traceId, exchange.parentSpanId],
      ['GET', request.traceId, request.spanId],
    );
    assert.deepEqual(exchange.attributes, {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': backend.port,
      'url.full': `${backend.url}/orders/7`,
      'http.response.status_code': 200,
      'banyan.side': 'legacy',
    });
    assert.ok(request.startTimeUnixNano <= exchange.startTimeUnixNano);
    assert.ok(exchange.endTimeUnixNano <= request.endTimeUnixNano);
    assert.deepEqual([asked[0]?.traceparent, asked[0]?.tracestate], [traceparentOf(exchange), undefined]);
    const { 'process.pid': pid, ...resource } = resources[0] ?? {};
    assert.deepEqual(resource, { 'service.name': 'banyan', 'deployment.environment.name': 'test' });
    assert.equal(pid, process.pid);
    const line = gateway.log.find(({ msg }) => msg === 'request');
    assert.equal(line?.traceId, request.traceId, 'the log names the trace');
  });

  it('goes on in the trace of the client, whose state is passed on', async () => {
    const { gateway, asked, spans } = await startTraced();
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1' };
    await (await fetch(`${gateway.url}/orders/7`, { headers })).text();
    const { server, client } = await spans();
    assert.deepEqual([server[0]?.traceId, server[0]?.parentSpanId], [TRACE, PARENT]);
    assert.deepEqual([asked[0]?.traceparent, asked[0]?.tracestate], [traceparentOf(client[0]), 'vendor=1']);
  });

  it('that its client does not sample is not recorded, and passed on as it is', async () => {
    const { gateway, asked, spans } = await startTraced();
    const traceparent = `00-${TRACE}-${PARENT}-00`;
    await (await fetch(`${gateway.url}/orders/7`, { headers: { traceparent } })).text();
    assert.equal((await spans()).all.length, 0);
    assert.equal(asked[0]?.traceparent, traceparent);
  });

  it('outside the sample is not recorded, and the backend is told so', async () => {
    const { gateway, asked, spans } = await startTraced({ tracing: { samplePercent: 0 } });
    await (await fetch(`${gateway.url}/orders/7`)).text();
    assert.equal((await spans()).all.length, 0);
    assert.match(asked[0]?.traceparent as string, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('is sampled by its share', async () => {
    const { gateway, spans } = await startTraced({ tracing: { samplePercent: 50 } });
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${gateway.url}/orders/7`)).text()));
    }
    const { server, client } = await spans();
    assert.equal(server.length, client.length);
    // Nine standard deviations to each side of 100.
    assert.ok(server.length > 37 && server.length < 163, `${server.length} of 200`);
  });
});

describe('the spans of a request that goes wrong', () => {
  it('name the failure where the backend cannot be reached', async () => {
    const { gateway, spans } = await startTraced({ legacy: `http://127.0.0.1:${await closedPort()}` });
    assert.equal((await fetch(`${gateway.url}/orders/7`)).status, 502);
    const { server, client } = await spans();
    const seen = [server[0], client[0]].map((span) => [
      span?.attributes['http.response.status_code'],
      span?.attributes['error.type'],
      span?.status?.code,
    ]);
    assert.deepEqual(seen, [
      [502, 'connect_failed', 2],
      [undefined, 'connect_failed', 2],
    ]);
  });

  it('tell a server’s error from a client’s', async () => {
    const { gateway, spans } = await startTraced({
      answer: (incoming, outgoing) => sendJson(outgoing, Number(incoming.url?.split('/').at(-1)), {}),
    });
    for (const status of [404, 503]) await (await fetch(`${gateway.url}/orders/${status}`)).text();
    const { server, client } = await spans();
    const errors = (all: readonly CollectedSpan[]) => all.map((span) => span.attributes['error.type']);
    assert.deepEqual(
      [errors(server), errors(client)],
      [
        [undefined, '503'],
        ['404', '503'],
      ],
    );
  });

  it('are one CLIENT span for each attempt', async () => {
    let dropped = 0;
    const flaky = await kept(
      startRawServer((socket) => {
        socket.on('data', () => {
          if (dropped++ === 0) socket.destroy();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      }),
    );
    const { gateway, spans } = await startTraced({ legacy: flaky.url });
    assert.equal(await (await fetch(`${gateway.url}/orders/7`)).text(), 'ok');
    const { server, client } = await spans();
    const attempts = client.map(({ attributes, parentSpanId }) => [
      attributes['error.type'],
      attributes['http.request.resend_count'],
      parentSpanId === server[0]?.spanId,
    ]);
    assert.deepEqual(attempts, [
      ['upstream_reset', undefined, true],
      [undefined, 1, true],
    ]);
  });

  it('of a method nobody knows do not invent a name', async () => {
    const { gateway, spans } = await startTraced();
    await (await fetch(`${gateway.url}/orders/7`, { method: 'PROPFIND' })).text();
    const [span] = (await spans()).server;
    assert.deepEqual(
      [span?.name, span?.attributes['http.request.method'], span?.attributes['http.request.method_original']],
      ['HTTP /orders/:id', '_OTHER', 'PROPFIND'],
    );
  });

  it('are a SERVER span alone where the gateway answers by itself', async () => {
    const { gateway, spans } = await startTraced({
      routes: [routeOn('/orders/:id', { rateLimit: { requests: 1, perSeconds: 60 } })],
    });
    for (const status of [200, 429]) assert.equal((await fetch(`${gateway.url}/orders/7`)).status, status);
    const { server, client } = await spans();
    assert.equal(client.length, 1);
    const { attributes } = server[1] ?? {};
    assert.deepEqual(
      [attributes?.['http.response.status_code'], attributes?.['banyan.side'], attributes?.['banyan.decision']],
      [429, 'gateway', 'rate-limited'],
    );
  });
});

describe('the copy of a traced request', () => {
  it('is a trace of its own, linked to the request’s, and the other side is told of it', async () => {
    const copies: IncomingMessage['headers'][] = [];
    const shadow = await kept(
      startUpstream((incoming, outgoing) => {
        copies.push(incoming.headers);
        answer200(incoming, outgoing);
      }),
    );
    const { gateway, spans } = await startTraced({
      new: shadow.url,
      routes: [routeOn('/orders/:id', { initialStage: 'shadow' })],
    });
    await (await fetch(`${gateway.url}/orders/7`)).text();
    await eventually(() => copies.length === 1, 'the copy');
    const { server, client } = await spans();
    const [request] = server;
    assert.equal(request?.attributes['banyan.shadow'], 'new');
    const copy = client.find(({ attributes }) => attributes['banyan.copy'] === true);
    assert.ok(copy && request);
    assert.deepEqual(copy.links, [{ traceId: request.traceId, spanId: request.spanId }]);
    assert.notEqual(copy.traceId, request.traceId);
    assert.deepEqual([copy.parentSpanId, copy.attributes['banyan.side']], [undefined, 'new']);
    assert.equal(copies[0]?.traceparent, traceparentOf(copy));
  });
});

describe('a traced upgrade', () => {
  it('is a SERVER and a CLIENT span of its handshake', async () => {
    const echo = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(echo, 'listening');
    const asked: IncomingMessage['headers'][] = [];
    echo.on('connection', (_, { headers }) => asked.push(headers));
    const address = echo.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { gateway, spans } = await startTraced({ legacy: `http://127.0.0.1:${port}` });
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/orders/ws`);
    await within(once(socket, 'open'), 'the WebSocket to open');
    socket.terminate();
    const { server, client } = await spans();
    echo.close();
    const status = 'http.response.status_code';
    assert.deepEqual([server[0]?.attributes[status], client[0]?.attributes[status]], [101, 101]);
    assert.equal(client[0]?.parentSpanId, server[0]?.spanId);
    assert.equal(asked[0]?.traceparent, traceparentOf(client[0]));
  });
});

describe('without a collector', () => {
  it('nothing that makes or exports spans is loaded', () => {
    const root = join(import.meta.dirname, '..', '..', '..');
    const loads = /^import (?!type).*tracing\/(?:otlp-tracing|exporter|span)\.ts'/m;
    const loaders = globSync('gateway/**/*.ts', { cwd: root }).filter(
      (file) => !file.includes('tracing') && loads.test(readFileSync(join(root, file), 'utf8')),
    );
    assert.deepEqual(loaders, []);
  });
});
