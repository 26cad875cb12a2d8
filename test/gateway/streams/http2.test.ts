// WebSockets over HTTP/2 (RFC 8441), from Node's own client to a real WebSocket server by HTTP/1.1.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
  type Settings,
} from 'node:http2';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { closedPort, startUpstream } from '../../helpers/upstream.ts';
import { close, frame, text } from './frames.ts';
import { accepting, startSwitching } from './switching-upstream.ts';
import { startWebSocketEcho } from './websocket-echo.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'tls');
const [cert, key] = ['one.cert.pem', 'one.key.pem'].map((name) => join(FIXTURES, name));
const NOWHERE = 'http://127.0.0.1:9';

const kept = closingAfterEach();

interface Between {
  readonly fresh?: string;
  readonly route?: Record<string, unknown>;
  readonly streams?: Record<string, unknown>;
  readonly limits?: Record<string, number>;
}

function gatewayTo(legacy: string, { fresh = NOWHERE, route, streams, limits }: Between = {}): Promise<TestGateway> {
  const routes = [routeOn('/*', { streams: { jitterMs: 0, drainMs: 500, ...streams }, ...route })];
  const overrides = { tls: { cert, key }, ...(limits ? { limits } : {}) };
  return kept(startTestGateway({ legacy, new: fresh, routes, overrides }));
}

async function sessionTo(gateway: TestGateway): Promise<{ session: ClientHttp2Session; settings: Settings }> {
  const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { ca: readFileSync(cert ?? '') });
  session.on('error', () => {});
  void kept({ close: () => session.destroy() });
  const [settings] = await within(once(session, 'remoteSettings'), 'the settings');
  return { session, settings };
}

interface Asked {
  readonly stream: ClientHttp2Stream;
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  /** Everything received so far. */
  received(): Buffer;
}

async function ask(session: ClientHttp2Session, fields: Record<string, string | undefined> = {}): Promise<Asked> {
  const asked = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':path': '/ws',
    ':authority': 'shop.example',
    'sec-websocket-version': '13',
    ...fields,
  };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const stream = session.request(given, { endStream: false });
  const chunks: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [headers] = await within(once(stream, 'response'), 'the answer');
  return { stream, headers, received: () => Buffer.concat(chunks) };
}

async function webSocketTo(gateway: TestGateway, fields: Record<string, string> = {}): Promise<Asked> {
  const { session } = await sessionTo(gateway);
  const asked = await ask(session, fields);
  assert.equal(asked.headers[':status'], 200);
  return asked;
}

const closed = (stream: ClientHttp2Stream) =>
  within(new Promise<number>((resolve) => stream.once('close', () => resolve(stream.rstCode ?? -1))), 'the end');

const lineOf = (gateway: TestGateway, msg: string) =>
  eventually(() => gateway.log.find((line) => line.msg === msg), `the line "${msg}"`);

