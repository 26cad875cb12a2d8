// The metrics of this process and all its workers as one. What a worker had counted is not lost with it: a counter that
// falls would look to Prometheus as if everything had begun anew.
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { MetricsSnapshot } from './messages.ts';

export interface MergedMetrics {
  /** A worker's metrics as they stand, in place of those before. */
  update(worker: number, metrics: MetricsSnapshot): void;
  /** The worker has ended: its counters stay, its gauges go. */
  retire(worker: number): void;
  /** All of them, in Prometheus' text format. */
  text(): Promise<string>;
}

export function createMergedMetrics(own: Registry): MergedMetrics {
  const byWorker = new Map<number, MetricsSnapshot>();
  let gone: Promise<MetricsSnapshot> = Promise.resolve([]);

  const add = (before: MetricsSnapshot, more: MetricsSnapshot): Promise<MetricsSnapshot> =>
    AggregatorRegistry.aggregate([before, more]).getMetricsAsJSON();

  return {
    update: (worker, metrics) => void byWorker.set(worker, metrics),
    retire(worker) {
      const last = (byWorker.get(worker) ?? []).filter(({ type }) => isCumulative(String(type)));
      byWorker.delete(worker);
      gone = gone.then((before) => add(before, last));
    },
    async text() {
      const past = await gone;
      return AggregatorRegistry.aggregate([await own.getMetricsAsJSON(), past, ...byWorker.values()]).metrics();
    },
  };
}

function isCumulative(type: string): boolean {
  return type === 'counter' || type === 'histogram';
}
