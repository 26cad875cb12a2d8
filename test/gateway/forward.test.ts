// Forwarding over real sockets: fidelity, faults, time-outs, clients that leave.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway, type TestGatewayOptions } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { closedPort, sendJson, startRawServer, startUpstream, type TestServer } from '../helpers/upstream.ts';

const kept = closingAfterEach();

/** A gateway before one legacy upstream; the new side is not to be reached. */
async function gatewayBefore(
  legacy: TestServer | string,
  options: Partial<TestGatewayOptions> = {},
): Promise<TestGateway> {
  const url = typeof legacy === 'string' ? legacy : legacy.url;
  const routes = options.routes ?? [routeOn('/*', { timeoutMs: 300 })];
  return kept(startTestGateway({ legacy: url, new: 'http://127.0.0.1:9', ...options, routes }));
}

const requestLine = (gateway: TestGateway) =>
  eventually(() => gateway.log.find(({ msg }) => msg === 'request'), 'the request in the log');

describe('a forwarded request', () => {
  it('reaches the upstream with its fields as sent, less connection-level ones, plus Via', async () => {
    let received: string[] = [];
    let target = '';
    const upstream = await kept(
      startUpstream((incoming, outgoing) => {
        received = incoming.rawHeaders;
        target = incoming.url ?? '';
        sendJson(outgoing, 200, {});
      }),
    );
    const gateway = await gatewayBefore(upstream);
    const client = await connectRaw(gateway.port);
    client.send(
      'GET /a%2Fb/../c//d?x=1&x=%zz HTTP/1.1\r\nHost: shop.example\r\nX-MiXeD: one\r\nx-mixed: two\r\n' +
        'Connection: close, X-Hop\r\nX-Hop: gone\r\nTE: trailers\r\nx-banyan-shadow: forged\r\nAccept-Encoding: br\r\nX-Bytes: caf\xe9\r\n\r\n',
    );
    await client.closed();
    assert.equal(target, '/a%2Fb/../c//d?x=1&x=%zz');
    assert.deepEqual(received, [
      ...[
        'Host',
        'shop.example',
        'X-MiXeD',
        'one',
        'x-mixed',
        'two',
        'Accept-Encoding',
        'br',
        'X-Bytes',
        'caf\xe9',
        'TE',
        'trailers',
      ],
      ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'shop.example'],
      ...[
        'X-Forwarded-Port',
        String(gateway.port),
        'X-Request-Id',
        String((await requestLine(gateway)).requestId),
        'Via',
        '1.1 banyan',
      ],
    ]);
  });

  it("is answered with the upstream's own status line and fields, in order and case, duplicates apart", async () => {
    const upstream = await kept(
      startRawServer((socket) => {
        socket.once('data', () => {
          socket.write(
            'HTTP/1.1 299 Very Fine\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nSet-Cookie: a=1\r\nX-Odd: caf\xe9\r\nset-cookie: b=2\r\n' +
              'Connection: X-Hop\r\nX-Hop: gone\r\nContent-Length: 2\r\n\r\nok',
            'latin1',
          );
        });
      }),
    );
    const gateway = await gatewayBefore(upstream, { overrides: { expose: false } });
    const client = await connectRaw(gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.equal(
      await client.closed(),
      'HTTP/1.1 299 Very Fine\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nSet-Cookie: a=1\r\nX-Odd: caf\xe9\r\nset-cookie: b=2\r\n' +
        'Content-Length: 2\r\nConnection: close\r\n\r\nok',
    );
  });

  it('with no route goes to legacy and is counted as unrouted', async () => {
    const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const gateway = await gatewayBefore(upstream, { routes: [routeOn('/api/known')] });
    const response = await fetch(`${gateway.url}/api/unknown`);
    assert.equal(response.headers.get('x-banyan-route'), 'unrouted');
    assert.equal(response.headers.get('x-banyan-decision'), 'unrouted');
    assert.equal(response.headers.get('x-banyan-side'), 'legacy');
    const { body } = await gateway.api('GET', '/api/status');
    assert.equal(body.unrouted.requests, 1);
  });

  for (const [name, bytes] of [
    ['small', 1_000],
    ['large', 8_000_000],
  ] as const) {
    it(`with a ${name} body has it streamed both ways, byte for byte, with a length and chunked`, async () => {
      const upstream = await kept(
        startUpstream((incoming, outgoing) => {
          outgoing.writeHead(200, { 'content-type': 'application/octet-stream' });
          incoming.pipe(outgoing);
        }),
      );
      const gateway = await gatewayBefore(upstream, { routes: [routeOn('/*', { timeoutMs: 5_000 })] });
      const body = randomBytes(bytes);
      for (const headers of [{ 'content-length': String(bytes) }, { 'transfer-encoding': 'chunked' }]) {
        const sent = request(`${gateway.url}/echo`, { method: 'POST', headers });
        sent.end(body);
        const [response] = await within(once(sent, 'response'), 'the answer');
        const hash = createHash('sha256');
        for await (const chunk of response) hash.update(chunk);
        assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'));
      }
    });
  }

  it('by HEAD gets the fields of its answer and no body', async () => {
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-length': '12345', etag: '"x"' });
        outgoing.end();
      }),
    );
    const gateway = await gatewayBefore(upstream);
    const response = await fetch(`${gateway.url}/`, { method: 'HEAD' });
    assert.equal(response.headers.get('content-length'), '12345');
    assert.equal(await response.text(), '');
  });

  it('whose answer comes in parts is passed each part as it comes, the head first', async () => {
    const steps: (() => void)[] = [];
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.flushHeaders();
        steps.push(
          () => outgoing.write('data: 1\n\n'),
          () => outgoing.end('data: 2\n\n'),
        );
      }),
    );
    const gateway = await gatewayBefore(upstream);
    const response = await within(fetch(`${gateway.url}/events`), 'the head before any body');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    steps[0]?.();
    assert.equal((await within(reader?.read() ?? Promise.reject(), 'the first event'))?.value, 'data: 1\n\n');
    steps[1]?.();
    assert.equal((await within(reader?.read() ?? Promise.reject(), 'the second event'))?.value, 'data: 2\n\n');
  });
});