describe('a WebSocket over HTTP/2', () => {
  it('is offered in the settings, opened with 200, and carries messages both ways', async () => {
    const echo = await kept(startWebSocketEcho('legacy'));
    const gateway = await gatewayTo(echo.url);
    const { session, settings } = await sessionTo(gateway);
    assert.equal(settings.enableConnectProtocol, true);
    const { stream, headers, received } = await ask(session);
    assert.deepEqual([headers[':status'], headers['x-banyan-side']], [200, 'legacy']);
    assert.equal(headers['sec-websocket-accept'], undefined);
    for (const words of ['one', 'two']) {
      stream.write(text(words, true));
      await eventually(() => received().includes(text(`legacy: ${words}`)), `the echo of ${words}`);
    }
  });

  it("reaches the upstream as an upgrade of HTTP/1.1, with a key of its own and the client's other fields", async () => {
    const upstream = await kept(startSwitching(null));
    const gateway = await gatewayTo(upstream.url);
    const { session } = await sessionTo(gateway);
    const given = { 'sec-websocket-protocol': 'b, a', 'sec-websocket-extensions': 'x-one', 'x-request-id': 'r-1' };
    void ask(session, { ...given, 'sec-websocket-key': 'bm90IG9mIEhUVFAvMg==', ':path': '/ws?a=1' }).catch(() => {});
    const { head } = await upstream.next();
    const [, sentKey = ''] = /^sec-websocket-key: (.*)\r$/im.exec(head) ?? [];
    assert.equal(Buffer.from(sentKey, 'base64').length, 16);
    assert.notEqual(sentKey, 'bm90IG9mIEhUVFAvMg==');
    assert.deepEqual(
      head.split('\r\n').filter((line) => !/^(sec-websocket-key|traceparent)/i.test(line)),
      [
        'GET /ws?a=1 HTTP/1.1',
        'host: shop.example',
        'sec-websocket-version: 13',
        'sec-websocket-protocol: b, a',
        'sec-websocket-extensions: x-one',
        'x-request-id: r-1',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: shop.example',
        `X-Forwarded-Port: ${gateway.port}`,
        'Via: 1.1 banyan',
        'Connection: Upgrade',
        'Upgrade: websocket',
        '',
        '',
      ],
    );
  });

  it('has the subprotocol and the extension that the upstream agreed to, and its cookies', async () => {
    const server = await kept(startWebSocketEcho('legacy', { perMessageDeflate: true, handleProtocols: () => 'b' }));
    const { headers } = await webSocketTo(await gatewayTo(server.url), {
      'sec-websocket-protocol': 'a, b',
      'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
    });
    assert.equal(headers['sec-websocket-protocol'], 'b');
    assert.match(String(headers['sec-websocket-extensions']), /^permessage-deflate/);
  });

  it('whose upstream answers with the wrong Sec-WebSocket-Accept is 502', async () => {
    const answer = 'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n';
    const upstream = await kept(startSwitching(answer));
    const gateway = await gatewayTo(upstream.url);
    const { headers } = await ask((await sessionTo(gateway)).session);
    assert.equal(headers[':status'], 502);
    assert.equal((await lineOf(gateway, 'upgrade')).failure, 'response_invalid');
    await eventually(async () => (await upstream.next()).isGone, 'the upstream to be let go');
  });

  it('is logged and counted like any upgrade, and so is its end', async () => {
    const echo = await kept(startWebSocketEcho('legacy'));
    const gateway = await gatewayTo(echo.url);
    const { stream } = await webSocketTo(gateway);
    const { status, side, route, decision, path } = await lineOf(gateway, 'upgrade');
    assert.deepEqual([status, side, route, decision, path], [200, 'legacy', 'test.route', 'flag-off', '/ws']);
    const metrics = (await gateway.api('GET', '/metrics')).body;
    assert.match(metrics, /banyan_open_streams\{route="test\.route",side="legacy",kind="websocket"\} 1/);
    assert.match(
      metrics,
      /banyan_requests_total\{route="test\.route",side="legacy",decision="flag-off",code="2xx"\} 1/,
    );
    const ended = closed(stream);
    stream.end(close(4_321, true));
    assert.equal(await ended, constants.NGHTTP2_NO_ERROR);
    assert.equal((await within(echo.closed(), 'the close upstream')).code, 4_321);
    const end = await lineOf(gateway, 'stream closed');
    assert.deepEqual([end.endedBy, end.bytesUp], ['client', 8]);
  });

  it('is many on one connection, each its own, beside ordinary requests', async () => {
    const echo = await kept(startWebSocketEcho('legacy'));
    const { session } = await sessionTo(await gatewayTo(echo.url));
    const sockets = await Promise.all(Array.from({ length: 50 }, () => ask(session)));
    sockets.forEach(({ stream }, n) => void stream.write(text(`m${n}`, true)));
    for (const [n, { received }] of sockets.entries()) {
      await eventually(() => received().length > 0, `message ${n}`);
      assert.deepEqual(received(), text(`legacy: m${n}`));
    }
    const request = session.request({ ':path': '/x' });
    const [answered] = await within(once(request, 'response'), 'an ordinary answer');
    assert.equal(answered[':status'], 426, 'the WebSocket server wants an upgrade');
  });

  it('carries 4 MB each way, whole', async () => {
    const upstream = await kept(startSwitching(accepting()));
    const { stream, received } = await webSocketTo(await gatewayTo(upstream.url));
    const taken = await upstream.next();
    const bytes = frame({ opcode: 2, payload: Buffer.alloc(4_000_000, 7) });
    stream.write(bytes);
    taken.socket.write(bytes);
    await eventually(() => taken.bytes === bytes.length && received().length === bytes.length, 'both frames', 20_000);
    assert.deepEqual([taken.received().equals(bytes), received().equals(bytes)], [true, true]);
  });

  it('falls back like one over HTTP/1.1', async () => {
    const echo = await kept(startWebSocketEcho('legacy'));
    const fresh = `http://127.0.0.1:${await closedPort()}`;
    const gateway = await gatewayTo(echo.url, { fresh, route: { initialStage: 'complete', fallback: true } });
    const { headers } = await webSocketTo(gateway);
    assert.deepEqual([headers['x-banyan-side'], headers['x-banyan-decision']], ['legacy', 'fallback']);
  });

  it('quiet stays open beyond every time-out of connections', async () => {
    const upstream = await kept(startSwitching(accepting()));
    const limits = { bodyIdleTimeoutMs: 60, idleTimeoutMs: 60, headerTimeoutMs: 60 };
    const gateway = await gatewayTo(upstream.url, { limits });
    const { session } = await sessionTo(gateway);
    const quiet = await sessionTo(gateway);
    const { stream, received } = await ask(session);
    // A session that has nothing open is ended after the same time-out, so that has passed.
    await within(once(quiet.session, 'close'), 'the end of an idle connection');
    assert.equal(stream.closed, false);
    (await upstream.next()).socket.write(text('still here'));
    await eventually(() => received().length > 0, 'a message');
  });
});

