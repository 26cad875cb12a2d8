// A fault planted in the gateway's own code: whatever throws while a request is handled fails that request, and the
// process, its other requests and its counts go on.
import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { createDataPath, type DataPathDeps } from '../../gateway/data-path.ts';
import { createRateLimiter } from '../../gateway/http/rate-limit.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { createEvidence } from '../../gateway/mirror/evidence.ts';
import { createIdMap } from '../../gateway/mirror/id-map.ts';
import { createGatewayLog } from '../../gateway/request-log.ts';
import { createSettings, type Settings } from '../../gateway/settings.ts';
import type { ExchangeOutcome } from '../../gateway/tracing/tracing.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { aGatewayConfig } from '../helpers/gateway-config.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';
import { startSwitching } from './streams/switching-upstream.ts';

const kept = closingAfterEach();
const FAULT = 'planted fault';
const fault = (): never => {
  throw new Error(FAULT);
};

const ROUTES = [
  { id: 'plain', match: { methods: ['*'], path: '/plain/*' } },
  { id: 'limited', match: { methods: ['*'], path: '/limited/*' }, rateLimit: { requests: 1_000 } },
  { id: 'either', match: { methods: ['*'], path: '/either/*' }, fallback: true },
  { id: 'copied', match: { methods: ['*'], path: '/copied/*' } },
];

type Planted = Partial<DataPathDeps> & { readonly settled?: (settings: Settings) => Settings };

/** A data path before one backend, with a fault where `plant` puts it while `armed`. */
async function startFaulty(plant: (armed: () => boolean) => Planted, backend: RequestListener | string = answerOk) {
  const url = typeof backend === 'string' ? backend : (await kept(startUpstream(backend))).url;
  const config = aGatewayConfig({
    upstreams: { legacy: { url }, new: { url } },
    routes: ROUTES,
    shutdown: { delayMs: 0 },
  });
  let isArmed = true;
  const { settled = (settings: Settings) => settings, ...planted } = plant(() => isArmed);
  const settings = createSettings(config, () => ({ healthy: undefined, problem: undefined, stop() {} }));
  const current = settled(settings.current);
  const errors: Record<string, unknown>[] = [];
  const lines: Record<string, unknown>[] = [];
  const write = (text: string) => {
    for (const line of text.trimEnd().split('\n')) {
      const parsed: Record<string, unknown> = JSON.parse(line);
      (parsed.level === 'error' ? errors : lines).push(parsed);
    }
  };
  const metrics = createMetrics();
  const path = createDataPath({
    settings: { current },
    isEnabled: (flag) => flag === 'copied.mirror',
    forced: { all: undefined, route: () => undefined },
    ids: createIdMap({ pairsMax: 1, onChange: () => {} }),
    evidence: createEvidence(() => new Date()),
    traffic: { count() {} },
    tracing: undefined,
    tally: { count() {} },
    rates: createRateLimiter(undefined, (operation, error) => assert.fail(`${operation}: ${error}`)),
    metrics,
    log: createGatewayLog({ level: 'info', stream: { write } }),
    raised: (operation, error) => assert.fail(`${operation}: ${error}`),
    now: () => new Date(),
    ...planted,
  });
  const address = await path.listen('127.0.0.1:0');
  await kept({
    async close() {
      await path.close();
      await settings.close();
    },
  });
  return {
    url: `http://${address}`,
    port: Number(address.split(':').at(-1)),
    errors,
    metrics,
    upstreams: current.upstreams,
    path,
    disarm() {
      isArmed = false;
    },
  };
}

const answerOk = (_: IncomingMessage, outgoing: ServerResponse) => sendJson(outgoing, 200, { ok: true });

