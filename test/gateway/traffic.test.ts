import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createTraffic } from '../../gateway/traffic.ts';

const START_MS = Date.parse('2026-01-05T10:00:00.000Z');

function aTraffic() {
  let nowMs = START_MS;
  const traffic = createTraffic(() => nowMs);
  return {
    traffic,
    advance(ms: number) {
      nowMs += ms;
    },
    count: (durationMs = 10, isError = false, times = 1) => {
      for (let i = 0; i < times; i++) traffic.count('r', 'legacy', durationMs, isError);
    },
    legacy: () => traffic.of('r').legacy,
  };
}

/** The histogram keeps two significant digits. */
function assertNear(actual: number | undefined, expected: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= expected * 0.02,
    `${actual} is not about ${expected}`,
  );
}

describe('counts', () => {
  test('nothing yet, then zeros, and no latency of nothing', () => {
    const none = { requests: 0, errors: 0, perSecond: 0, errorShare: null, latencyMs: null };
    assert.deepEqual(aTraffic().traffic.of('r'), { legacy: none, new: none });
  });

  test('requests of two routes and sides, then each by itself', () => {
    const { traffic } = aTraffic();
    traffic.count('a', 'legacy', 1, false);
    traffic.count('a', 'new', 1, true);
    traffic.count('a', 'new', 1, false);
    traffic.count('b', 'new', 1, false);
    const of = (route: string) => {
      const { legacy, new: fresh } = traffic.of(route);
      return [legacy.requests, legacy.errors, fresh.requests, fresh.errors];
    };
    assert.deepEqual(
      [of('a'), of('b'), of('c')],
      [
        [1, 0, 2, 1],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
      ],
    );
    assert.deepEqual(['a', 'b', 'c'].map(traffic.requests), [3, 1, 0]);
  });

  test('long ago, then still counted, though no longer a rate or a latency', () => {
    const { count, advance, legacy } = aTraffic();
    count(10, true, 5);
    advance(24 * 3600 * 1000);
    assert.deepEqual(legacy(), { requests: 5, errors: 5, perSecond: 0, errorShare: null, latencyMs: null });
  });
});

describe('rate', () => {
  test('sixty requests within one second, then one per second for a minute, then none', () => {
    const { count, advance, legacy } = aTraffic();
    count(1, false, 60);
    assert.equal(legacy().perSecond, 1);
    advance(59_999);
    assert.equal(legacy().perSecond, 1);
    advance(1);
    assert.equal(legacy().perSecond, 0);
  });

  test('two every second, then two per second once a minute is full', () => {
    const { count, advance, legacy } = aTraffic();
    for (let second = 0; second < 300; second++) {
      count(1, false, 2);
      assert.equal(legacy().perSecond, (2 * Math.min(second + 1, 60)) / 60);
      advance(1_000);
    }
  });

  test('the clock steps back, then nothing breaks and nothing is lost', () => {
    const { count, advance, legacy } = aTraffic();
    count(1, false, 60);
    advance(-30_000);
    count(1, false, 60);
    assert.equal(legacy().perSecond, 2);
    assert.equal(legacy().requests, 120);
  });

  test('any requests at any times, then the rate is what the last sixty seconds held', () => {
    const script = fc.array(fc.tuple(fc.nat(20_000), fc.integer({ min: 1, max: 5 })), { maxLength: 30 });
    fc.assert(
      fc.property(script, (steps) => {
        const { count, advance, legacy } = aTraffic();
        const times: number[] = [];
        let nowMs = START_MS;
        for (const [waitMs, requests] of steps) {
          advance(waitMs);
          nowMs += waitMs;
          count(1, false, requests);
          for (let i = 0; i < requests; i++) times.push(Math.floor(nowMs / 1000));
          const recent = times.filter((second) => second > Math.floor(nowMs / 1000) - 60).length;
          assert.equal(legacy().perSecond, recent / 60);
        }
      }),
    );
  });
});

describe('latency', () => {
  test('a hundred durations, then their percentiles within the histogram’s two digits', () => {
    const { count, legacy } = aTraffic();
    for (let ms = 1; ms <= 100; ms++) count(ms);
    const { latencyMs } = legacy();
    assertNear(latencyMs?.p50, 50);
    assertNear(latencyMs?.p95, 95);
    assertNear(latencyMs?.p99, 99);
  });

  test('the window turns, then the last one still counts; it turns again, then no more', () => {
    const { count, advance, legacy } = aTraffic();
    count(100);
    advance(60_000);
    assertNear(legacy().latencyMs?.p50, 100);
    count(900, false, 3);
    assertNear(legacy().latencyMs?.p50, 900);
    assertNear(legacy().latencyMs?.p99, 900);
    advance(60_000);
    count(900);
    const { latencyMs } = legacy();
    assertNear(latencyMs?.p50, 900);
    advance(60_000);
    assertNear(legacy().latencyMs?.p50, 900);
    advance(60_000);
    assert.equal(legacy().latencyMs, null);
  });

  test('a slow minute is over for two windows, then it is forgotten though requests went on', () => {
    const { count, advance, legacy } = aTraffic();
    count(5_000);
    for (let second = 0; second < 125; second++) {
      advance(1_000);
      count(10);
    }
    assertNear(legacy().latencyMs?.p99, 10);
  });

  test('silence of two windows and more, then no latency is left of before', () => {
    const { count, advance, legacy } = aTraffic();
    count(100);
    advance(120_000);
    assert.equal(legacy().latencyMs, null);
    count(7);
    assertNear(legacy().latencyMs?.p50, 7);
  });

  test('no time at all, or far too much, then the edges of the scale', () => {
    const { count, legacy } = aTraffic();
    count(0);
    assert.equal(legacy().latencyMs?.p50, 0.001);
    const slow = aTraffic();
    slow.count(10_000_000);
    assertNear(slow.legacy().latencyMs?.p50, 600_000);
  });

  test('reading changes nothing', () => {
    const { count, legacy } = aTraffic();
    count(10);
    assert.deepEqual(legacy(), legacy());
  });
});