describe('an end of a WebSocket over HTTP/2', () => {
  async function pair(streams: Record<string, unknown> = {}) {
    const upstream = await kept(startSwitching(accepting()));
    const gateway = await gatewayTo(upstream.url, { streams });
    const asked = await webSocketTo(gateway);
    return { gateway, ...asked, upstream: await upstream.next() };
  }

  it('by END_STREAM of the client is a half-close upstream, which may still send', async () => {
    const { stream, received, upstream } = await pair();
    stream.end(close(1000, true));
    await eventually(() => upstream.isGone, 'the end upstream');
    assert.equal(upstream.bytes, 8);
    const ended = closed(stream);
    upstream.socket.end(text('last words'));
    assert.equal(await ended, constants.NGHTTP2_NO_ERROR);
    assert.deepEqual(received(), text('last words'));
  });

  it('by a half-close of the upstream is END_STREAM, and the client may still send', async () => {
    const { stream, received, upstream } = await pair();
    const [ended, over] = [within(once(stream, 'end'), 'the end'), closed(stream)];
    upstream.socket.end(text('bye'));
    await ended;
    assert.deepEqual(received(), text('bye'));
    stream.end(text('last words', true));
    await eventually(() => upstream.bytes === text('last words', true).length, 'the last words');
    assert.equal(await over, constants.NGHTTP2_NO_ERROR);
  });

  it('by RST_STREAM lets the upstream go at once', async () => {
    const { stream, upstream } = await pair();
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => upstream.isGone, 'the end upstream', 1_000);
  });

  it('by the loss of the whole connection lets the upstream go at once', async () => {
    const { stream, upstream } = await pair();
    stream.session?.socket.destroy();
    stream.session?.destroy();
    await eventually(() => upstream.isGone, 'the end upstream', 1_000);
  });

  it('by a reset of the upstream is RST_STREAM with CANCEL, after what came before', async () => {
    const { stream, received, upstream } = await pair();
    upstream.socket.write(text('before'));
    await eventually(() => received().length > 0, 'what came before');
    const ended = closed(stream);
    upstream.socket.resetAndDestroy();
    assert.equal(await ended, constants.NGHTTP2_CANCEL);
  });

  it('by its idle time-out is told to the client as 1001', async () => {
    const { stream, received } = await pair({ idleTimeoutMs: 80 });
    await eventually(() => received().includes('going away'), 'the Close');
    stream.end(close(1001, true));
    assert.equal(await closed(stream), constants.NGHTTP2_NO_ERROR);
  });

  it('by a slow client stops the upstream from writing, and then everything arrives', async () => {
    const { stream, upstream, received } = await pair();
    stream.pause();
    const chunk = Buffer.alloc(1_000_000, 1);
    let written = 0;
    let isStuck = false;
    while (!isStuck && written < 100) {
      written++;
      if (upstream.socket.write(chunk)) continue;
      const drained = once(upstream.socket, 'drain').then(() => false);
      isStuck = await Promise.race([drained, within(drained, 'nothing', 300).catch(() => true)]);
    }
    assert.ok(isStuck, 'the writer was never stopped');
    stream.resume();
    await eventually(() => received().length === written * chunk.length, 'everything', 20_000);
  });
});