describe('an upstream fault', () => {
  async function problemOf(gateway: TestGateway): Promise<{ status: number; problem: Record<string, unknown> }> {
    const response = await within(fetch(`${gateway.url}/x`), 'the answer');
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = (await response.json()) as Record<string, unknown>;
    const line = await requestLine(gateway);
    assert.equal(line.requestId, problem.requestId, 'the request id of the answer is the one in the log');
    return { status: response.status, problem };
  }

  it('nobody listening is 502 with problem details and a request id that the log has', async () => {
    const gateway = await gatewayBefore(`http://127.0.0.1:${await closedPort()}`);
    const { status, problem } = await problemOf(gateway);
    assert.equal(status, 502);
    assert.equal(problem.title, 'The backend cannot be reached');
    assert.equal((await requestLine(gateway)).failure, 'connect_failed');
  });

  it('no answer in time is 504', async () => {
    const gateway = await gatewayBefore(await kept(startRawServer(() => {})));
    const { status } = await problemOf(gateway);
    assert.equal(status, 504);
    assert.equal((await requestLine(gateway)).failure, 'upstream_timeout');
  });

  it('a reset before the answer is 502', async () => {
    const gateway = await gatewayBefore(
      await kept(startRawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))),
    );
    const { status } = await problemOf(gateway);
    assert.equal(status, 502);
    assert.equal((await requestLine(gateway)).failure, 'upstream_reset');
  });

  it('an answer that is not HTTP is 502', async () => {
    const upstream = await kept(
      startRawServer((socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH\r\n\r\n'))),
    );
    const gateway = await gatewayBefore(upstream);
    const { status } = await problemOf(gateway);
    assert.equal(status, 502);
    assert.equal((await requestLine(gateway)).failure, 'response_invalid');
  });

  for (const [name, head] of [
    ['with a length', 'Content-Length: 100'],
    ['in chunks', 'Transfer-Encoding: chunked'],
  ] as const) {
    it(`an answer ${name} that breaks off cuts the client off too, never looking complete`, async () => {
      const part = name === 'in chunks' ? '5\r\nhello\r\n' : 'hello';
      const upstream = await kept(
        startRawServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${part}`))),
      );
      const gateway = await gatewayBefore(upstream);
      const reading = fetch(`${gateway.url}/x`).then((response) => response.text());
      await assert.rejects(within(reading, 'the answer to break off'));
      assert.equal((await requestLine(gateway)).failure, 'response_cut');
    });
  }

  it('an answer that stalls cuts the client off', async () => {
    const upstream = await kept(
      startRawServer((socket) =>
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')),
      ),
    );
    const gateway = await gatewayBefore(upstream);
    await assert.rejects(
      within(
        fetch(`${gateway.url}/x`).then((response) => response.text()),
        'the answer to be cut',
      ),
    );
    assert.equal((await requestLine(gateway)).failure, 'response_stalled');
  });

  it('an error answer of the upstream passes through untouched', async () => {
    const upstream = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 503, { detail: 'busy' })));
    const gateway = await gatewayBefore(upstream);
    const response = await fetch(`${gateway.url}/x`);
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { detail: 'busy' });
  });
});

describe('a client that leaves', () => {
  it('before the answer aborts the upstream and is logged as 499', async () => {
    let aborted = false;
    const upstream = await kept(
      startUpstream((incoming) => {
        incoming.on('close', () => {
          aborted = true;
        });
      }),
    );
    const gateway = await gatewayBefore(upstream, { routes: [routeOn('/*', { timeoutMs: 30_000 })] });
    const client = await connectRaw(gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => upstream.seen === 1, 'the request at the upstream');
    client.socket.destroy();
    await eventually(() => aborted, 'the upstream to be aborted');
    const line = await requestLine(gateway);
    assert.equal(line.status, 499);
    assert.equal(line.failure, 'client_left');
  });

  it('in the middle of its upload aborts the upstream', async () => {
    let aborted = false;
    const upstream = await kept(
      startUpstream((incoming) => {
        incoming.on('error', () => {});
        incoming.on('close', () => {
          aborted = true;
        });
        incoming.resume();
      }),
    );
    const gateway = await gatewayBefore(upstream, { routes: [routeOn('/*', { timeoutMs: 30_000 })] });
    const client = await connectRaw(gateway.port);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\npart');
    await eventually(() => upstream.seen === 1, 'the request at the upstream');
    client.socket.destroy();
    await eventually(() => aborted, 'the upstream to be aborted');
    assert.equal((await requestLine(gateway)).failure, 'client_left');
  });

  it('in the middle of the answer aborts the upstream', async () => {
    let aborted = false;
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: 1\n\n');
        outgoing.on('close', () => {
          aborted = true;
        });
      }),
    );
    const gateway = await gatewayBefore(upstream);
    const client = await connectRaw(gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('data: 1');
    client.socket.destroy();
    await eventually(() => aborted, 'the upstream to be aborted');
    assert.equal((await requestLine(gateway)).failure, 'client_left');
  });
});

describe('a slow reader', () => {
  it('holds the upstream back instead of filling memory, and gets everything', async () => {
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(65_536, 'x');
    let written = 0;
    const upstream = await kept(
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-length': String(total) });
        const more = () => {
          while (written < total) {
            written += chunk.length;
            if (!outgoing.write(chunk)) {
              outgoing.once('drain', more);
              return;
            }
          }
          outgoing.end();
        };
        more();
      }),
    );
    const gateway = await gatewayBefore(upstream, { routes: [routeOn('/*', { timeoutMs: 1_000 })] });
    const sent = request(`${gateway.url}/big`).end();
    const [response] = await within(once(sent, 'response'), 'the head');
    response.pause();
    let last = -1;
    await eventually(() => {
      const still = written === last;
      last = written;
      return (
        still && written > 0 && new Promise<boolean>((resolve) => setTimeout(() => resolve(written === last), 200))
      );
    }, 'the upstream to be held back');
    assert.ok(written < total / 2, `held back after ${written} bytes`);
    let read = 0;
    for await (const part of response) read += part.length;
    assert.equal(read, total);
  });
});
