// The evidence of all workers as one: what they find is added up as they tell it, and what a worker had pending when it
// ended has the outcome that it was dropped.
import { sumOf } from '../mirror/counts.ts';
import { createEvidence, type EvidenceBook, type EvidenceOptions } from '../mirror/evidence.ts';
import { OUTCOMES } from '../mirror/observation.ts';
import type { Findings } from '../mirror/route-record.ts';

/** Why copies are dropped that a worker took with it when it ended. */
export const WORKER_LOST = 'worker_lost';

export interface MergedEvidence extends EvidenceBook {
  /** Adds what a worker has found since it last said so. */
  add(worker: number, findings: readonly Findings[]): void;
  /** The worker has ended: what it had pending will have no outcome, and is dropped. Answers how many, by route. */
  retire(worker: number): ReadonlyMap<string, number>;
}

export function createMergedEvidence(now: () => Date, options?: EvidenceOptions): MergedEvidence {
  const evidence = createEvidence(now, options);
  const pending = new Map<number, Map<string, number>>(); // One per worker and configured route.

  return {
    ...evidence,
    add(worker, findings) {
      const ofWorker = pending.get(worker) ?? new Map<string, number>();
      pending.set(worker, ofWorker);
      for (const found of findings) {
        evidence.absorb(found);
        const settled = [...found.slices.values()].reduce((sum, { requests }) => sum + sumOf(requests, OUTCOMES), 0);
        ofWorker.set(found.route, (ofWorker.get(found.route) ?? 0) + found.begun - settled);
      }
    },
    retire(worker) {
      const lost = new Map([...(pending.get(worker) ?? [])].filter(([, copies]) => copies > 0));
      pending.delete(worker);
      for (const [route, copies] of lost) evidence.drop(route, WORKER_LOST, copies);
      return lost;
    },
  };
}
