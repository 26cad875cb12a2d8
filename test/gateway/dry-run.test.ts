// Copies of writes over real sockets: signed or not sent, and the mark that no client can make.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { isGenuine, readHeader } from '../../backend/shadow/header.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { OTHER_KEYS, SHADOW_KEYS } from '../helpers/shadow.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';

const KEYS_ENV = 'TEST_SHADOW_KEYS';
const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'tls');
const kept = closingAfterEach();

before(() => {
  process.env[KEYS_ENV] = [SHADOW_KEYS[0], OTHER_KEYS[0]].map(({ id, secret }) => `${id}:${secret}`).join(',');
});
after(() => {
  delete process.env[KEYS_ENV];
});

interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** Names and values of the head's fields, then of the trailers'. */
  readonly rawFields: readonly string[];
  readonly body: Buffer;
}

/** A backend that keeps what it got, and answers 201 as one that verifies does unless told otherwise. */
async function recording(
  answer: Record<string, string> = { 'x-dry-run': 'v1' },
  status = 201,
  released: Promise<void> = Promise.resolve(),
  document: object = { ok: true },
) {
  const received: Received[] = [];
  const server: TestServer = await kept(
    startUpstream(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const chunks: Buffer[] = await Array.fromAsync(incoming);
      const { method = '', url: target = '', headers, rawHeaders, rawTrailers } = incoming;
      const rawFields = [...rawHeaders, ...rawTrailers];
      received.push({ method, target, headers, rawFields, body: Buffer.concat(chunks) });
      await released;
      for (const [name, value] of Object.entries(answer)) outgoing.setHeader(name, value);
      sendJson(outgoing, status, document);
    }),
  );
  return { url: server.url, received };
}
type Recording = Awaited<ReturnType<typeof recording>>;

async function gatewayBetween(
  legacy: Recording,
  fresh: Recording,
  given: { stage?: string; verifies?: boolean; keys?: boolean; overrides?: object } = {},
): Promise<TestGateway> {
  const { stage = 'shadow', verifies = true, keys = true, overrides = {} } = given;
  const mirror = { writes: 'dry-run', bodyBytesMax: 100_000 };
  return kept(
    startTestGateway({
      legacy: legacy.url,
      new: fresh.url,
      routes: [routeOn('/*', { initialStage: stage, mirror })],
      overrides: {
        upstreams: { legacy: { url: legacy.url }, new: { url: fresh.url, verifiesShadow: verifies } },
        ...(keys ? { shadowKeysEnv: KEYS_ENV } : {}),
        ...overrides,
      },
    }),
  );
}

function settled(gateway: TestGateway, eligible: number) {
  return eventually(async () => {
    const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
    return body.eligible === eligible && body.pending === 0 && body;
  }, `${eligible} settled comparisons`);
}

const isVerified = ({ method, target, headers, body }: Received) => {
  const read = readHeader(String(headers['x-banyan-shadow'] ?? ''), SHADOW_KEYS, Date.now());
  return read.ok && read.claimed.routeId === 'test.route' && isGenuine(read.claimed, { method, target, body });
};

