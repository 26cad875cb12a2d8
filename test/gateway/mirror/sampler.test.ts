import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSampler, isSampled } from '../../../gateway/mirror/sampler.ts';
import { compileRoute } from '../../../gateway/routing/route.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

const HOUR_MS = 3_600_000;
const routeOf = (mirror: NonNullable<Parameters<typeof aRoute>[0]>['mirror'], id = 'r') =>
  compileRoute(aRoute({ id, mirror }));

describe('a share of identities', () => {
  for (const percent of [0.01, 0.1, 1, 12.34, 50, 99.9]) {
    test(`${percent} %, then that share of a million identities, however they are named`, () => {
      for (const name of [
        (i: number) => `user-${i}`,
        (i: number) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
      ]) {
        let sampled = 0;
        for (let i = 0; i < 1_000_000; i++) if (isSampled('trade.order.get', name(i), percent)) sampled++;
        const expected = percent * 10_000;
        // Five standard deviations of so many trials.
        const spread = 5 * Math.sqrt(expected * (1 - percent / 100));
        assert.ok(Math.abs(sampled - expected) <= spread, `${sampled}, expected ${expected}`);
      }
    });
  }

  test('sampled once, then always, and for every larger share; other routes have other identities', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 100, noNaN: true }), (identity, percent) => {
        const first = isSampled('r', identity, percent);
        assert.equal(isSampled('r', identity, percent), first);
        if (first) assert.equal(isSampled('r', identity, Math.min(100, percent * 1.5)), true);
        assert.equal(isSampled('r', identity, 100), true);
        assert.equal(isSampled('r', identity, 0), false);
      }),
    );
    const identities = Array.from({ length: 10_000 }, (_, i) => `user-${i}`);
    const both = identities.filter((id) => isSampled('a', id, 10) && isSampled('b', id, 10)).length;
    assert.ok(both > 50 && both < 150, `${both} of 10,000 are in 10 % of each of two routes; 100 by chance`);
  });
});

describe('a least number an hour', () => {
  /** Copies of `perHour` requests an hour over some hours, all by identities that are not sampled. */
  function copied(minimumPerHour: number, perHour: number, hours: number, status = 200): number {
    let now = 0;
    const sampler = createSampler(() => now);
    const route = routeOf({ samplePercent: 0.000_001, minimumPerHour });
    let copies = 0;
    for (let i = 0; i < perHour * hours; i++, now += HOUR_MS / perHour) {
      const why = sampler.choose(route, `user-${i}`);
      if (why === 'minimum' || (why === 'status' && sampler.isRare(route, status))) {
        sampler.count(route, status);
        copies++;
      }
    }
    return copies;
  }

  test('a busy route, then that many an hour, and as many at first', () => {
    assert.equal(copied(60, 36_000, 10), 60 + 600 - 1);
  });
  test('a route with fewer requests, then all of them', () => {
    assert.equal(copied(60, 10, 24), 240);
  });
  test('none wanted, then none', () => {
    assert.equal(copied(0, 1_000, 2), 0);
  });
  test('a night without requests, then no more than one hour is made up for', () => {
    let now = 0;
    const sampler = createSampler(() => now);
    const route = routeOf({ samplePercent: 0.000_001, minimumPerHour: 5 });
    now = 10 * HOUR_MS;
    const chosen = Array.from({ length: 20 }, () => {
      const why = sampler.choose(route, 'u');
      if (why === 'minimum') sampler.count(route, 200);
      return why;
    });
    assert.deepEqual(chosen, [...Array(5).fill('minimum'), ...Array(15).fill('status')]);
  });

  test('a status that is rarely seen, then its own number of copies beside those of the others', () => {
    const sampler = createSampler(() => 0);
    const route = routeOf({ samplePercent: 0.000_001, minimumPerHour: 3 });
    for (let i = 0; i < 3; i++) sampler.count(route, 200);
    assert.equal(sampler.choose(route, 'u'), 'status', 'the route has had enough');
    assert.equal(sampler.isRare(route, 201), false);
    for (let i = 0; i < 3; i++) {
      assert.equal(sampler.isRare(route, 404), true);
      sampler.count(route, 404);
    }
    assert.equal(sampler.isRare(route, 404), false);
    assert.equal(sampler.isRare(route, 503), true);
  });

  test('copies by sampling count too: where sampling sees enough, none are added', () => {
    let now = 0;
    const sampler = createSampler(() => now);
    const route = routeOf({ samplePercent: 50, minimumPerHour: 10 });
    const added = { first: 0, later: 0 };
    for (let i = 0; i < 20_000; i++, now += 1_000) {
      const why = sampler.choose(route, `user-${i}`);
      if (why === 'minimum') added[i < 100 ? 'first' : 'later']++;
      if (why !== 'status') sampler.count(route, 200);
    }
    assert.ok(added.first <= 10 && added.later === 0, JSON.stringify(added));
  });
});
