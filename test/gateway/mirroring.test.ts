// Mirroring over real sockets: what a hostile or dead copy target can do to clients (nothing), and that every
// eligible request ends in exactly one outcome.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { closedPort, sendJson, startRawServer, startUpstream, type TestServer } from '../helpers/upstream.ts';

const kept = closingAfterEach();

/** A busy machine is slow; only what never answers is to be given up soon. */
const SMALL_MIRROR = { timeoutMs: 10_000, bodyBytesMax: 10_000 };
const SOON = { timeoutMs: 200 };

async function shadowing(
  legacy: { url: string },
  fresh: { url: string },
  options: { mirror?: object; compare?: object; redact?: object; limits?: object; stage?: string } = {},
): Promise<TestGateway> {
  const route = routeOn('/*', {
    initialStage: options.stage ?? 'shadow',
    mirror: { ...SMALL_MIRROR, ...options.mirror },
    compare: options.compare ?? {},
    redact: options.redact ?? {},
  });
  // A busy machine must not make comparing too dear.
  const overrides = { mirror: { compareCpuPercent: 100, ...options.limits } };
  return kept(startTestGateway({ legacy: legacy.url, new: fresh.url, routes: [route], overrides }));
}

/** The route's evidence once nothing is pending. */
function settled(gateway: TestGateway, eligible: number) {
  return eventually(async () => {
    const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
    return body.eligible === eligible && body.pending === 0 && body;
  }, `${eligible} settled comparisons`);
}

const answering =
  (body: unknown, status = 200) =>
  (_: IncomingMessage, outgoing: ServerResponse) =>
    sendJson(outgoing, status, body);

describe('a copied request', () => {
  it('goes to the new side in shadow, as the client sent it and marked as a copy, and is compared', async () => {
    let copied: IncomingMessage | undefined;
    const legacy = await kept(startUpstream(answering({ price: 1.5, id: 42 })));
    const fresh = await kept(
      startUpstream((incoming, outgoing) => {
        copied = incoming;
        answering({ price: 2.5, id: 42 })(incoming, outgoing);
      }),
    );
    const gateway = await shadowing(legacy, fresh, { compare: { critical: ['$.price'] } });
    const response = await fetch(`${gateway.url}/orders/7?limit=2`, {
      headers: { 'x-user-id': 'u1', 'x-banyan-shadow': 'forged' },
    });
    assert.equal(response.headers.get('x-banyan-side'), 'legacy');
    const evidence = await settled(gateway, 1);
    assert.equal(evidence.outcomes.mismatch, 1);
    assert.deepEqual(evidence.differences, [
      { path: '$.price', kind: 'changed', critical: true, count: 1, noise: 0, confirmed: 0, share: 1 },
    ]);
    assert.equal(copied?.url, '/orders/7?limit=2');
    assert.equal(copied?.headers['x-user-id'], 'u1');
    assert.equal(copied?.headers['x-banyan-copy'], '1');
    assert.equal(copied?.headers['x-banyan-shadow'], undefined, "a client's own shadow header is stripped at the edge");
  });

  it('is kept as a sample with what sending it again needs, without what the route wants left out', async () => {
    const legacy = await kept(startUpstream(answering({ name: 'Ann', age: 1 })));
    const fresh = await kept(startUpstream(answering({ name: 'Bob', age: 2 })));
    const redact = { headers: ['x-user-id'], paths: ['$.name'] };
    const gateway = await shadowing(legacy, fresh, { redact });
    await fetch(`${gateway.url}/x?token=s3cret`, { headers: { 'x-user-id': 'u1', 'x-other': 'o' } });
    await settled(gateway, 1);
    const { body: sample } = await gateway.api('GET', '/api/routes/test.route/samples/1');
    assert.equal(sample.legacy.body, '{"name":"[redacted]","age":1}');
    assert.equal(sample.target, '/x?token=[redacted]');
    assert.deepEqual(sample.request.redacted, ['target', 'header:x-user-id']);
    const headers = Object.fromEntries(sample.request.headers);
    assert.deepEqual([headers['x-user-id'], headers['x-other']], ['[redacted]', 'o']);
    const { body: list } = await gateway.api('GET', '/api/routes/test.route/samples');
    assert.equal(list.samples[0].request, undefined, 'the list is brief');
  });

  it('counts for the stage in which it was compared: a stage, a rollback and its end begin anew', async () => {
    const legacy = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, legacy);
    const matches = async (window: string) =>
      (await gateway.api('GET', `/api/routes/test.route/comparisons?window=${window}`)).body.outcomes.match;
    const compareOne = async () => {
      await (await fetch(`${gateway.url}/x`)).text();
      await settled(gateway, 1);
      for (const window of ['1m', '10m', 'stage']) assert.equal(await matches(window), 1, window);
    };
    const change = (method: string, path: string, body: object) =>
      gateway.api(method, `/api/routes/test.route/${path}`, { reason: 'x', ...body }, { 'if-match': '*' });
    await compareOne();
    for (const step of [
      () => change('PUT', 'stage', { stage: 'live' }),
      () => change('POST', 'rollback', {}),
      () => change('DELETE', 'rollback', {}),
    ]) {
      await step();
      for (const window of ['1m', '10m', 'stage']) assert.equal(await matches(window), 0, window);
    }
    await compareOne();
    const { windows } = (await gateway.api('GET', '/api/routes/test.route?window=10m')).body.evidence;
    assert.deepEqual(
      windows.map((each: { window: string; parity: number }) => [each.window, each.parity]),
      [
        ['1m', 1],
        ['10m', 1],
        ['stage', 1],
      ],
    );
    assert.equal((await gateway.api('GET', '/api/routes/test.route/comparisons?window=1h')).status, 400);
  });

  it('goes to legacy once new serves, and the answers keep their sides', async () => {
    const legacy = await kept(startUpstream(answering({ side: 'legacy' })));
    const fresh = await kept(startUpstream(answering({ side: 'new' })));
    const gateway = await shadowing(legacy, fresh, { stage: 'live' });
    assert.deepEqual(await (await fetch(`${gateway.url}/x`)).json(), { side: 'new' });
    await settled(gateway, 1);
    const { body } = await gateway.api('GET', '/api/routes/test.route/samples/1');
    assert.equal(body.legacy.body, '{"side":"legacy"}');
    assert.equal(body.new.body, '{"side":"new"}');
    assert.deepEqual(body.differences, [
      { path: '$.side', at: '/side', kind: 'changed', legacy: '"legacy"', new: '"new"', critical: false },
    ]);
  });

  it('that is not safe is never sent', async () => {
    const legacy = await kept(startUpstream(answering({})));
    const fresh = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, fresh);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      await (await fetch(`${gateway.url}/x`, { method, body: '{}' })).text();
    }
    await (await fetch(`${gateway.url}/x`)).text();
    await settled(gateway, 1);
    assert.equal(fresh.seen, 1);
    assert.equal(legacy.seen, 5);
  });
});

