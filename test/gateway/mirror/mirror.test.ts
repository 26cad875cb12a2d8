// The mirror with a clock that is moved by hand: every request that was chosen ends in exactly one outcome, whatever
// happens, and nothing grows with time.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { GatewayConfig } from '../../../config/gateway-schema.ts';
import { compileRoute, type RouteModel } from '../../../gateway/routing/route.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { within } from '../../helpers/deadline.ts';
import { aRoute } from '../../helpers/gateway-config.ts';
import { createMirrorWorld, PATHS, request, startFickle } from '../../helpers/mirror-world.ts';
import type { TestServer } from '../../helpers/upstream.ts';

let fickle: TestServer;
before(async () => {
  fickle = await startFickle();
});
after(() => fickle.close());

const PAIRS_MAX = 100;
const aMirror = (routes: readonly RouteModel[], limits: Partial<GatewayConfig['mirror']> = {}) =>
  createMirrorWorld(fickle.url, routes, { pairsMax: PAIRS_MAX, limits });

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

describe('a copy that waits while the rules change', () => {
  const ignore = [{ path: '$.a', reason: 'known', owner: 'trading' }];
  const before = compileRoute(aRoute({ id: 'r', mirror: QUICK }));
  for (const [what, routes, outcome] of [
    ['are others', [compileRoute(aRoute({ id: 'r', mirror: QUICK, compare: { ignore } }))], 'ignored'],
    ['are gone with their route', [], 'mismatch'],
  ] as const) {
    test(`that ${what} by then, then it is ${outcome}`, async () => {
      const world = aMirror([before], { concurrency: 1 });
      for (const path of ['/hang', '/other']) request(world.mirror, before, { path });
      assert.equal(world.mirror.waiting, 1);
      world.configure(routes);
      await within(world.mirror.idle(), 'the mirror to be idle');
      assert.deepEqual(world.told, ['r timeout', `r ${outcome}`]);
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