describe('a copy of a write', () => {
  it('carries a signature of its own that a backend finds genuine, whatever the method, target and body', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh);
    const writes: readonly (readonly [string, string, string | Uint8Array<ArrayBuffer> | null])[] = [
      ['POST', '/a', '{"a":1}'],
      ['PUT', "/a%2Fb/..;x?q=%41&r='&s=a+b", 'x'.repeat(50_000)],
      ['PATCH', '/a?', new Uint8Array([0, 255, 10, 13])],
      ['DELETE', '/a/1', null],
    ];
    for (const [i, [method, path, body]] of writes.entries()) {
      await (await fetch(gateway.url + path, { method, body })).text();
      await settled(gateway, i + 1);
    }
    const { outcomes } = await settled(gateway, writes.length);
    assert.equal(outcomes.match, writes.length);
    assert.deepEqual(fresh.received.map(isVerified), [true, true, true, true]);
    assert.equal(new Set(fresh.received.map(({ headers }) => headers['x-banyan-shadow'])).size, 4);
    assert.deepEqual(
      fresh.received.map(({ method, target, body }) => [method, target, body]),
      legacy.received.map(({ method, target, body }) => [method, target, body]),
    );
    for (const { headers } of legacy.received) assert.equal(headers['x-banyan-shadow'], undefined);
  });

  it('names things as the side does that gets it, and is signed as it is sent; it is never bracketed', async () => {
    const sides = ['legacy', 'new'].map((side) =>
      recording({ 'x-dry-run': 'v1' }, 200, undefined, { id: `${side}-1` }),
    );
    const [legacy, fresh] = (await Promise.all(sides)) as [Recording, Recording];
    const ids = [{ name: 'thing', path: '$.id', param: 'id', body: '$.id', unknown: 'pass' }];
    const mirror = { writes: 'dry-run', bracketPercent: 100, ids };
    const routes = [routeOn('/things/:id', { initialStage: 'shadow', mirror })];
    const gateway = await gatewayBetween(legacy, fresh, { overrides: { routes } });
    const headers = { 'content-type': 'application/json' };
    for (const [i, id] of ['any', 'legacy-1'].entries()) {
      const body = JSON.stringify({ id });
      await (await fetch(`${gateway.url}/things/${id}`, { method: 'PUT', headers, body })).text();
      await settled(gateway, i + 1);
    }
    assert.equal(legacy.received.length, 2);
    assert.deepEqual(
      fresh.received.map((each) => [each.target, each.body.toString(), isVerified(each)]),
      [
        ['/things/any', '{"id":"any"}', true],
        ['/things/new-1', '{"id":"new-1"}', true],
      ],
    );
  });

  it('in chunks is signed by what the chunks hold', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh);
    const body = new ReadableStream({
      start(controller) {
        for (const part of ['one', 'two', 'three']) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    await (await fetch(gateway.url, { method: 'POST', body, duplex: 'half' })).text();
    await settled(gateway, 1);
    assert.deepEqual(fresh.received.map(isVerified), [true]);
    assert.equal(String(fresh.received[0]?.body), 'onetwothree');
  });

  it('is not sent to a side that is not declared to verify it, and counts', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh, { verifies: false });
    await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
    assert.deepEqual((await settled(gateway, 1)).dropped, { writes_unverified: 1 });
    assert.equal(fresh.received.length, 0);
  });

  it('is not sent to legacy once new serves, and counts', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh, { stage: 'live' });
    await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
    assert.deepEqual((await settled(gateway, 1)).dropped, { writes_unverified: 1 });
    assert.equal(legacy.received.length, 0);
    assert.equal(fresh.received[0]?.headers['x-banyan-shadow'], undefined, 'the served request is an ordinary one');
  });

  it('is not sent without a key', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh, { keys: false });
    await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
    assert.deepEqual((await settled(gateway, 1)).dropped, { writes_unverified: 1 });
    assert.equal(fresh.received.length, 0);
  });

  it('is not sent any more after the side has answered one as if it were real', async () => {
    const [legacy, fresh] = [await recording(), await recording({})];
    const gateway = await gatewayBetween(legacy, fresh);
    for (const eligible of [1, 2, 3]) {
      await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
      await settled(gateway, eligible);
    }
    assert.equal(fresh.received.length, 1);
    assert.deepEqual((await settled(gateway, 3)).dropped, { internal: 1, writes_unverified: 2 });
    const line = await eventually(
      async () => gateway.log.find(({ operation }) => operation === 'mirror'),
      'the log to say why',
    );
    assert.match(JSON.stringify(line), /new answered a dry run 201 without x-dry-run/);
  });

  it('is sent alone until the side has confirmed one', async () => {
    const release = Promise.withResolvers<void>();
    const [legacy, fresh] = [await recording(), await recording({ 'x-dry-run': 'v1' }, 201, release.promise)];
    const gateway = await gatewayBetween(legacy, fresh);
    const write = async () => (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
    await write();
    await eventually(() => fresh.received.length === 1, 'the first copy');
    await Promise.all(Array.from({ length: 5 }, write));
    release.resolve();
    assert.deepEqual((await settled(gateway, 6)).dropped, { writes_unverified: 5 });
    await Promise.all(Array.from({ length: 5 }, write));
    const { outcomes } = await settled(gateway, 11);
    assert.equal(outcomes.match, 6);
    assert.equal(fresh.received.length, 6);
  });

  it('that is refused, or fails, says nothing against the side', async () => {
    const [legacy, fresh] = [await recording(), await recording({}, 403)];
    const gateway = await gatewayBetween(legacy, fresh);
    for (const eligible of [1, 2]) {
      await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
      await settled(gateway, eligible);
    }
    assert.equal(fresh.received.length, 2);
  });

  it('leaves no secret in logs, samples and metrics', async () => {
    const [legacy, fresh] = [await recording(), await recording({}, 403)];
    const gateway = await gatewayBetween(legacy, fresh);
    await (await fetch(gateway.url, { method: 'POST', body: '{}' })).text();
    await settled(gateway, 1);
    const seen = [
      gateway.log,
      ...(await Promise.all(
        ['/api/routes/test.route/samples/1', '/metrics', '/api/status'].map(
          async (path) => (await gateway.api('GET', path)).body,
        ),
      )),
    ];
    for (const { secret } of [...SHADOW_KEYS, ...OTHER_KEYS])
      assert.equal(JSON.stringify(seen).includes(secret), false);
  });
});

