// Event streams through the gateway: as they are, for as long as they last, and what a flip does to them.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { startUpstream } from '../../helpers/upstream.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

interface Opened {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  closed: boolean;
}

/** An upstream that begins an event stream for every request and leaves the rest to the test. */
async function startEvents(headers: Record<string, string> = {}) {
  const opened: Opened[] = [];
  const server = kept(
    await startUpstream((incoming, outgoing) => {
      const each: Opened = { incoming, outgoing, closed: false };
      outgoing.on('close', () => {
        each.closed = true;
      });
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
      outgoing.flushHeaders();
      opened.push(each);
    }),
  );
  return { url: server.url, next: (index = 0) => eventually(() => opened[index], `event stream ${index}`) };
}

interface Given {
  readonly streams?: Record<string, unknown>;
  readonly route?: Record<string, unknown>;
  readonly overrides?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  readonly request?: string;
}

/** A client whose event stream is open, and its upstream. */
async function opened({ streams, route, overrides, headers, request = '' }: Given = {}) {
  const upstream = await startEvents(headers);
  const routes = [routeOn('/*', { streams: { jitterMs: 0, drainMs: 5_000, ...streams }, ...route })];
  const gateway = kept(
    await startTestGateway({
      legacy: upstream.url,
      new: 'http://127.0.0.1:9',
      routes,
      overrides: { expose: false, ...overrides },
    }),
  );
  const client = await connectRaw(gateway.port);
  kept({ close: async () => void client.socket.destroy() });
  client.send(`GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n${request}\r\n`);
  await client.until('\r\n\r\n');
  return { gateway, client, upstream: await upstream.next(), server: upstream };
}

const ROUTE = '/api/routes/test.route';
const flip = (gateway: TestGateway) =>
  gateway.api('PUT', `${ROUTE}/stage`, { stage: 'complete', reason: 'test' }, { 'if-match': '*' });

/** The content of a chunked answer so far. */
function contentOf(received: string): string {
  let rest = received.slice(received.indexOf('\r\n\r\n') + 4);
  let content = '';
  for (;;) {
    const [, size = '', tail = ''] = /^([0-9a-f]+)\r\n([\s\S]*)$/.exec(rest) ?? [];
    const length = Number.parseInt(size, 16);
    if (!length) return content;
    content += tail.slice(0, length);
    rest = tail.slice(length + 2);
  }
}

