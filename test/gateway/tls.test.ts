// TLS at the edge and to the backends: both versions of HTTP on one port, certificates changed while serving.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { createServer as createTlsServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { startRawServer, startUpstream } from '../helpers/upstream.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'tls');
const fixture = (name: string) => join(FIXTURES, name);
const folder = mkdtempSync(join(tmpdir(), 'banyan-tls-'));
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
const use = (name: string) => {
  copyFileSync(fixture(`${name}.key.pem`), key);
  copyFileSync(fixture(`${name}.cert.pem`), cert);
};

const kept = closingAfterEach();
after(() => rmSync(folder, { recursive: true, force: true }));

async function secureGateway(upstream: { url: string }, overrides: object = {}): Promise<TestGateway> {
  use('one');
  const routes = [routeOn('/*', { timeoutMs: 2_000 })];
  const gateway = await startTestGateway({
    legacy: upstream.url,
    new: upstream.url,
    routes,
    overrides: { tls: { cert, key }, ...overrides },
  });
  await kept(gateway);
  return gateway;
}

function http2To(gateway: TestGateway): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { ca: readFileSync(fixture('one.cert.pem')) });
  session.on('error', () => {});
  void kept({ close: () => session.destroy() });
  return session;
}

interface Http2Answer {
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  readonly code: number;
}