describe("a client's own x-banyan-shadow", () => {
  const FORGED = 'v1;key=k1;ts=1;nonce=0;route=r;mac=0';
  const fieldsLike = ({ rawFields }: Received) =>
    rawFields.filter((text, i) => i % 2 === 0 && /x[-_]banyan/i.test(text));

  it('gets past the edge in no spelling, and the copy carries the one that is ours', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh);
    const tricks = [
      `X-BANYAN-SHADOW: ${FORGED}`,
      `x-banyan-shadow: ${FORGED}\r\nx-banyan-shadow: ${FORGED}`,
      `x_banyan_shadow: ${FORGED}\r\nX-Banyan_Shadow: ${FORGED}`,
      `Connection: x-banyan-shadow, x-banyan-copy\r\nx-banyan-shadow: ${FORGED}`,
      'x-banyan-shadow:',
      'x-banyan-copy: 1',
    ];
    for (const [i, fields] of tricks.entries()) {
      const client = await connectRaw(gateway.port);
      client.send(`POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n${fields}\r\n\r\n{}`);
      await client.until('{"ok":true}');
      client.socket.destroy();
      await settled(gateway, i + 1);
    }
    assert.deepEqual(
      legacy.received.map(fieldsLike),
      tricks.map(() => []),
    );
    assert.deepEqual(
      fresh.received.map(fieldsLike),
      tricks.map(() => ['x-banyan-shadow', 'x-banyan-copy']),
    );
    assert.deepEqual(
      fresh.received.map(isVerified),
      tricks.map(() => true),
    );
  });

  it('gets past the edge in no trailer', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const gateway = await gatewayBetween(legacy, fresh);
    const client = await connectRaw(gateway.port);
    const head = 'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: x-banyan-shadow\r\n\r\n';
    const trailers = `X-Sum: 1\r\nx-banyan-shadow: ${FORGED}\r\nX_Banyan_Shadow: ${FORGED}\r\n`;
    client.send(`${head}2\r\n{}\r\n0\r\n${trailers}\r\n`);
    await client.until('{"ok":true}');
    client.socket.destroy();
    await settled(gateway, 1);
    assert.deepEqual(legacy.received.map(fieldsLike), [[]]);
    assert.ok(legacy.received[0]?.rawFields.includes('X-Sum'), 'other trailers do');
    assert.deepEqual(fresh.received.map(isVerified), [true]);
  });

  it('gets past the edge over HTTP/2 neither', async () => {
    const [legacy, fresh] = [await recording(), await recording()];
    const [cert, key] = ['one.cert.pem', 'one.key.pem'].map((name) => join(FIXTURES, name));
    const gateway = await gatewayBetween(legacy, fresh, { overrides: { tls: { cert, key } } });
    const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { ca: readFileSync(cert ?? '') });
    void kept({ close: () => session.destroy() });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/x',
      'x-banyan-shadow': FORGED,
      x_banyan_shadow: FORGED,
    });
    stream.end('{}');
    await within(once(stream.resume(), 'close'), 'the answer');
    await settled(gateway, 1);
    assert.deepEqual(legacy.received.map(fieldsLike), [[]]);
    assert.deepEqual(fresh.received.map(isVerified), [true]);
  });

  it('gets past the edge with no WebSocket', async () => {
    const seen: IncomingMessage[] = [];
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket, incoming) => {
      seen.push(incoming);
      socket.close();
    });
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    await kept({ close: () => void server.close() });
    const echo = { url, received: [] };
    const gateway = await gatewayBetween(echo, echo);
    const headers = { 'x-banyan-shadow': FORGED, X_Banyan_Shadow: FORGED };
    const socket = new WebSocket(gateway.url.replace('http', 'ws'), { headers });
    await within(once(socket, 'close'), 'the end of the connection');
    assert.equal(seen.length, 1);
    assert.deepEqual(
      seen[0]?.rawHeaders.filter((text) => /banyan[-_]shadow/i.test(text)),
      [],
    );
  });
});