describe('an event stream', () => {
  it('passes byte for byte as it comes, heartbeats and unfinished events too', async () => {
    const { client, upstream } = await opened();
    let sent = '';
    for (const part of [': heartbeat\n\n', 'id: 1\r\nda', 'ta: {"a":1}\r', '\n\r\n', 'retry: 10\rdata: caf\xe9\r\r']) {
      upstream.outgoing.write(part, 'latin1');
      sent += part;
      await client.until(part);
    }
    assert.equal(contentOf(await client.until('caf')), sent);
  });

  it('asks for what the client asked for: Last-Event-ID and Accept reach the upstream', async () => {
    const { upstream } = await opened({ request: 'Last-Event-ID: 41\r\n' });
    assert.equal(upstream.incoming.headers['last-event-id'], '41');
    assert.equal(upstream.incoming.headers.accept, 'text/event-stream');
  });

  it('that is quiet stays open beyond every time-out of requests', async () => {
    const limits = { bodyIdleTimeoutMs: 50, idleTimeoutMs: 50, headerTimeoutMs: 50 };
    const { client, upstream, gateway } = await opened({ route: { timeoutMs: 50 }, overrides: { limits } });
    // Something else that takes longer than all of them has passed in the meantime.
    const slow = kept(await startUpstream(() => {}));
    const other = kept(
      await startTestGateway({ legacy: slow.url, new: slow.url, routes: [routeOn('/*', { timeoutMs: 400 })] }),
    );
    assert.equal((await fetch(`${other.url}/x`)).status, 504);
    upstream.outgoing.write('data: still\n\n');
    await client.until('data: still');
    assert.deepEqual((await gateway.api('GET', ROUTE)).body.streams.legacy, 1);
  });

  it('whose upstream ends it, then the client has a complete answer and keeps its connection', async () => {
    const { client, upstream, gateway } = await opened();
    upstream.outgoing.end('data: last\n\n');
    assert.equal(contentOf(await client.until('\r\n0\r\n\r\n')), 'data: last\n\n');
    await eventually(async () => (await gateway.api('GET', ROUTE)).body.streams.legacy === 0, 'the count to fall');
    client.send('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('\r\n0\r\n\r\nHTTP/1.1 200 OK');
  });

  it('whose upstream breaks off, then the client sees an abort', async () => {
    const { client, upstream } = await opened();
    upstream.outgoing.write('data: 1\n\n');
    await client.until('data: 1');
    upstream.outgoing.destroy();
    assert.equal((await client.closed()).includes('\r\n0\r\n\r\n'), false);
  });

  for (const [name, leave] of [
    ['resets', 'resetAndDestroy'],
    ['closes', 'end'],
  ] as const) {
    it(`whose client ${name}, then the upstream is let go at once`, async () => {
      const { client, upstream } = await opened();
      client.socket[leave]();
      await eventually(() => upstream.closed, 'the upstream to be let go', 1_000);
    });
  }

  it('is counted while it is open, and says nothing of the latency of its side', async () => {
    const { client, upstream, gateway } = await opened();
    const { body: metrics } = await gateway.api('GET', '/metrics');
    assert.match(metrics, /banyan_open_streams\{route="test\.route",side="legacy",kind="sse"\} 1/);
    const slow = kept(await startUpstream(() => {}));
    const other = kept(
      await startTestGateway({ legacy: slow.url, new: slow.url, routes: [routeOn('/*', { timeoutMs: 300 })] }),
    );
    assert.equal((await fetch(`${other.url}/x`)).status, 504);
    upstream.outgoing.end();
    await client.until('\r\n0\r\n\r\n');
    const { traffic } = await eventually(async () => {
      const { body } = await gateway.api('GET', ROUTE);
      return body.traffic.legacy.requests === 1 && body;
    }, 'the request to be counted');
    assert.ok(traffic.legacy.latencyMs.p99 < 300, `p99 is ${traffic.legacy.latencyMs.p99} ms`);
  });

  it('does not take a connection that requests need', async () => {
    const upstream = await startEvents();
    const plain = { legacy: { url: upstream.url, connections: 1 }, new: { url: upstream.url } };
    const gateway = kept(
      await startTestGateway({
        legacy: upstream.url,
        new: upstream.url,
        routes: [routeOn('/*')],
        overrides: { upstreams: plain },
      }),
    );
    for (let i = 0; i < 3; i++) {
      const client = await connectRaw(gateway.port);
      kept({ close: async () => void client.socket.destroy() });
      client.send('GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
      await client.until('\r\n\r\n');
      (await upstream.next(i)).outgoing.write('data: 1\n\n');
      await client.until('data: 1');
    }
  });
});

describe('a flip of a route that drains its event streams', () => {
  it('between two events ends the answer at once, complete, and lets the upstream go', async () => {
    const { gateway, client, upstream } = await opened({ streams: { onFlip: 'drain' } });
    upstream.outgoing.write('id: 1\ndata: 1\n\n');
    await client.until('data: 1\n\n');
    await flip(gateway);
    assert.equal(contentOf(await client.until('\r\n0\r\n\r\n')), 'id: 1\ndata: 1\n\n');
    await eventually(() => upstream.closed, 'the upstream to be let go');
    const line = await eventually(
      () => gateway.log.find(({ msg, path }) => msg === 'request' && path === '/events'),
      'log',
    );
    assert.deepEqual([line.status, line.failure], [200, undefined]);
  });

  it('before the first event ends it too', async () => {
    const { gateway, client } = await opened({ streams: { onFlip: 'drain' } });
    await flip(gateway);
    assert.equal(contentOf(await client.until('0\r\n\r\n')), '');
  });

  it('in the middle of an event waits for its end, and lets nothing follow it', async () => {
    const { gateway, client, upstream } = await opened({ streams: { onFlip: 'drain' } });
    upstream.outgoing.write('id: 1\ndata: 1\n\nid: 2\nda');
    await client.until('id: 2');
    await flip(gateway);
    upstream.outgoing.write('ta: 2\n\nid: 3\ndata: 3\n\nid: 4');
    assert.equal(contentOf(await client.until('\r\n0\r\n\r\n')), 'id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n');
  });

  it('in the middle of an event that never ends, then it is cut at the deadline', async () => {
    const { gateway, client, upstream } = await opened({ streams: { onFlip: 'drain', drainMs: 100 } });
    upstream.outgoing.write('data: half');
    await client.until('half');
    await flip(gateway);
    assert.equal((await client.closed()).includes('\r\n0\r\n\r\n'), false);
    await eventually(() => upstream.closed, 'the upstream to be let go');
  });

  it('compressed, in which no event can be seen, then it is cut at the deadline', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const { gateway, client, upstream } = await opened({ headers, streams: { onFlip: 'drain', drainMs: 100 } });
    upstream.outgoing.write('\x1f\x8b\n\n', 'latin1');
    await client.until('\n\n');
    await flip(gateway);
    upstream.outgoing.write('more\n\n');
    await client.until('more');
    await client.closed();
  });

  it('with pin leaves it, and counts it as on the old side', async () => {
    const { gateway, client, upstream } = await opened({ streams: { onFlip: 'pin' } });
    await flip(gateway);
    upstream.outgoing.write('data: on\n\n');
    await client.until('data: on');
    const { legacy, oldSide } = (await gateway.api('GET', ROUTE)).body.streams;
    assert.deepEqual([legacy, oldSide], [1, 1]);
  });
});

describe('an event stream with an idle time-out', () => {
  it('is ended once it has been quiet for that long, and not before', async () => {
    const { client, upstream } = await opened({ streams: { idleTimeoutMs: 150 } });
    for (let i = 0; i < 3; i++) {
      upstream.outgoing.write(`data: ${i}\n\n`);
      await client.until(`data: ${i}`);
    }
    assert.equal(contentOf(await client.until('\r\n0\r\n\r\n')), 'data: 0\n\ndata: 1\n\ndata: 2\n\n');
    await eventually(() => upstream.closed, 'the upstream to be let go');
  });
});
