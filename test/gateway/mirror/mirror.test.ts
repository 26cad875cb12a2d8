// The mirror with a clock that is moved by hand: every request that was chosen ends in exactly one outcome, whatever
// happens, and nothing grows with time.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { GatewayConfig } from '../../../config/gateway-schema.ts';
import { createCompareBudget } from '../../../gateway/mirror/budget.ts';
import { createComparer } from '../../../gateway/mirror/comparer.ts';
import { createDryRuns } from '../../../gateway/mirror/dry-run.ts';
import { createEvidence } from '../../../gateway/mirror/evidence.ts';
import { createIdMap } from '../../../gateway/mirror/id-map.ts';
import { createMirror, type Mirror } from '../../../gateway/mirror/mirror.ts';
import { OUTCOMES } from '../../../gateway/mirror/observation.ts';
import { createUpstream } from '../../../gateway/proxy/upstream.ts';
import { compileRoute, type RouteModel } from '../../../gateway/routing/route.ts';
import { otherSide, type Side } from '../../../gateway/routing/side.ts';
import { within } from '../../helpers/deadline.ts';
import { aGatewayConfig, aRoute } from '../../helpers/gateway-config.ts';
import { aFailure, anObservation } from '../../helpers/observations.ts';
import { startRawServer, type TestServer } from '../../helpers/upstream.ts';

/** Answers as the path says: well, badly, or not at all. */
const ANSWERS: Readonly<Record<string, string | undefined>> = {
  '/same': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
  '/other': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":2}',
  '/error': 'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n',
  '/large': `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5_000)}`,
  '/garbage': '\0\0\0\0',
};

/** Another place and another id every time, on the new side as it is asked by copies. */
function aThing(n: string): string {
  const body = JSON.stringify({ id: `n${n}`, [`field${n}`]: true });
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
const PATHS = [...Object.keys(ANSWERS), '/reset', '/hang'];

function startFickle(): Promise<TestServer> {
  return startRawServer((socket) =>
    socket.on('data', (head: Buffer) => {
      const path = /^GET (\S+)/.exec(head.toString('latin1'))?.[1] ?? '';
      if (path === '/reset') socket.resetAndDestroy();
      else if (path.startsWith('/things/')) socket.write(aThing(path.slice('/things/'.length)));
      else if (path !== '/hang') socket.write(ANSWERS[path] ?? '');
    }),
  );
}

let fickle: TestServer;
before(async () => {
  fickle = await startFickle();
});
after(() => fickle.close());

const PAIRS_MAX = 100;

function aMirror(routes: readonly RouteModel[], limits: Partial<GatewayConfig['mirror']> = {}) {
  let now = Date.parse('2026-01-05T10:00:00.000Z');
  const evidence = createEvidence(() => new Date(now));
  const { upstreams, mirror: defaults } = aGatewayConfig({
    upstreams: { legacy: { url: fickle.url }, new: { url: fickle.url } },
  });
  const config = { ...defaults, compareCpuPercent: 100, ...limits };
  const copying = {
    legacy: createUpstream('legacy', upstreams.legacy, config.concurrency),
    new: createUpstream('new', upstreams.new, config.concurrency),
  };
  const told: string[] = [];
  const ids = createIdMap({ pairsMax: PAIRS_MAX, onChange: () => {} });
  const raised = (operation: string, error: unknown) => assert.fail(`${operation}: ${error}`);
  const budget = createCompareBudget(config.compareCpuPercent, () => now);
  const mirror: Mirror = createMirror({
    ...{ limits: config, budget, raised },
    comparer: createComparer({ now: () => new Date(now), raised, spend: budget.spend }),
    upstreams: () => copying,
    ids,
    dryRuns: createDryRuns({ keys: undefined, upstreams: () => upstreams, nowMs: () => now }),
    evidence,
    onOutcome: (route, outcome, reason) => told.push(`${route} ${outcome}${reason ? ` ${reason}` : ''}`),
    now: () => new Date(now),
  });
  return {
    ...{ mirror, evidence, ids, told },
    pass(ms: number) {
      now += ms;
    },
    /** Each route's requests are accounted for: one outcome each, told of as often as counted. */
    check() {
      for (const { id } of routes) {
        const { eligible, pending, outcomes, dropped } = evidence.of(id);
        assert.equal(pending, 0, `${id} has ${pending} pending`);
        assert.equal(
          OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0),
          eligible,
        );
        assert.equal(
          Object.values(dropped).reduce((sum, count) => sum + count, 0),
          outcomes.dropped,
        );
        const mine = told.filter((text) => text.startsWith(`${id} `));
        assert.equal(mine.length, eligible);
        for (const [reason, count] of Object.entries(dropped))
          assert.equal(mine.filter((text) => text === `${id} dropped ${reason}`).length, count, reason);
      }
    },
    async close() {
      await within(mirror.close(), 'the mirror to close');
      await Promise.all([copying.legacy.close(), copying.new.close()]);
    },
  };
}

