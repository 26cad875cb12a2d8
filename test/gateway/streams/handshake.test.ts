// The handshake of a WebSocket through the gateway, byte by byte.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { connectRaw, type RawClient } from '../../helpers/raw-client.ts';
import { closedPort, startRawServer, startUpstream } from '../../helpers/upstream.ts';
import { text } from './frames.ts';
import { SWITCH, startSwitching } from './switching-upstream.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

async function gatewayTo(url: string, route: Record<string, unknown> = {}, overrides = {}) {
  return kept(
    await startTestGateway({
      ...{ legacy: url, new: 'http://127.0.0.1:9', routes: [routeOn('/*', { streams: { jitterMs: 0 }, ...route })] },
      overrides: { expose: false, ...overrides },
    }),
  );
}

async function client(port: number) {
  const raw = await connectRaw(port);
  kept({ close: async () => void raw.socket.destroy() });
  return raw;
}

const FIELDS =
  'Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n';
const request = (target = '/ws', more = '') => `GET ${target} HTTP/1.1\r\nHost: gw.example\r\n${FIELDS}${more}\r\n`;
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));

describe('an upgrade request on its way up', () => {
  it('keeps its target, and its fields with their names, values and order, less what is of one connection only', async () => {
    const upstream = kept(await startSwitching());
    const gateway = await gatewayTo(upstream.url);
    const raw = await client(gateway.port);
    raw.send(
      request(
        "/a//b/%2e%2e/c'd?x='1'&y=%zz?",
        'X-Mixed-CASE: One\r\nSec-WebSocket-Protocol: b, a\r\nSec-WebSocket-Extensions: permessage-deflate\r\n' +
          'x-banyan-side: new\r\nX-Forwarded-For: 6.6.6.6\r\nKeep-Alive: 3\r\nx-mixed-case: Two\r\nX-Request-Id: r-1\r\n',
      ),
    );
    await raw.until('\r\n\r\n');
    const { head } = await upstream.next();
    assert.deepEqual(
      head.split('\r\n'),
      [
        "GET /a//b/%2e%2e/c'd?x='1'&y=%zz? HTTP/1.1",
        'Host: gw.example',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZQ==',
        'X-Mixed-CASE: One',
        'X-Mixed-CASE: Two',
        'Sec-WebSocket-Protocol: b, a',
        'Sec-WebSocket-Extensions: permessage-deflate',
        'X-Request-Id: r-1',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: gw.example',
        `X-Forwarded-Port: ${gateway.port}`,
        'Via: 1.1 banyan',
        'Connection: Upgrade',
        'Upgrade: WebSocket',
        '',
        '',
      ].filter((line) => !line.startsWith('traceparent')),
    );
  });

  it('with an empty query keeps it', async () => {
    const upstream = kept(await startSwitching());
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.send(request('/ws?'));
    assert.match((await upstream.next()).head, /^GET \/ws\? HTTP\/1\.1\r\n/);
  });

  it('with frames behind it, then the upstream gets them first', async () => {
    const upstream = kept(await startSwitching(null));
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.socket.write(Buffer.concat([Buffer.from(request()), text('pipelined', true)]));
    const taken = await upstream.next();
    raw.socket.write(text('early', true));
    taken.socket.write(SWITCH);
    await raw.until('101');
    raw.socket.write(text('late', true));
    const total = text('pipelined', true).length + text('early', true).length + text('late', true).length;
    await eventually(() => taken.bytes === total, 'all frames');
    assert.equal(taken.received()[0], 0x81);
  });
});