async function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: Buffer,
): Promise<Http2Answer> {
  const stream = session.request({ ':path': '/x', ...headers }, { endStream: body === undefined });
  if (body) stream.end(body);
  const chunks: Buffer[] = [];
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (fields) => {
    answered = fields;
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  await within(new Promise((resolve) => stream.once('close', resolve)), 'the stream to end');
  return { headers: answered, body: Buffer.concat(chunks), trailers, code: stream.rstCode ?? 0 };
}

describe('a client that speaks TLS', () => {
  it('is served over HTTP/1.1 and HTTP/2 on one port, and the backend sees the same request', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const upstream = await kept(
      startUpstream((incoming, outgoing) => {
        seen.push(incoming.headers);
        outgoing.setHeader('set-cookie', ['a=1', 'b=2']);
        outgoing.end(`${incoming.method} ${incoming.url}`);
      }),
    );
    const gateway = await secureGateway(upstream);
    const sent = request({
      ...{ host: '127.0.0.1', port: gateway.port, path: '/x?y=1', ca: readFileSync(cert), servername: 'one.test' },
      headers: { host: 'shop.example', cookie: 'a=1; b=2' },
    }).end();
    const [first] = await within(once(sent, 'response'), 'the answer over HTTP/1.1');
    first.resume();
    const session = http2To(gateway);
    const second = await ask(session, { ':path': '/x?y=1', ':authority': 'shop.example', cookie: ['a=1', 'b=2'] });
    assert.equal(second.headers[':status'], 200);
    assert.equal(String(second.body), 'GET /x?y=1');
    assert.deepEqual(second.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(second.headers['x-banyan-side'], 'legacy');
    for (const { host, cookie, 'x-forwarded-proto': proto, 'x-forwarded-host': forwardedHost } of seen) {
      assert.deepEqual(
        { host, cookie, proto, forwardedHost },
        { host: 'shop.example', cookie: 'a=1; b=2', proto: 'https', forwardedHost: 'shop.example' },
      );
    }
  });

  it('and sends a body too slowly over HTTP/2 is answered 408, and its stream ends', async () => {
    const upstream = await kept(startUpstream((incoming) => incoming.resume()));
    const limits = { bodyIdleTimeoutMs: 150, bodyBytesPerSecondMin: 1_000 };
    const session = http2To(await secureGateway(upstream, { limits }));
    for (const headers of [{ 'content-length': '5000' }, {}]) {
      const stream = session.request({ ':path': '/x', ':method': 'POST', ...headers });
      stream.on('error', () => {});
      const dribble = setInterval(() => stream.write('a'), 20);
      const closed = once(stream, 'close');
      const [answer] = await within(once(stream, 'response'), 'the answer');
      stream.resume();
      await within(closed, 'the stream to end');
      clearInterval(dribble);
      assert.deepEqual([answer[':status'], stream.rstCode], [408, constants.NGHTTP2_NO_ERROR]);
    }
  });

  it('has bodies streamed both ways over HTTP/2, with and without a length, and trailers', async () => {
    const upstream = await kept(
      startUpstream((incoming, outgoing) => {
        outgoing.writeHead(200, { trailer: 'x-sum' });
        incoming.pipe(outgoing, { end: false });
        incoming.on('end', () => {
          outgoing.addTrailers({ 'x-sum': '42' });
          outgoing.end();
        });
      }),
    );
    const session = http2To(await secureGateway(upstream));
    const body = Buffer.alloc(3_000_000, 'b');
    for (const headers of [{ 'content-length': String(body.length) }, {}]) {
      const answer = await ask(session, { ':method': 'POST', ...headers }, body);
      assert.equal(answer.headers[':status'], 200);
      assert.equal(Buffer.compare(answer.body, body), 0);
      assert.equal(answer.trailers['x-sum'], '42');
    }
  });

  it('has many requests of one connection answered at once, each its own', async () => {
    const upstream = await kept(
      startUpstream((incoming, outgoing) => setTimeout(() => outgoing.end(incoming.url), 20)),
    );
    const session = http2To(await secureGateway(upstream));
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(session, { ':path': `/${n}` })));
    assert.deepEqual(
      answers.map(({ body }) => String(body)),
      Array.from({ length: 100 }, (_, n) => `/${n}`),
    );
  });

  it('sees an answer that breaks off as an error over HTTP/2, never as complete', async () => {
    const upstream = await kept(
      startRawServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf')),
      ),
    );
    const { code } = await ask(http2To(await secureGateway(upstream)), {});
    assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR);
  });

  it('that leaves in the middle over HTTP/2 aborts the backend', async () => {
    let aborted = false;
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        outgoing.write('first');
        outgoing.on('close', () => {
          aborted = true;
        });
      }),
    );
    const gateway = await secureGateway(upstream);
    const stream = http2To(gateway).request({ ':path': '/x' });
    stream.on('error', () => {});
    await within(once(stream, 'data'), 'the first part');
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => aborted, 'the backend to be aborted');
    const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'request'), 'the line in the log');
    assert.equal(line.failure, 'client_left');
  });

  it('that waits for its answer longer than connections may be idle gets it over HTTP/2 too', async () => {
    let answer = () => {};
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        answer = () => outgoing.end('late');
      }),
    );
    const gateway = await secureGateway(upstream, { limits: { idleTimeoutMs: 60, bodyIdleTimeoutMs: 60 } });
    const waiting = ask(http2To(gateway), {});
    await eventually(() => upstream.seen === 1, 'the request to reach the backend');
    // A connection with nothing under way that was made after it: when that has been ended, the time has passed.
    await within(once(http2To(gateway), 'close'), 'the end of an idle connection');
    answer();
    assert.equal(String((await waiting).body), 'late');
  });

  it('is refused what HTTP does not allow over HTTP/2 too', async () => {
    const upstream = await kept(startUpstream((_, outgoing) => outgoing.end('no')));
    const session = http2To(await secureGateway(upstream));
    assert.equal((await ask(session, { ':method': 'TRACE' })).headers[':status'], 501);
    assert.equal((await ask(session, { ':path': `/${'x'.repeat(20_000)}` })).headers[':status'], 414);
    assert.equal((await ask(session, { ':authority': 'ex%61mple' })).headers[':status'], 400);
    assert.equal(upstream.seen, 0);
  });

  it('gets WebSockets over TLS', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    void kept({ close: () => server.close() });
    const gateway = await secureGateway({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const socket = new WebSocket(`wss://127.0.0.1:${gateway.port}/ws`, { ca: readFileSync(cert) });
    await within(once(socket, 'open'), 'the connection');
    socket.send('hello');
    const [data] = await within(once(socket, 'message'), 'the echo');
    assert.equal(String(data), 'echo hello');
    socket.terminate();
  });
});