describe('a flip with WebSockets over HTTP/2', () => {
  const flip = (gateway: TestGateway) =>
    gateway.api('PUT', '/api/routes/test.route/stage', { stage: 'complete', reason: 'test' }, { 'if-match': '*' });

  for (const onFlip of ['drain', 'close'] as const) {
    it(`that are to ${onFlip} tells them 1012 and leaves their connection, on which they come back to the other side`, async () => {
      const [legacy, fresh] = await Promise.all([kept(startWebSocketEcho('legacy')), kept(startWebSocketEcho('new'))]);
      const gateway = await gatewayTo(legacy.url, { fresh: fresh.url, streams: { onFlip } });
      const { session } = await sessionTo(gateway);
      const { stream, received } = await ask(session);
      await flip(gateway);
      await eventually(() => received().includes('service restart'), 'the Close');
      assert.deepEqual([...received().subarray(0, 4)], [0x88, 17, 1012 >> 8, 1012 & 0xff]);
      stream.end(close(1012, true));
      assert.equal(await closed(stream), constants.NGHTTP2_NO_ERROR);
      assert.equal((await within(legacy.closed(), 'the close upstream')).code, 1012);
      const again = await ask(session);
      assert.equal(again.headers['x-banyan-side'], 'new');
    });
  }

  it('that are pinned leaves them, and counts them', async () => {
    const [legacy, fresh] = await Promise.all([kept(startWebSocketEcho('legacy')), kept(startWebSocketEcho('new'))]);
    const gateway = await gatewayTo(legacy.url, { fresh: fresh.url, streams: { onFlip: 'pin' } });
    const { stream, received } = await webSocketTo(gateway);
    await flip(gateway);
    stream.write(text('still', true));
    await eventually(() => received().includes('legacy: still'), 'the echo');
    const { streams } = (await gateway.api('GET', '/api/routes/test.route')).body;
    assert.deepEqual([streams.legacy, streams.oldSide], [1, 1]);
  });

  it('of which one does not answer resets its stream at the deadline', async () => {
    const legacy = await kept(startWebSocketEcho('legacy'));
    const gateway = await gatewayTo(legacy.url, { streams: { onFlip: 'drain', drainMs: 100 } });
    const { stream } = await webSocketTo(gateway);
    const ended = closed(stream);
    await flip(gateway);
    assert.equal(await ended, constants.NGHTTP2_CANCEL);
  });
});

describe('a CONNECT over HTTP/2 that is no WebSocket', () => {
  for (const [name, fields, status] of [
    ['to a host is 501', { ':protocol': undefined, ':scheme': undefined, ':path': undefined }, 501],
    ['for another protocol is 501', { ':protocol': 'connect-udp' }, 501],
    ['with a path that is too long is 414', { ':path': `/${'x'.repeat(20_000)}` }, 414],
    ['with a host that is none is 400', { ':authority': 'ex%61mple' }, 400],
    ['with a length is 400', { 'content-length': '5' }, 400],
  ] as const) {
    it(name, async () => {
      const upstream = await kept(startUpstream((_, outgoing) => outgoing.end('no')));
      const gateway = await gatewayTo(upstream.url);
      const { headers, stream } = await ask((await sessionTo(gateway)).session, fields);
      assert.equal(headers[':status'], status);
      assert.equal(headers['content-type'], 'application/problem+json');
      await closed(stream);
      assert.equal(upstream.seen, 0);
    });
  }
});

describe('a WebSocket over HTTP/2 that comes to nothing', () => {
  it('because the upstream refuses gets its refusal', async () => {
    const upstream = await kept(startUpstream((_, outgoing) => outgoing.writeHead(401, { 'x-why': 'no' }).end('no')));
    const { stream, headers, received } = await ask((await sessionTo(await gatewayTo(upstream.url))).session);
    assert.deepEqual([headers[':status'], headers['x-why']], [401, 'no']);
    assert.equal(await closed(stream), constants.NGHTTP2_NO_ERROR);
    assert.equal(String(received()), 'no');
  });

  it('because the upstream is dead is 502 as problem details', async () => {
    const gateway = await gatewayTo(`http://127.0.0.1:${await closedPort()}`);
    const { stream, headers, received } = await ask((await sessionTo(gateway)).session);
    assert.deepEqual([headers[':status'], headers['content-type']], [502, 'application/problem+json']);
    await closed(stream);
    assert.match(String(received()), /connect_failed/);
  });

  it('because the refusal breaks off is cut for the client too', async () => {
    const upstream = await kept(startSwitching('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart'));
    const gateway = await gatewayTo(upstream.url);
    const { stream, received } = await ask((await sessionTo(gateway)).session);
    await eventually(() => received().length > 0, 'the part');
    const ended = closed(stream);
    (await upstream.next()).socket.destroy();
    assert.equal(await ended, constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal((await lineOf(gateway, 'upgrade')).failure, 'response_cut');
  });

  it('because the client leaves before the answer lets the upstream go at once', async () => {
    const upstream = await kept(startSwitching(null));
    const gateway = await gatewayTo(upstream.url);
    const { session } = await sessionTo(gateway);
    const stream = session.request(
      { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/ws', ':authority': 'x' },
      { endStream: false },
    );
    stream.on('error', () => {});
    const taken = await upstream.next();
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => taken.isGone, 'the upstream to be let go', 1_000);
    const { status, failure } = await lineOf(gateway, 'upgrade');
    assert.deepEqual([status, failure], [499, 'client_left']);
  });
});

it('a WebSocket over HTTP/2 whose upstream sends a field twice that should come once is opened all the same', async () => {
  const upstream = await kept(startSwitching(accepting('Date: a\r\nDate: b\r\n')));
  const gateway = await gatewayTo(upstream.url);
  const { headers } = await ask((await sessionTo(gateway)).session);
  assert.equal(headers[':status'], 200);
});