describe('a 101 on its way down', () => {
  it('keeps its fields byte for byte, less what is of one connection only', async () => {
    const answer = Buffer.from(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade, X-Hop\r\nX-Hop: 1\r\n' +
        'Sec-WebSocket-Accept: abc\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Name: caf\xe9\r\nKeep-Alive: 5\r\n\r\n',
      'latin1',
    );
    const upstream = kept(await startSwitching(Buffer.concat([answer, text('at once')])));
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.send(request());
    assert.deepEqual((await raw.until('at once')).split('\r\n'), [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: abc',
      'Set-Cookie: a=1',
      'set-cookie: b=2',
      'X-Name: caf\xe9',
      '',
      text('at once').toString('latin1'),
    ]);
  });

  it('of a gateway that exposes its decisions says which side, why and for which route', async () => {
    const upstream = kept(await startSwitching());
    const raw = await client((await gatewayTo(upstream.url, {}, { expose: true })).port);
    raw.send(request());
    const answer = await raw.until('\r\n\r\n');
    assert.match(answer, /x-banyan-side: legacy\r\nx-banyan-route: test\.route\r\nx-banyan-decision: flag-off\r\n/);
  });

  for (const [name, upgrade] of [
    ['to another protocol', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'],
    ['to no protocol', ''],
  ] as const) {
    it(`${name}, then the client gets 502`, async () => {
      const upstream = kept(await startSwitching(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`));
      const raw = await client((await gatewayTo(upstream.url)).port);
      raw.send(request());
      const answer = await raw.closed();
      assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      assert.match(bodyOf(answer).detail, /response_invalid/);
      await eventually(async () => (await upstream.next()).isGone, 'the upstream to be let go');
    });
  }
});

describe('a refused upgrade', () => {
  it('is relayed with its status, its reason, its fields and its whole body, and the connection ends', async () => {
    const body = 'x'.repeat(300_000);
    const upstream = kept(
      await startUpstream((_, outgoing) => {
        const fields = [
          'WWW-Authenticate',
          'Bearer',
          'Set-Cookie',
          'a=1',
          'Set-Cookie',
          'b=2',
          'content-type',
          'text/plain',
        ];
        outgoing.writeHead(401, 'Who Are You', fields).end(body);
      }),
    );
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.send(request());
    const answer = await raw.closed();
    const [head = '', ...rest] = answer.split('\r\n\r\n');
    assert.match(
      head,
      /^HTTP\/1\.1 401 Who Are You\r\nWWW-Authenticate: Bearer\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/,
    );
    assert.match(head, /\r\nConnection: close/);
    assert.equal(/upgrade/i.test(head), false);
    const content = rest
      .join('\r\n\r\n')
      .replace(/\r\n[0-9a-f]+\r\n/g, '')
      .replace(/^[0-9a-f]+\r\n/, '');
    assert.equal(content.replace(/\r\n0$/, '').match(/x/g)?.length, body.length);
    assert.match(answer, /\r\n0\r\n\r\n$/);
  });

  it('with a length keeps it', async () => {
    const upstream = kept(await startSwitching('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.send(request());
    assert.match(await raw.closed(), /^HTTP\/1\.1 403 Forbidden\r\nContent-Length: 2\r\n.*\r\n\r\nno$/s);
  });

  it('without a body (304) has none', async () => {
    const upstream = kept(await startSwitching('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'));
    const raw = await client((await gatewayTo(upstream.url)).port);
    raw.send(request());
    const answer = await raw.closed();
    assert.match(answer, /^HTTP\/1\.1 304 Not Modified\r\nETag: "1"\r\n/);
    assert.match(answer, /\r\n\r\n$/);
    assert.equal(/transfer-encoding/i.test(answer), false);
  });

  it('that breaks off is cut for the client too', async () => {
    const upstream = kept(await startSwitching('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart'));
    const gateway = await gatewayTo(upstream.url);
    const raw = await client(gateway.port);
    raw.send(request());
    await raw.until('part');
    (await upstream.next()).socket.destroy();
    await raw.closed();
    const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'upgrade'), 'the log line');
    assert.equal(line.failure, 'response_cut');
  });

  it('that stalls is cut after the time-out', async () => {
    const upstream = kept(await startSwitching('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart'));
    const gateway = await gatewayTo(upstream.url, { timeoutMs: 100 });
    const raw = await client(gateway.port);
    raw.send(request());
    await raw.closed();
    const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'upgrade'), 'the log line');
    assert.equal(line.failure, 'response_stalled');
  });
});

describe('an upgrade that comes to nothing', () => {
  it('because the upstream is dead, then 502 as problem details with the request id', async () => {
    const gateway = await gatewayTo(`http://127.0.0.1:${await closedPort()}`);
    const raw = await client(gateway.port);
    raw.send(request('/ws', 'x-request-id: req-7\r\n'));
    const answer = await raw.closed();
    assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\ncontent-type: application\/problem\+json\r\n/);
    const { status, requestId, route, side, detail } = bodyOf(answer);
    assert.deepEqual(
      { status, requestId, route, side },
      { status: 502, requestId: 'req-7', route: 'test.route', side: 'legacy' },
    );
    assert.match(detail, /connect_failed/);
  });

  it('because the upstream does not answer in time, then 504 and the upstream is let go', async () => {
    const upstream = kept(await startSwitching(null));
    const raw = await client((await gatewayTo(upstream.url, { timeoutMs: 100 })).port);
    raw.send(request());
    const answer = await raw.closed();
    assert.match(answer, /^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    assert.match(bodyOf(answer).detail, /upstream_timeout/);
    await eventually(async () => (await upstream.next()).isGone, 'the upstream to be let go');
  });

  for (const [name, answer, failure] of [
    ['closes without an answer', '', 'upstream_reset'],
    ['answers what is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', 'response_invalid'],
  ] as const) {
    it(`because the upstream ${name}, then 502`, async () => {
      const upstream = kept(await startRawServer((socket) => socket.once('data', () => socket.end(answer))));
      const raw = await client((await gatewayTo(upstream.url)).port);
      raw.send(request());
      const received = await raw.closed();
      assert.match(received, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      assert.match(bodyOf(received).detail, new RegExp(failure));
    });
  }

  for (const [name, leave] of [
    ['resets', (raw: RawClient) => raw.socket.resetAndDestroy()],
    ['closes', (raw: RawClient) => raw.socket.end()],
  ] as const) {
    it(`because the client ${name} before the answer, then the upstream is let go at once`, async () => {
      const upstream = kept(await startSwitching(null));
      const gateway = await gatewayTo(upstream.url);
      const raw = await client(gateway.port);
      raw.send(request());
      const taken = await upstream.next();
      leave(raw);
      await within(
        eventually(() => taken.isGone, 'the upstream to be let go'),
        'the upstream to be let go',
        1_000,
      );
      const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'upgrade'), 'the log line');
      assert.deepEqual([line.status, line.failure], [499, 'client_left']);
    });
  }

  it('counts as a request of its side, and as an error where it is one', async () => {
    const gateway = await gatewayTo(`http://127.0.0.1:${await closedPort()}`);
    const raw = await client(gateway.port);
    raw.send(request());
    await raw.closed();
    const { body } = await gateway.api('GET', '/api/routes/test.route');
    assert.deepEqual([body.traffic.legacy.requests, body.traffic.legacy.errors], [1, 1]);
  });
});