describe('a bracketed request', () => {
  /** Answers `n` with how often it has been asked, and `wrong` where this is new. */
  const counting = (seen: string[], side: string) => {
    let n = 0;
    return (incoming: IncomingMessage, outgoing: ServerResponse) => {
      seen.push(`${side} ${incoming.headers['x-banyan-copy'] ?? ''}`.trim());
      sendJson(outgoing, 200, { n: ++n, side: incoming.url === '/wrong' ? side : 'any' });
    };
  };
  const stages = [
    ['shadow', ['legacy', 'new 1', 'legacy 1']],
    ['live', ['new', 'legacy 1', 'new 1', 'legacy 1']],
  ] as const;
  for (const [stage, order] of stages) {
    it(`in ${stage} is asked for in the order ${order.join(', ')}; what legacy answers now so, now so is noise`, async () => {
      const seen: string[] = [];
      const legacy = await kept(startUpstream(counting(seen, 'legacy')));
      const fresh = await kept(startUpstream(counting(seen, 'new')));
      const gateway = await shadowing(legacy, fresh, { stage, mirror: { bracketPercent: 100 } });
      await (await fetch(`${gateway.url}/x`)).text();
      const { outcomes } = await settled(gateway, 1);
      assert.deepEqual(seen, order);
      assert.equal(outcomes.match + outcomes.ignored, 1);
      await (await fetch(`${gateway.url}/wrong`)).text();
      const evidence = await settled(gateway, 2);
      assert.equal(evidence.outcomes.mismatch, 1);
      const [noise, wrong] = ['$.n', '$.side'].map((path) =>
        evidence.differences.find((difference: { path: string }) => difference.path === path),
      );
      assert.deepEqual([noise.noise, noise.confirmed, noise.share], [2, 0, 0]);
      assert.deepEqual([wrong.noise, wrong.confirmed, wrong.share], [0, 1, 0.5]);
      assert.deepEqual(evidence.bracketed, { comparable: 2, agreeing: 1 });
      const { body } = await gateway.api('GET', '/api/routes/test.route/samples/1');
      assert.deepEqual(
        body.differences.map(({ at, noise }: { at: string; noise?: true }) => [at, noise]),
        [
          ['/side', undefined],
          ['/n', true],
        ],
      );
    });
  }
});