describe('the certificate', () => {
  const nameSeenBy = async (gateway: TestGateway): Promise<string> => {
    const socket = connectTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
    await within(once(socket, 'secureConnect'), 'the handshake');
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };

  it('is read anew when its files change, and a broken one leaves the last good in use', async () => {
    const upstream = await kept(startUpstream((_, outgoing) => outgoing.end('ok')));
    const gateway = await secureGateway(upstream);
    assert.equal(await nameSeenBy(gateway), 'one.test');
    use('two');
    await eventually(async () => (await nameSeenBy(gateway)) === 'two.test', 'the new certificate');
    writeFileSync(cert, 'broken');
    await eventually(
      () => gateway.log.find(({ msg, level }) => msg === 'certificate' && level === 'error'),
      'the complaint',
    );
    assert.equal(await nameSeenBy(gateway), 'two.test');
  });
});

describe('a backend that speaks TLS', () => {
  async function secureBackend(): Promise<{ url: string; saw: () => string | undefined }> {
    let client: string | undefined;
    const options = {
      key: readFileSync(fixture('two.key.pem')),
      cert: readFileSync(fixture('two.cert.pem')),
      requestCert: true,
      rejectUnauthorized: false,
    };
    const server = createTlsServer(options, (incoming, outgoing) => {
      const { subject } = (incoming.socket as TLSSocket).getPeerCertificate();
      client = subject ? String(subject.CN) : undefined;
      outgoing.end('secure');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    void kept({ close: () => server.close() });
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, saw: () => client };
  }

  async function throughGateway(url: string, tls: object | undefined): Promise<Response> {
    const upstream = tls ? { url, tls } : { url };
    const gateway = await startTestGateway({
      legacy: url,
      new: url,
      routes: [routeOn('/*')],
      overrides: { upstreams: { legacy: upstream, new: upstream } },
    });
    await kept(gateway);
    return fetch(`${gateway.url}/x`);
  }

  it('is verified by default: an unknown authority is 502', async () => {
    assert.equal((await throughGateway((await secureBackend()).url, undefined)).status, 502);
  });

  it('is trusted by a configured authority, and shown our certificate', async () => {
    const backend = await secureBackend();
    const tls = { ca: fixture('two.cert.pem'), cert: fixture('one.cert.pem'), key: fixture('one.key.pem') };
    const response = await throughGateway(backend.url, tls);
    assert.equal(await response.text(), 'secure');
    assert.equal(backend.saw(), 'one.test');
  });

  it('must have the configured name', async () => {
    const { url } = await secureBackend();
    const ca = fixture('two.cert.pem');
    assert.equal((await throughGateway(url, { ca, serverName: 'two.test' })).status, 200);
    assert.equal((await throughGateway(url, { ca, serverName: 'other.test' })).status, 502);
  });

  it('is verified for WebSockets too, by the same configuration', async () => {
    const options = { key: readFileSync(fixture('two.key.pem')), cert: readFileSync(fixture('two.cert.pem')) };
    const https = createTlsServer(options);
    const server = new WebSocketServer({ server: https });
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    https.listen(0, '127.0.0.1');
    await once(https, 'listening');
    void kept({ close: () => https.close() });
    const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
    for (const [tls, outcome] of [
      [undefined, 'unexpected-response'],
      [{ ca: fixture('two.cert.pem') }, 'open'],
    ] as const) {
      const upstream = tls ? { url, tls } : { url };
      const upstreams = { legacy: upstream, new: upstream };
      const gateway = await startTestGateway({
        legacy: url,
        new: url,
        routes: [routeOn('/*')],
        overrides: { upstreams },
      });
      await kept(gateway);
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`);
      socket.on('error', () => {});
      await within(once(socket, outcome), outcome);
      socket.terminate();
    }
  });

  it('is asked how it is with the same trust as it is sent requests', async () => {
    const { url } = await secureBackend();
    const health = { path: '/health', intervalMs: 20, unhealthyAfter: 1 };
    const legacy = { url, health, tls: { ca: fixture('two.cert.pem') } };
    const gateway = await startTestGateway({
      legacy: url,
      new: url,
      routes: [routeOn('/*')],
      overrides: { upstreams: { legacy, new: { url, health } } },
    });
    await kept(gateway);
    const healthOf = async (side: 'legacy' | 'new') =>
      (await gateway.api('GET', '/api/status')).body.upstreams[side].healthy;
    await eventually(async () => (await healthOf('new')) === false, 'the unknown authority to be noticed');
    assert.equal(await healthOf('legacy'), true);
  });

  it('is not verified where the configuration says so', async () => {
    assert.equal((await throughGateway((await secureBackend()).url, { insecure: true })).status, 200);
  });
});