interface Asked {
  readonly path: string;
  readonly served?: Side;
  readonly identity?: string;
  readonly status?: number;
  readonly body?: string;
  readonly ends?: 'well' | 'client_left' | 'event_stream' | 'upstream_reset' | 'left_alone' | InsteadOf;
}
/** The other side answered: after that failure of the decided one, or without that one having been asked (left_alone). */
type InsteadOf = 'instead_of connect_failed' | 'instead_of overloaded';

/** One request: chosen or not, answered, and offered. */
function request(mirror: Mirror, route: RouteModel, asked: Asked): void {
  const { path, served = 'legacy', identity = 'u', status = 200, body = '{"a":1}', ends = 'well' } = asked;
  const ticket = mirror.begin(route, { shadow: otherSide(served), method: 'GET', identity });
  if (!ticket) return;
  ticket.captures.response.push(Buffer.from(body));
  if (ends === 'event_stream') mirror.forgo(ticket);
  const failed = ends === 'client_left' || ends === 'upstream_reset';
  const insteadOf =
    ends === 'instead_of overloaded' ? 'overloaded' : ends === 'instead_of connect_failed' && 'connect_failed';
  const by = insteadOf || ends === 'left_alone' ? otherSide(served) : served;
  mirror.offer(ticket, {
    ...{ requestId: 'r-1', method: 'GET', path, headersFor: () => ['Host', 'x'], observed: undefined },
    failed: insteadOf ? aFailure(served, insteadOf) : undefined,
    served: failed
      ? aFailure(served, ends)
      : anObservation(by, { status, body: ticket.captures.response.body() ?? null }),
    isEventStream: ends === 'event_stream',
  });
}

const QUICK = { timeoutMs: 50, bodyBytesMax: 1_000 };