describe('a request that sampling leaves out', () => {
  it('is copied while its route, or the class of its status, has been seen less often than it should', async () => {
    const byPath = (incoming: IncomingMessage, outgoing: ServerResponse) =>
      sendJson(outgoing, incoming.url === '/missing' ? 404 : 200, {});
    const legacy = await kept(startUpstream(byPath));
    const fresh = await kept(startUpstream(byPath));
    const mirror = { samplePercent: 0.000_001, minimumPerHour: 3, bracketPercent: 0 };
    const gateway = await shadowing(legacy, fresh, { mirror });
    for (const path of ['/x', '/missing']) {
      for (let i = 0; i < 10; i++) await (await fetch(`${gateway.url}${path}`)).text();
    }
    assert.deepEqual((await settled(gateway, 6)).outcomes.match, 6);
    assert.equal(fresh.seen, 6);
  });

  it('costs its client nothing when its answer is large and not rare', async () => {
    const big = 'x'.repeat(1_000_000);
    const legacy = await kept(startUpstream((_, outgoing) => outgoing.end(big)));
    const fresh = await kept(startUpstream(answering({})));
    const mirror = { samplePercent: 0.000_001, minimumPerHour: 1, bodyBytesMax: 67_108_864 };
    const gateway = await shadowing(legacy, fresh, { mirror });
    for (let i = 0; i < 3; i++) assert.equal((await (await fetch(`${gateway.url}/x`)).text()).length, big.length);
    assert.equal((await settled(gateway, 1)).eligible, 1);
  });
});

describe('a new side that only gets copies and fails', () => {
  it('is sent fewer, which the status, the metrics and the coverage say', async () => {
    let status = 200;
    const legacy = await kept(startUpstream(answering({})));
    const fresh = await kept(startUpstream((_, outgoing) => sendJson(outgoing, status, {})));
    let now = Date.now();
    const route = routeOn('/*', { initialStage: 'shadow', mirror: { bracketPercent: 0 } });
    const gateway = await kept(
      startTestGateway({
        ...{ legacy: legacy.url, new: fresh.url, routes: [route], now: () => new Date(now) },
        overrides: { mirror: { compareCpuPercent: 100 } },
      }),
    );
    const share = async () => (await gateway.api('GET', '/api/status')).body.mirror.allowedShare;
    let eligible = 0;
    const second = async () => {
      await Promise.all(Array.from({ length: 10 }, async () => (await fetch(`${gateway.url}/x`)).text()));
      eligible += 10;
      await settled(gateway, eligible);
      now += 1_000;
    };
    await second();
    assert.deepEqual(await share(), { legacy: 1, new: 1 });
    status = 503;
    await second();
    assert.deepEqual(await share(), { legacy: 1, new: 0.5 });
    await second();
    const { dropped, coverage } = await settled(gateway, eligible);
    assert.ok(dropped.backoff >= 4 && dropped.backoff <= 6, `${dropped.backoff}`);
    assert.equal(coverage, (eligible - dropped.backoff) / eligible);
    const metrics = await (await fetch(`${gateway.operatorUrl}/metrics`)).text();
    assert.match(metrics, /banyan_mirror_allowed_share\{side="new"\} 0\.5\n/);
  });
});

