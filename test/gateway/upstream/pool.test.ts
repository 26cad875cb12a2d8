// Connections to an upstream, on real sockets: when they are used again, and what becomes of requests when they fail.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type {
  Exchange,
  ExchangeFailure,
  ExchangeHandler,
  Upload,
  UploadSink,
  UpstreamRequest,
} from '../../../gateway/upstream/exchange.ts';
import { createPool, type Pool, type PoolOptions } from '../../../gateway/upstream/pool.ts';
import type { ResponseHead } from '../../../gateway/upstream/response-head.ts';
import { eventually, within } from '../../helpers/deadline.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = { method: 'GET', path: '/x', headers: ['Host', 'h'], body: null };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** An upstream whose connections the test holds in its hands. */
class Upstream {
  readonly sockets: Socket[] = [];
  readonly heard: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      const n = this.sockets.push(socket) - 1;
      this.heard.push('');
      socket.on('data', (bytes) => {
        this.heard[n] += bytes.toString('latin1');
      });
      socket.on('error', () => {});
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    closing.push(() => {
      for (const socket of this.sockets) socket.destroy();
      this.#server.close();
    });
    const address = this.#server.address();
    assert.ok(address && typeof address === 'object');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Waits until so many requests were heard whole on a connection. */
  requests(connection: number, count: number): Promise<unknown> {
    return eventually(
      () => (this.heard[connection]?.split('\r\n\r\n').length ?? 0) > count,
      `request ${count} on connection ${connection}`,
    );
  }

  async answer(connection: number, bytes = OK): Promise<void> {
    const socket = this.sockets[connection];
    assert.ok(socket);
    socket.write(bytes, 'latin1');
  }
}

class Sent implements ExchangeHandler {
  readonly exchange: Exchange;
  status = 0;
  body = '';
  trailers: readonly string[] | undefined;
  failure: ExchangeFailure | undefined;
  sent = false;

  constructor(pool: Pool, request: UpstreamRequest = GET) {
    this.exchange = pool.send(request, this);
  }

  onSent(): void {
    this.sent = true;
  }
  onInterim(): void {}
  onHead({ status }: ResponseHead): void {
    this.status = status;
  }
  onData(part: Buffer): void {
    this.body += part.toString('latin1');
  }
  onEnd(trailers: readonly string[]): void {
    this.trailers = trailers;
  }
  onFailure(failure: ExchangeFailure): void {
    this.failure = failure;
  }

  async over(): Promise<ExchangeFailure | string> {
    await eventually(() => this.failure ?? this.trailers, 'the end of an exchange');
    return this.failure ?? this.body;
  }
}

async function opened(options: Partial<PoolOptions> = {}): Promise<{ upstream: Upstream; pool: Pool }> {
  const upstream = new Upstream();
  const url = await upstream.start();
  const pool = createPool({ url, connections: 10, connectTimeoutMs: 2_000, tls: {}, ...options });
  closing.push(() => pool.destroy());
  return { upstream, pool };
}

