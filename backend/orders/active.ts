// The gauges of what is active in the table.
import type { Clock } from '../domain/ids.ts';
import type { Metrics } from '../metrics.ts';
import type { Store } from '../store/store.ts';

/** How old the numbers may become, ms: counting reads every key that is counted. */
const FRESH_MS = 30_000;

/** Counts anew when the last count has become old. */
export function createActiveCount(deps: { store: Store; metrics: Metrics; now: Clock }): () => Promise<void> {
  const { store, metrics, now } = deps;
  let countedMs = Number.NEGATIVE_INFINITY;
  return async function countActive() {
    if (now() - countedMs < FRESH_MS) return;
    countedMs = now();
    const { orders, positions } = await store.countActive();
    metrics.activeOrders.set(orders);
    metrics.activePositions.set(positions);
  };
}