describe('the new side, while it only gets copies,', () => {
  const faults: readonly (readonly [name: string, start: () => Promise<TestServer>, outcome: string])[] = [
    ['that hangs', () => startRawServer(() => {}), 'timeout'],
    ['that resets', () => startRawServer((socket) => socket.once('data', () => socket.resetAndDestroy())), 'new_error'],
    [
      'that answers garbage',
      () => startRawServer((socket) => socket.once('data', () => socket.write('\0garbage'))),
      'new_error',
    ],
    ['that answers 500', () => startUpstream(answering({ detail: 'broken' }, 500)), 'new_error'],
    [
      'that breaks off',
      () => startRawServer((s) => s.once('data', () => s.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'))),
      'new_error',
    ],
    [
      'that drips',
      () => startRawServer((s) => s.once('data', () => s.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'))),
      'timeout',
    ],
    [
      'that answers far too much',
      () => startUpstream((_, outgoing) => outgoing.end(Buffer.alloc(5_000_000))),
      'incomparable',
    ],
    [
      'with an oversized head',
      () =>
        startRawServer((s) => s.once('data', () => s.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`))),
      'new_error',
    ],
  ];
  for (const [name, start, outcome] of faults) {
    it(`${name} changes nothing for clients and counts as ${outcome}`, async () => {
      const legacy = await kept(startUpstream(answering({ side: 'legacy' })));
      const mirror = outcome === 'timeout' ? SOON : {};
      const gateway = await shadowing(legacy, await kept(start()), { mirror });
      for (let i = 0; i < 5; i++) {
        const response = await within(fetch(`${gateway.url}/x`), 'the answer');
        assert.equal(response.status, 200);
        assert.deepEqual(await response.json(), { side: 'legacy' });
      }
      const evidence = await settled(gateway, 5);
      assert.equal(evidence.outcomes[outcome], 5);
    });
  }

  it('that refuses connections changes nothing for clients and counts as new_error', async () => {
    const legacy = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, { url: `http://127.0.0.1:${await closedPort()}` });
    assert.equal((await fetch(`${gateway.url}/x`)).status, 200);
    assert.equal((await settled(gateway, 1)).outcomes.new_error, 1);
  });
});

describe('every eligible request', () => {
  it('ends in exactly one outcome when copies pile up, and the pile is bounded', async () => {
    const legacy = await kept(startUpstream(answering({})));
    const hanging = await kept(startRawServer(() => {}));
    const gateway = await shadowing(legacy, hanging, {
      mirror: SOON,
      limits: { concurrency: 2, queueMax: 3, queueBytesMax: 1_000_000 },
    });
    const requests = 40;
    await Promise.all(Array.from({ length: requests }, async () => (await fetch(`${gateway.url}/x`)).text()));
    const { body } = await gateway.api('GET', '/api/status');
    assert.ok(body.mirror.waiting <= 3, `${body.mirror.waiting} copies wait`);
    const { outcomes, dropped } = await settled(gateway, requests);
    assert.equal(outcomes.timeout + outcomes.dropped, requests);
    assert.equal(dropped.queue_count, outcomes.dropped);
    assert.ok(outcomes.dropped >= requests - 20, `${outcomes.dropped} dropped`);
  });

  it('is dropped when there is no room for comparing, be it only legacy with itself', async () => {
    let asked = 0;
    const huge = JSON.stringify('x'.repeat(34_000_000)); // More than may wait for the thread.
    const legacy = await kept(startUpstream((_, outgoing) => outgoing.end(asked++ === 0 ? '1' : huge)));
    const fresh = await kept(startUpstream((_, outgoing) => outgoing.end('2')));
    const mirror = { bracketPercent: 100, bodyBytesMax: 67_108_864, timeoutMs: 5_000 };
    const gateway = await shadowing(legacy, fresh, { mirror });
    await (await fetch(`${gateway.url}/x`)).text();
    assert.deepEqual((await settled(gateway, 1)).dropped, { compare_queue: 1 });
    await (await fetch(`${gateway.url}/x`)).text();
    assert.deepEqual((await settled(gateway, 2)).dropped, { compare_queue: 2 });
  });

  it('has its outcome when the gateway stops while its copy waits, and still after the next start', async () => {
    const legacy = await kept(startUpstream(answering({})));
    const hanging = await kept(startRawServer(() => {}));
    const folder = mkdtempSync(join(tmpdir(), 'banyan-stopped-'));
    await kept({ close: async () => rmSync(folder, { recursive: true, force: true }) });
    const start = () =>
      startTestGateway({
        ...{ legacy: legacy.url, new: hanging.url, folder },
        routes: [routeOn('/*', { initialStage: 'shadow', mirror: { timeoutMs: 500 } })],
        overrides: { mirror: { concurrency: 1 } },
      });
    const stopped = await start();
    for (let i = 0; i < 4; i++) await (await fetch(`${stopped.url}/x`)).text();
    await stopped.close();
    const { outcomes, dropped } = await settled(await kept(start()), 4);
    assert.equal(outcomes.timeout + outcomes.dropped, 4);
    assert.deepEqual(dropped, { closing: outcomes.dropped });
    assert.ok(outcomes.dropped > 0);
  });

  it('is dropped by reason when a body is larger than is kept, and the client has the whole of it', async () => {
    const big = 'x'.repeat(20_000);
    const legacy = await kept(startUpstream((_, outgoing) => outgoing.end(big)));
    const fresh = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, fresh);
    assert.equal((await (await fetch(`${gateway.url}/x`)).text()).length, big.length);
    const { dropped } = await settled(gateway, 1);
    assert.deepEqual(dropped, { response_body: 1 });
    assert.equal(fresh.seen, 0);
  });

  for (const [stage, copies] of [
    ['shadow', 'new'],
    ['live', 'legacy'],
  ] as const) {
    it(`has its body copied to ${copies} as it streams past, byte for byte, or is dropped where it is too large`, async () => {
      const bodies: Record<string, string[]> = { legacy: [], new: [] };
      let first: (() => void) | undefined;
      const keep = (side: string) => (incoming: IncomingMessage, outgoing: ServerResponse) => {
        let body = '';
        incoming.on('data', (chunk: Buffer) => {
          body += chunk.toString('latin1');
          first?.();
        });
        incoming.on('end', () => {
          bodies[side]?.push(body);
          sendJson(outgoing, 200, {});
        });
      };
      const legacy = await kept(startUpstream(keep('legacy')));
      const fresh = await kept(startUpstream(keep('new')));
      const limit = 100_000;
      const gateway = await shadowing(legacy, fresh, { stage, mirror: { bodyBytesMax: limit, bracketPercent: 0 } });
      const upload = async (parts: readonly string[]) => {
        const answered = Promise.withResolvers<void>();
        const outgoing = request(`${gateway.url}/x`, { method: 'GET', headers: { 'transfer-encoding': 'chunked' } });
        outgoing.on('response', (incoming) => incoming.resume().on('end', () => answered.resolve()));
        for (const part of parts) {
          // The next part is sent only once the serving side has seen the one before: nothing is read ahead.
          const arrived = Promise.withResolvers<void>();
          first = arrived.resolve;
          outgoing.write(part);
          await within(arrived.promise, 'a part to arrive before the next');
        }
        outgoing.end();
        await within(answered.promise, 'the answer');
      };
      const whole = ['a'.repeat(60_000), 'b'.repeat(40_000)];
      await upload(whole);
      await settled(gateway, 1);
      assert.deepEqual(bodies, { legacy: [whole.join('')], new: [whole.join('')] });
      await upload([...whole, 'c']);
      const { dropped } = await settled(gateway, 2);
      assert.deepEqual(dropped, { request_body: 1 });
      assert.deepEqual([bodies.legacy?.length, bodies.new?.length], stage === 'shadow' ? [2, 1] : [1, 2]);
    });
  }

  it('is none when its answer is an event stream, from the moment that it begins: it is not copied', async () => {
    let end = () => {};
    const legacy = await kept(
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: 1\n\n');
        end = () => outgoing.end();
      }),
    );
    const fresh = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, fresh);
    const response = await fetch(`${gateway.url}/events`);
    const eligible = async () => (await gateway.api('GET', '/api/routes/test.route/comparisons')).body.eligible;
    assert.equal(await eligible(), 0, 'while it is open');
    end();
    assert.equal(await response.text(), 'data: 1\n\n');
    assert.equal(await eligible(), 0);
    assert.equal(fresh.seen, 0);
  });

  it('is dropped when its client leaves, and counts as legacy_error when legacy fails', async () => {
    const legacy = await kept(
      startUpstream((incoming, outgoing) => {
        if (incoming.url === '/fail') sendJson(outgoing, 500, {});
      }),
    );
    const fresh = await kept(startUpstream(answering({})));
    const gateway = await shadowing(legacy, fresh);
    const leaving = request(`${gateway.url}/hang`).end();
    leaving.on('error', () => {});
    await eventually(() => legacy.seen === 1, 'the request at legacy');
    leaving.destroy();
    await (await fetch(`${gateway.url}/fail`)).text();
    const { outcomes, dropped } = await settled(gateway, 2);
    assert.equal(outcomes.legacy_error, 1);
    assert.deepEqual(dropped, { client_left: 1 });
  });
});

describe('a sample', () => {
  it('never holds what was secret', async () => {
    const secret = 'MARKER-5ecret';
    const legacy = await kept(
      startUpstream((_, outgoing) => {
        outgoing.setHeader('set-cookie', `sid=${secret}`);
        sendJson(outgoing, 200, { api_key: secret, nested: [{ password: secret, shown: 1 }] });
      }),
    );
    const fresh = await kept(startUpstream(answering({ api_key: 'other', nested: [{ password: 'x', shown: 2 }] })));
    const gateway = await shadowing(legacy, fresh);
    await fetch(`${gateway.url}/x?token=${secret}&a=1`, {
      headers: { authorization: `Bearer ${secret}`, cookie: secret },
    });
    await settled(gateway, 1);
    const { body } = await gateway.api('GET', '/api/routes/test.route/samples/1');
    assert.equal(JSON.stringify(body).includes(secret), false);
    assert.equal(body.target, '/x?token=[redacted]&a=1');
    assert.equal(body.legacy.body, '{"api_key":"[redacted]","nested":[{"password":"[redacted]","shown":1}]}');
    assert.equal(JSON.stringify(gateway.log).includes(secret), false, 'nor does the log');
  });
});
