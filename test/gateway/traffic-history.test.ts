import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createTraffic, type Traffic } from '../../gateway/traffic.ts';
import { BUCKET_MS, keepTrafficHistory, type TrafficHistory } from '../../gateway/traffic-history.ts';

describe('the history of traffic', () => {
  let nowMs = 0;
  let routes: string[];
  let traffic: Traffic;
  let history: TrafficHistory;
  beforeEach(() => {
    nowMs = 1_000_000_000_000;
    routes = ['a', 'b'];
    traffic = createTraffic(() => nowMs);
    history = keepTrafficHistory({ traffic, routes: () => routes, nowMs: () => nowMs });
  });
  afterEach(() => history.close());

  function pass(count = 1): void {
    for (let n = 0; n < count; n++) {
      nowMs += BUCKET_MS;
      history.mark();
    }
  }

  it('has a bucket for each stretch in which something was served, of each side that served', () => {
    const beganMs = nowMs;
    for (let n = 0; n < 20; n++) traffic.count('a', 'legacy', 10, n < 5);
    traffic.count('a', 'new', 100, false);
    pass();
    pass();
    traffic.count('a', 'new', 50, true);
    pass();
    const [first, second, ...rest] = history.of('a', 0);
    assert.deepEqual(rest, []);
    assert.equal(first?.atMs, beganMs);
    assert.equal(second?.atMs, beganMs + 2 * BUCKET_MS);
    assert.deepEqual([first?.served.legacy?.requests, first?.served.legacy?.errors], [20, 5]);
    assert.deepEqual([first?.served.new?.requests, first?.served.new?.errors], [1, 0]);
    assert.deepEqual([second?.served.legacy, second?.served.new?.errors], [undefined, 1]);
    const p95Ms = first?.served.legacy?.p95Ms ?? 0;
    assert.ok(p95Ms > 9.5 && p95Ms < 10.5, `${p95Ms}`);
    assert.deepEqual(history.of('b', 0), []);
  });

  it('forgets what is older than an hour, and what is not asked for', () => {
    for (let n = 0; n < 365; n++) {
      traffic.count('a', 'legacy', 1, false);
      pass();
    }
    assert.equal(history.of('a', 0).length, 360);
    assert.equal(history.of('a', nowMs - 60_000).length, 6);
  });

  it('keeps nothing of a route that is there no more', () => {
    traffic.count('a', 'legacy', 1, false);
    pass();
    routes = ['b'];
    pass();
    assert.deepEqual(history.of('a', 0), []);
  });
});
