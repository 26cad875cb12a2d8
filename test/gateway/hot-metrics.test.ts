import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client';
import { HotCounter, HotHistogram } from '../../gateway/hot-metrics.ts';

const BUCKETS = [0.5, 1, 2.5];
const HISTOGRAM = { name: 'took', help: 'How long.', labelNames: ['route', 'side'] as const, buckets: BUCKETS };
const COUNTER = { name: 'asked', help: 'How often.', labelNames: ['route', 'side'] as const };

const labels = fc.record({ route: fc.constantFrom('a', 'b', 'a"\n'), side: fc.constantFrom('legacy', 'new', '') });
const samples = fc.array(fc.record({ labels, value: fc.constantFrom(0, 0.25, 0.5, 0.75, 1, 2.5, 3) }));

describe('metrics of every request', () => {
  it('read as those of prom-client, whatever was counted', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (seen) => {
        const [hot, plain] = [new Registry(), new Registry()];
        const hotOnes = {
          counter: new HotCounter({ ...COUNTER, registers: [hot] }),
          histogram: new HotHistogram({ ...HISTOGRAM, registers: [hot] }),
        };
        const plainOnes = {
          counter: new Counter({ ...COUNTER, registers: [plain] }),
          histogram: new Histogram({ ...HISTOGRAM, registers: [plain] }),
        };
        for (const { labels: each, value } of seen) {
          hotOnes.counter.count(each);
          hotOnes.histogram.record(each, value);
          plainOnes.counter.inc(each);
          plainOnes.histogram.observe(each, value);
        }
        assert.equal(await hot.metrics(), await plain.metrics());
        assert.equal(await hot.metrics(), await plain.metrics(), 'a second scrape finds the same');
        const merged = async (registry: Registry) => {
          const json = await registry.getMetricsAsJSON();
          return AggregatorRegistry.aggregate([json, json]).metrics();
        };
        assert.equal(await merged(hot), await merged(plain));
      }),
    );
  });

  it('add to what is counted the usual way', async () => {
    const registry = new Registry();
    const counter = new HotCounter({ ...COUNTER, registers: [registry] });
    counter.inc({ route: 'a', side: 'new' }, 2);
    counter.count({ side: 'new', route: 'a' });
    assert.match(await registry.metrics(), /^asked\{route="a",side="new"\} 3$/m);
  });
});