describe('anything that requests and sides do', () => {
  const limits = fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    queueMax: fc.integer({ min: 0, max: 5 }),
    queueBytesMax: fc.constantFrom(0, 10_000, 100_000),
    copiesPerSecondMax: fc.constantFrom(undefined, 0.5, 5),
    bytesPerSecondMax: fc.constantFrom(undefined, 100, 10_000),
  });
  const mirrors = fc.record({
    samplePercent: fc.constantFrom(100, 50, 0.01),
    minimumPerHour: fc.constantFrom(0, 2, 60),
    bracketPercent: fc.constantFrom(0, 50, 100),
  });
  const steps = fc.array(
    fc.record({
      route: fc.nat(1),
      path: fc.constantFrom(...PATHS),
      served: fc.constantFrom<Side>('legacy', 'new'),
      identity: fc.constantFrom('a', 'b', 'c', 'd'),
      status: fc.constantFrom(200, 404, 503),
      body: fc.constantFrom('', '{"a":1}', 'x'.repeat(2_000)),
      ends: fc.constantFrom(
        ...(['well', 'well', 'well', 'client_left', 'event_stream', 'upstream_reset'] as const),
        ...(['left_alone', 'instead_of connect_failed', 'instead_of overloaded'] as const),
      ),
      pause: fc.constantFrom(0, 1, 1_000, 600_000),
      closes: fc.constantFrom(false, false, false, false, false, false, false, false, false, true),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test('then each that was chosen has exactly one outcome, and what waits keeps to its limits', async () => {
    await fc.assert(
      fc.asyncProperty(limits, mirrors, mirrors, steps, async (given, first, second, script) => {
        const routes = [first, second].map((mirror, i) =>
          compileRoute(aRoute({ id: `r${i}`, mirror: { ...QUICK, ...mirror } })),
        );
        const world = aMirror(routes, given);
        for (const { route, pause, closes, ...asked } of script) {
          world.pass(pause);
          request(world.mirror, routes[route] as RouteModel, asked);
          assert.ok(world.mirror.waiting <= given.queueMax && world.mirror.waitingBytes <= given.queueBytesMax);
          if (pause === 1) await new Promise((resolve) => setTimeout(resolve, 1));
          if (closes) await within(world.mirror.close(), 'the mirror to close');
        }
        await within(world.mirror.idle(), 'the mirror to be idle');
        world.check();
        await world.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('a request that the other side answered', () => {
  const route = compileRoute(aRoute({ id: 'r', mirror: QUICK }));
  for (const [ends, told] of [
    ['instead_of connect_failed', 'r legacy_error'],
    ['instead_of overloaded', 'r dropped overloaded'],
    ['left_alone', 'r dropped decided_down'],
  ] as const) {
    test(`${ends}, then ${told}, and nothing is sent`, async () => {
      const { seen } = fickle;
      const world = aMirror([route]);
      request(world.mirror, route, { path: '/same', ends });
      await world.mirror.idle();
      assert.deepEqual([world.told, fickle.seen], [[told], seen]);
      await world.close();
    });
  }
});

describe('a request that is given up', () => {
  for (const [given, told] of [
    [{}, ['r dropped internal']],
    [{ samplePercent: 0.000_001, minimumPerHour: 1 }, []],
  ] as const) {
    test(`whose route has ${JSON.stringify(given)}, then ${told.join() || 'nothing'} is counted`, async () => {
      const route = compileRoute(aRoute({ id: 'r', mirror: { ...QUICK, ...given } }));
      const world = aMirror([route]);
      if (told.length === 0) request(world.mirror, route, { path: '/same' });
      await world.mirror.idle();
      const before = world.told.splice(0).length;
      const ticket = world.mirror.begin(route, { shadow: 'new', method: 'GET', identity: 'u' });
      assert.ok(ticket);
      world.mirror.abandon(ticket);
      assert.deepEqual(world.told, told);
      const { eligible, pending } = world.evidence.of('r');
      assert.deepEqual([eligible, pending], [before + told.length, 0]);
      await world.close();
    });
  }
});

describe('a mirror that closes', () => {
  test('counts the copies that wait as dropped, and lets those under way end', async () => {
    const route = compileRoute(aRoute({ id: 'r', mirror: QUICK }));
    const world = aMirror([route], { concurrency: 1 });
    for (const path of ['/hang', '/same', '/same']) request(world.mirror, route, { path });
    await world.close();
    world.check();
    assert.deepEqual(world.told, ['r dropped closing', 'r dropped closing', 'r timeout']);
  });
});

describe('two hours of endless identities, places and ids, ten minutes of them with a side that fails', () => {
  test('then everything is accounted for, the side is spared meanwhile, and nothing has grown', async () => {
    const mirror = { ...QUICK, samplePercent: 50, ids: [{ name: 'thing', path: '$.id' }] };
    const routes = ['busy', 'busy too', 'rare'].map((id) => compileRoute(aRoute({ id: id.replace(' ', '.'), mirror })));
    const [busy, busyToo, rare] = routes as [RouteModel, RouteModel, RouteModel];
    const world = aMirror(routes);
    const shares: number[] = [];
    let n = 0;
    const ask = (route: RouteModel, fails: boolean) => {
      n++;
      const status = n % 7 === 0 ? 100 + (n % 900) : 200;
      const path = fails ? '/error' : `/things/${n}`;
      request(world.mirror, route, { path, identity: `user-${n}`, status, body: `{"id":"l${n}"}` });
    };
    for (let second = 0; second < 7_200; second += 2) {
      const fails = second >= 3_000 && second < 3_600;
      for (let i = 0; i < 4; i++) ask(i % 2 === 0 ? busy : busyToo, fails);
      for (let i = 0; fails && i < 20; i++) ask(busy, fails);
      if (second % 600 === 0) ask(rare, fails);
      await world.mirror.idle();
      world.pass(2_000);
      if (second % 60 !== 58) continue;
      shares.push(world.mirror.allowedShare.new);
      assert.ok(world.ids.size <= PAIRS_MAX);
      for (const { id } of routes) {
        assert.ok(world.evidence.of(id).differences.length <= 1_000);
        assert.ok(world.evidence.samples(id).length <= 100);
      }
    }
    world.check();
    assert.equal(world.ids.size, PAIRS_MAX);
    assert.equal(world.evidence.of('rare').eligible, 12, 'each of a rare route, sampled or not');
    assert.ok(Math.max(...shares.slice(52, 60)) < 0.2, `spared while it fails: ${shares.slice(50, 62)}`);
    assert.deepEqual([Math.max(...shares.slice(0, 50)), Math.max(...shares.slice(62))], [1, 1], 'and not for ever');
    await world.close();
  });
});