async function counted(metric: { get(): Promise<{ values: { value: number; labels: object }[] }> }, labels: object) {
  const { values } = await metric.get();
  const wanted = Object.entries(labels);
  return values
    .filter((each) =>
      wanted.every(([name, value]) => Object.entries(each.labels).some(([n, v]) => n === name && v === value)),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

type Faulty = Awaited<ReturnType<typeof startFaulty>>;

/** One request meets the fault: a 500 of the gateway's; the next does not, and nothing is left of the first. */
async function assertContained(gateway: Faulty, path: string, init: RequestInit = {}): Promise<void> {
  const failed = await fetch(`${gateway.url}${path}`, { ...init, headers: { 'x-request-id': 'the-failed-one' } });
  assert.deepEqual(
    [failed.status, failed.headers.get('content-type'), failed.headers.get('x-request-id')],
    [500, 'application/problem+json', 'the-failed-one'],
  );
  await assertCountedOnce(gateway, 'request');
  gateway.disarm();
  const next = await fetch(`${gateway.url}${path}`, init);
  assert.deepEqual([next.status, await next.json()], [200, { ok: true }]);
  await assertNothingLeft(gateway);
}

async function assertCountedOnce({ metrics, errors }: Faulty, operation: string): Promise<void> {
  const total = () => counted(metrics.raised, { operation });
  await eventually(async () => (await total()) > 0, 'the fault in the metrics');
  assert.equal(await total(), 1);
  const [line, ...more] = errors;
  assert.deepEqual(more, []);
  assert.equal(line?.operation, operation);
  assert.match(JSON.stringify(line), new RegExp(`${FAULT}.*contain\\.test\\.ts`), 'with its message and stack');
}

async function assertNothingLeft({ metrics, upstreams }: Faulty): Promise<void> {
  const { serving, streaming } = upstreams;
  const inFlight = () => [serving, streaming].reduce((sum, each) => sum + each.legacy.inFlight + each.new.inFlight, 0);
  await eventually(async () => inFlight() === 0 && (await counted(metrics.inFlight, {})) === 0, 'nothing in flight');
}

const throwingHeaders = (armed: () => boolean) => (settings: Settings) => ({
  ...settings,
  edge: {
    ...settings.edge,
    headers: (...args: Parameters<Settings['edge']['headers']>) => (armed() ? fault() : settings.edge.headers(...args)),
  },
});

describe('a fault in the handling of a request', () => {
  it('while it is decided, then that request gets a 500', async () => {
    const gateway = await startFaulty((armed) => ({ isEnabled: () => (armed() ? fault() : false) }));
    await assertContained(gateway, '/plain/1');
    assert.equal(await counted(gateway.metrics.requests, { decision: 'internal-error', code: '5xx' }), 1);
  });

  it('after the wait for its rate limit, then that request gets a 500', async () => {
    const begin = (armed: () => boolean) => {
      const evidence = createEvidence(() => new Date());
      return { ...evidence, begin: (route: string) => (armed() ? fault() : evidence.begin(route)) };
    };
    const gateway = await startFaulty((armed) => ({
      evidence: begin(armed),
      isEnabled: (flag) => flag.endsWith('.mirror'),
    }));
    await assertContained(gateway, '/limited/1');
  });

  it('while its fields are made, then that request gets a 500, with or without a body', async () => {
    for (const init of [{}, { method: 'POST', body: 'x'.repeat(100_000) }]) {
      await assertContained(await startFaulty((armed) => ({ settled: throwingHeaders(armed) })), '/plain/1', init);
    }
  });

  it('while its fields are made, then the span of its exchange ends with it', async () => {
    const ended: ExchangeOutcome[] = [];
    const exchange = { traceparent: undefined, end: (outcome: ExchangeOutcome) => void ended.push(outcome) };
    const trace = { traceId: 'a'.repeat(32), attempt: () => exchange, copy: () => exchange, end() {} };
    const tracing = { begin: () => trace, close: async () => {} };
    await assertContained(await startFaulty((armed) => ({ settled: throwingHeaders(armed), tracing })), '/plain/1');
    assert.deepEqual(
      ended.map(({ status, failure }) => [status, failure]),
      [
        [undefined, 'internal_error'],
        [200, undefined],
      ],
    );
  });

  it('on a route that may fall back, then the other side does not hide it', async () => {
    const gateway = await startFaulty((armed) => ({ settled: throwingHeaders(armed) }));
    await assertContained(gateway, '/either/1');
    assert.equal(await counted(gateway.metrics.failures, { route: 'either', failure: 'internal_error' }), 1);
  });

  it('while its answer begins, then that request gets a 500 and its connection upstream is given up', async () => {
    const gateway = await startFaulty((armed) => ({
      settled: (settings) => ({
        ...settings,
        cors: { ...settings.cors, isReplaced: () => (armed() ? fault() : false) },
      }),
    }));
    await assertContained(gateway, '/plain/1');
  });

  it('while it is recorded, then its answer stands, and the next request on its connection is served', async () => {
    const gateway = await startFaulty((armed) => ({ traffic: { count: () => (armed() ? fault() : undefined) } }));
    const client = await connectRaw(gateway.port);
    client.send('GET /plain/1 HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(await client.until('{"ok":true}'), /^HTTP\/1\.1 200/);
    await assertCountedOnce(gateway, 'request');
    gateway.disarm();
    client.send('GET /plain/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.equal((await client.closed()).match(/HTTP\/1\.1 200/g)?.length, 2);
    await assertNothingLeft(gateway);
  });

  it('after its answer has begun, then the client’s connection is cut', async () => {
    const body = 'a body of some length';
    const gateway = await startFaulty(
      () => ({}),
      (_, outgoing) => {
        outgoing.writeHead(200, { 'content-length': body.length * 2 });
        outgoing.write(body);
        setTimeout(() => outgoing.end(body), 50);
      },
    );
    // The second part of the answer meets the fault, where a copy of it is kept.
    const begin = gateway.path.mirror.begin;
    gateway.path.mirror.begin = (...args) => {
      const ticket = begin(...args);
      if (!ticket) return ticket;
      let parts = 0;
      const { response } = ticket.captures;
      const push = response.push.bind(response);
      response.push = (chunk) => (++parts === 2 ? fault() : push(chunk));
      return ticket;
    };
    const client = await connectRaw(gateway.port);
    client.send('GET /copied/1 HTTP/1.1\r\nHost: x\r\n\r\n');
    const received = await client.closed();
    assert.match(received, /^HTTP\/1\.1 200/);
    assert.ok(received.endsWith(`\r\n\r\n${body}`), received);
    await assertCountedOnce(gateway, 'request');
    await assertNothingLeft(gateway);
    await gateway.path.mirror.idle();
    assert.equal(await counted(gateway.metrics.dropped, { reason: 'internal_error' }), 1);
  });

  it('leaves requests that are under way alone', async () => {
    let release = () => {};
    const gateway = await startFaulty(
      (armed) => ({ isEnabled: (flag) => (armed() && flag === 'either' ? fault() : false) }),
      (_, outgoing) => {
        release = () => sendJson(outgoing, 200, { ok: true });
      },
    );
    const slow = fetch(`${gateway.url}/plain/1`);
    await eventually(async () => (await counted(gateway.metrics.inFlight, {})) === 1, 'the request under way');
    for (let i = 0; i < 20; i++) assert.equal((await fetch(`${gateway.url}/either/1`)).status, 500);
    release();
    assert.deepEqual(await (await slow).json(), { ok: true });
    await assertNothingLeft(gateway);
  });
});

const HANDSHAKE =
  'GET /plain/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: the-failed-one\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

describe('a fault in the handling of an upgrade', () => {
  it('while it is decided, then the client gets a 500 and the connection ends', async () => {
    const gateway = await startFaulty((armed) => ({ isEnabled: () => (armed() ? fault() : false) }));
    const client = await connectRaw(gateway.port);
    client.send(HANDSHAKE);
    const answer = await client.closed();
    assert.match(answer, /^HTTP\/1\.1 500 /);
    assert.match(answer, /"requestId":"the-failed-one"/);
    await assertCountedOnce(gateway, 'upgrade');
    gateway.disarm();
    assert.equal((await fetch(`${gateway.url}/plain/1`)).status, 200);
  });

  it('once both sides have switched, then both connections are closed and no stream is counted', async () => {
    const upstream = await kept(startSwitching());
    const count = { count: fault }; // The answer to an upgrade is recorded when the 101 is out.
    const gateway = await startFaulty(() => ({ traffic: count }), upstream.url);
    const client = await connectRaw(gateway.port);
    client.send(HANDSHAKE);
    assert.match(await client.closed(), /^HTTP\/1\.1 101 .*\r\n\r\n$/s);
    await assertCountedOnce(gateway, 'upgrade');
    const taken = await upstream.next();
    await eventually(() => taken.isGone, 'the connection upstream to be closed');
    assert.equal(await counted(gateway.metrics.streams, {}), 0);
  });
});
