// Pairs of ids, shared by all workers: what one has found, the primary process checks against what all know, and tells
// to all.

import type { KeptIds } from '../kept-ids.ts';
import { createIdMap, type IdChange, type IdMap } from '../mirror/id-map.ts';
import type { ToWorker } from './messages.ts';

/** What a worker has found and not told yet; while the primary does not listen, the rest is not told. */
const UNTOLD_MAX = 10_000;

/** A worker's own pairs; `take` answers what it has found since it was last asked. */
export function createWorkerIds(pairsMax: number): { readonly ids: IdMap; take(): readonly IdChange[] } {
  let untold: IdChange[] = [];
  const ids = createIdMap({
    pairsMax,
    onChange(change, why) {
      // For which pairs there is room the primary says.
      if (why !== 'evicted' && untold.length < UNTOLD_MAX) untold.push(change);
    },
  });
  return {
    ids,
    take() {
      const taken = untold;
      untold = [];
      return taken;
    },
  };
}

interface Listener {
  send(message: ToWorker): void;
}

/** Tells all workers what is learned and forgotten from now on. Answers a function that tells one all there is. */
export function shareIds(
  { ids, onChange }: Pick<KeptIds, 'ids' | 'onChange'>,
  workers: () => Iterable<Listener>,
): (worker: Listener) => void {
  let untold: IdChange[] = []; // Of one turn of the event loop.
  onChange((change) => {
    untold.push(change);
    if (untold.length > 1) return;
    setImmediate(() => {
      for (const worker of workers()) worker.send({ kind: 'ids', changes: untold });
      untold = [];
    });
  });
  return (worker) => worker.send({ kind: 'ids', changes: ids.pairs().map((pair) => ({ pair, kept: true })) });
}

/** Takes what a worker has found; it is told on where it is news. */
export function takeIds(ids: IdMap, changes: readonly IdChange[]): void {
  for (const { pair, kept } of changes) {
    if (kept) ids.learn(pair);
    else ids.forget(pair);
  }
}
