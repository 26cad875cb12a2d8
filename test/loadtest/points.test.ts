import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pointOf } from '../../loadtest/points.ts';

/** As k6 v2.2.0 writes them with `--out json=-`. */
const line = (metric: string, value: number, tags: object) =>
  JSON.stringify({ metric, type: 'Point', data: { time: '2026-11-20T21:03:17.595956144Z', value, tags } });
const tags = { group: '', route: 'market.ticker', scenario: 'journeys', side: 'legacy', target: 'gateway' };

describe('a line of k6', () => {
  it('that is an answer says how long it took, of which route and side', () => {
    const atMs = Date.parse('2026-11-20T21:03:17.595Z');
    const expected = { metric: 'answer_ms', atMs, value: 4.45, route: 'market.ticker', side: 'legacy' };
    assert.deepEqual(pointOf(line('answer_ms', 4.45, tags)), expected);
  });

  it('that is a dropped iteration is a lost request', () => {
    assert.deepEqual(pointOf(line('dropped_iterations', 2, { scenario: 'journeys' })), { metric: 'lost', count: 2 });
  });

  it("that describes a metric, or is a sample of k6's own, is not ours", () => {
    assert.equal(pointOf('{"type":"Metric","data":{"name":"answer_ms"},"metric":"answer_ms"}'), undefined);
    assert.equal(pointOf(line('http_req_duration', 4.45, tags)), undefined);
  });

  it('that is no JSON is for people', () => {
    assert.equal(pointOf("    ✓ 'rate<0.001' rate=0.00%"), 'text');
  });
});