describe('a connection', () => {
  it('carries one request after the other', async () => {
    const { upstream, pool } = await opened();
    for (const count of [1, 2, 3]) {
      const sent = new Sent(pool);
      await upstream.requests(0, count);
      await upstream.answer(0);
      assert.equal(await sent.over(), 'ok');
    }
    assert.equal(upstream.sockets.length, 1);
  });

  it('that is busy is not used for another: a second one is opened', async () => {
    const { upstream, pool } = await opened();
    const first = new Sent(pool);
    await upstream.requests(0, 1);
    const second = new Sent(pool);
    await upstream.requests(1, 1);
    await upstream.answer(1);
    assert.equal(await second.over(), 'ok');
    await upstream.answer(0);
    assert.equal(await first.over(), 'ok');
  });

  for (const [name, answer] of [
    ['says that it closes', OK.replace('OK\r\n', 'OK\r\nConnection: close\r\n')],
    ['brings more than an answer', `${OK}more`],
    ['says that it is kept for less than a moment', OK.replace('OK\r\n', 'OK\r\nKeep-Alive: timeout=1\r\n')],
  ] as const) {
    it(`that ${name} is not used again`, async () => {
      const { upstream, pool } = await opened();
      const first = new Sent(pool);
      await upstream.requests(0, 1);
      await upstream.answer(0, answer);
      assert.equal(await first.over(), 'ok');
      const second = new Sent(pool);
      await upstream.requests(1, 1);
      await upstream.answer(1);
      assert.equal(await second.over(), 'ok');
    });
  }

  it('on which something comes unasked is not used again', async () => {
    const { upstream, pool } = await opened();
    const first = new Sent(pool);
    await upstream.requests(0, 1);
    await upstream.answer(0);
    await first.over();
    await upstream.answer(0, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await eventually(() => upstream.sockets[0]?.readableEnded || upstream.sockets[0]?.destroyed, 'the end of it');
    const second = new Sent(pool);
    await upstream.requests(1, 1);
    await upstream.answer(1);
    assert.equal(await second.over(), 'ok');
  });

  it('that ends as a request is written to it: a reset, before any of the answer', async () => {
    const { upstream, pool } = await opened();
    const sent = new Sent(pool);
    await upstream.requests(0, 1);
    upstream.sockets[0]?.end();
    assert.equal(await sent.over(), 'upstream_reset');
  });

  it('that ends in the middle of an answer: cut', async () => {
    const { upstream, pool } = await opened();
    const sent = new Sent(pool);
    await upstream.requests(0, 1);
    upstream.sockets[0]?.end(OK.slice(0, -1));
    assert.equal(await sent.over(), 'response_cut');
  });

  it('whose request is aborted is closed, and nothing is heard of the request', async () => {
    const { upstream, pool } = await opened();
    const sent = new Sent(pool);
    await upstream.requests(0, 1);
    sent.exchange.abort();
    await eventually(() => upstream.sockets[0]?.readableEnded, 'the end of the connection');
    assert.deepEqual([sent.failure, sent.trailers], [undefined, undefined]);
  });

  it('is not closed by an abort of a request that is over', async () => {
    const { upstream, pool } = await opened();
    const first = new Sent(pool);
    await upstream.requests(0, 1);
    await upstream.answer(0);
    await first.over();
    const second = new Sent(pool);
    first.exchange.abort();
    await upstream.requests(0, 2);
    await upstream.answer(0);
    assert.equal(await second.over(), 'ok');
  });

  it('whose reader pauses brings nothing more until it resumes', async () => {
    const { upstream, pool } = await opened();
    const sent = new Sent(pool);
    await upstream.requests(0, 1);
    await upstream.answer(0, 'HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n');
    await eventually(() => sent.status, 'the head');
    sent.exchange.pause();
    const socket = upstream.sockets[0];
    assert.ok(socket);
    // Until the system's own buffers are full too: then the upstream is held up.
    while (socket.write('x'.repeat(65_536)) || socket.bytesWritten < 3_000_000) {
      await new Promise((resolve) => setImmediate(resolve));
      if (socket.writableLength > 200_000) break;
    }
    assert.ok(sent.body.length <= 65_536, `${sent.body.length}`);
    sent.exchange.resume();
    socket.write('x'.repeat(4_000_000));
    await eventually(() => sent.trailers, 'the end');
    assert.equal(sent.body.length, 4_000_000);
  });
});

describe('requests beyond the connections', () => {
  it('wait, and get theirs in the order of asking; those given up get none', async () => {
    const { upstream, pool } = await opened({ connections: 1 });
    const all = [1, 2, 3].map((n) => new Sent(pool, { ...GET, path: `/${n}` }));
    await upstream.requests(0, 1);
    assert.deepEqual(
      all.map(({ sent }) => sent),
      [true, false, false],
    );
    all[1]?.exchange.abort();
    await upstream.answer(0);
    await upstream.requests(0, 2);
    await upstream.answer(0);
    assert.equal(await all[2]?.over(), 'ok');
    assert.match(upstream.heard[0] ?? '', /^GET \/1 .*GET \/3 /s);
    assert.doesNotMatch(upstream.heard[0] ?? '', /\/2/);
  });

  it('get a new connection when the one they wait for breaks', async () => {
    const { upstream, pool } = await opened({ connections: 1 });
    const first = new Sent(pool);
    const second = new Sent(pool);
    await upstream.requests(0, 1);
    upstream.sockets[0]?.destroy();
    assert.equal(await first.over(), 'upstream_reset');
    await upstream.requests(1, 1);
    await upstream.answer(1);
    assert.equal(await second.over(), 'ok');
  });
});

describe('an upstream that cannot be reached', () => {
  it('fails every request that waits', async () => {
    const { upstream } = await opened();
    const gone = new Upstream();
    const url = await gone.start();
    for (const close of closing.splice(-1)) await close();
    const pool = createPool({ url, connections: 2, connectTimeoutMs: 2_000, tls: {} });
    closing.push(() => pool.destroy());
    const all = [1, 2, 3, 4].map(() => new Sent(pool));
    for (const sent of all) assert.equal(await sent.over(), 'connect_failed');
    assert.equal(upstream.sockets.length, 0);
  });

  it('does not finish the handshake: the connection is given up in time', async () => {
    const upstream = new Upstream();
    const url = (await upstream.start()).replace('http:', 'https:');
    const pool = createPool({ url, connections: 2, connectTimeoutMs: 50, tls: {} });
    closing.push(() => pool.destroy());
    assert.equal(await new Sent(pool).over(), 'connect_timeout');
  });
});

describe('an upload', () => {
  class TestUpload implements Upload {
    readonly expectsContinue = false;
    sink: UploadSink | undefined;
    resumed = 0;
    stopped = false;
    start(sink: UploadSink): void {
      this.sink = sink;
    }
    resume(): void {
      this.resumed++;
    }
    stop(): void {
      this.stopped = true;
    }
  }

  it('without a length goes in chunks, with its trailers', async () => {
    const { upstream, pool } = await opened();
    const body = new TestUpload();
    const sent = new Sent(pool, { ...GET, method: 'PUT', body });
    const sink = await eventually(() => body.sink, 'the start');
    sink.write(Buffer.from('abc'), true);
    sink.write(Buffer.alloc(0), true);
    sink.end(['X-Sum', '1']);
    await eventually(() => upstream.heard[0]?.endsWith('\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'), 'the body');
    await upstream.answer(0);
    assert.equal(await sent.over(), 'ok');
  });

  for (const [name, parts] of [
    ['shorter', ['abc']],
    ['longer', ['abc', 'def']],
  ] as const) {
    it(`${name} than it says: the request fails, and the upstream gets no whole one`, async () => {
      const { upstream, pool } = await opened();
      const body = new TestUpload();
      const sent = new Sent(pool, { ...GET, method: 'PUT', headers: ['Host', 'h', 'Content-Length', '5'], body });
      const sink = await eventually(() => body.sink, 'the start');
      for (const part of parts) sink.write(Buffer.from(part), true);
      sink.end([]);
      assert.equal(await sent.over(), 'request_invalid');
      await eventually(() => upstream.sockets[0]?.readableEnded || upstream.sockets[0]?.destroyed, 'the end');
      assert.doesNotMatch(upstream.heard[0] ?? '', /abcd/);
    });
  }

  it('with trailers that are no fields: the request fails, and the upstream gets no whole one', async () => {
    const { upstream, pool } = await opened();
    const body = new TestUpload();
    const sent = new Sent(pool, { ...GET, method: 'PUT', body });
    const sink = await eventually(() => body.sink, 'the start');
    sink.end(['X-Sum', '1\r\n\r\nGET /evil HTTP/1.1']);
    assert.equal(await sent.over(), 'request_invalid');
    await eventually(() => upstream.sockets[0]?.readableEnded || upstream.sockets[0]?.destroyed, 'the end');
    assert.doesNotMatch(upstream.heard[0] ?? '', /evil/);
  });

  it('that the upstream does not read is held up, and goes on when it reads', async () => {
    const { upstream, pool } = await opened();
    const body = new TestUpload();
    new Sent(pool, { ...GET, method: 'PUT', body });
    const sink = await eventually(() => body.sink, 'the start');
    const socket = await eventually(() => upstream.sockets[0], 'the connection');
    socket.pause();
    const part = Buffer.alloc(65_536);
    let parts = 0;
    while (sink.write(part, true) && parts < 1_000) parts++;
    assert.ok(parts < 1_000);
    assert.equal(body.resumed, 0);
    socket.resume();
    await eventually(() => body.resumed, 'the drain');
  });

  it('answered before it is whole is stopped, and its connection not used again', async () => {
    const { upstream, pool } = await opened();
    const body = new TestUpload();
    const sent = new Sent(pool, { ...GET, method: 'PUT', body });
    const sink = await eventually(() => body.sink, 'the start');
    sink.write(Buffer.from('abc'), true);
    await upstream.requests(0, 1);
    await upstream.answer(0);
    assert.equal(await sent.over(), 'ok');
    assert.equal(body.stopped, true);
    assert.equal(sink.write(Buffer.from('def'), true), false);
    new Sent(pool);
    await upstream.requests(1, 1);
  });
});

describe('closing', () => {
  it('waits for what is under way and for what waits, and closes what is idle', async () => {
    const { upstream, pool } = await opened({ connections: 1 });
    const first = new Sent(pool);
    const second = new Sent(pool);
    await upstream.requests(0, 1);
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    await upstream.answer(0);
    assert.equal(await first.over(), 'ok');
    await upstream.requests(0, 2);
    assert.equal(isClosed, false);
    await upstream.answer(0);
    assert.equal(await second.over(), 'ok');
    await within(closed, 'the pool to close');
  });

  it('by force fails what is under way and what waits', async () => {
    const { upstream, pool } = await opened({ connections: 1 });
    const first = new Sent(pool);
    const second = new Sent(pool);
    await upstream.requests(0, 1);
    const closed = pool.close();
    pool.destroy();
    assert.equal(await first.over(), 'upstream_reset');
    assert.equal(await second.over(), 'connect_failed');
    await within(closed, 'the pool to close');
  });
});
