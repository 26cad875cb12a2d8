import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMergedMetrics } from '../../../gateway/cluster/merged-metrics.ts';
import { createMetrics, type GatewayMetrics } from '../../../gateway/metrics.ts';

const LABELS = { route: 'r', side: 'new', decision: 'flag-on', code: '2xx' } as const;

function aWorker(requests: number, open: 0 | 1): GatewayMetrics {
  const metrics = createMetrics();
  metrics.requests.inc(LABELS, requests);
  for (let i = 0; i < requests; i++) metrics.duration.record({ route: 'r', side: 'new' }, 0.002);
  metrics.inFlight.set(requests);
  metrics.breakerOpen.set({ route: 'r', side: 'new' }, open);
  return metrics;
}

/** The values of a metric, by its name and labels as written. */
function valueIn(text: string, line: string): number | undefined {
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ')));
}

const REQUESTS = 'banyan_requests_total{route="r",side="new",decision="flag-on",code="2xx"}';
const DURATIONS = 'banyan_request_duration_seconds_count{route="r",side="new"}';

describe('the metrics of several workers', () => {
  it('are sums: of a breaker, how many leave a side alone', async () => {
    const merged = createMergedMetrics(createMetrics().registry);
    merged.update(1, await aWorker(3, 0).registry.getMetricsAsJSON());
    merged.update(2, await aWorker(4, 1).registry.getMetricsAsJSON());
    merged.update(3, await aWorker(0, 1).registry.getMetricsAsJSON());
    const text = await merged.text();
    assert.equal(valueIn(text, REQUESTS), 7);
    assert.equal(valueIn(text, DURATIONS), 7);
    assert.equal(valueIn(text, 'banyan_request_duration_seconds_bucket{le="0.0025",route="r",side="new"}'), 7);
    assert.equal(valueIn(text, 'banyan_requests_in_flight'), 7);
    assert.equal(valueIn(text, 'banyan_breaker_open{route="r",side="new"}'), 2);
  });

  it('never fall with a worker that ends, while what it had under way is gone', async () => {
    const own = createMetrics();
    const merged = createMergedMetrics(own.registry);
    for (let worker = 1; worker <= 3; worker++) {
      merged.update(worker, await aWorker(2, 1).registry.getMetricsAsJSON());
      merged.retire(worker);
    }
    merged.update(4, await aWorker(1, 0).registry.getMetricsAsJSON());
    own.raised.inc({ operation: 'x' });
    const text = await merged.text();
    assert.equal(valueIn(text, REQUESTS), 7);
    assert.equal(valueIn(text, DURATIONS), 7);
    assert.equal(valueIn(text, 'banyan_requests_in_flight'), 1);
    assert.equal(valueIn(text, 'banyan_breaker_open{route="r",side="new"}'), 0);
    assert.equal(valueIn(text, 'banyan_internal_errors_total{operation="x"}'), 1);
  });
});
