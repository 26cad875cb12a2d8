// The evidence of all workers as one: the sums of what each has counted last, and of what those had counted that are gone.
import {
  conclude,
  type DifferenceCount,
  type Evidence,
  type EvidenceCounts,
  type RouteEvidence,
  type Sample,
} from '../mirror/evidence.ts';
import { OUTCOMES, type Outcome } from '../mirror/observation.ts';

/** Why copies are dropped that a worker took with it when it ended. */
export const WORKER_LOST = 'worker_lost';
/** Kinds of difference kept per route, as in each worker. */
const DIFFERENCES_MAX = 1_000;
const SAMPLES_MAX = 20;

export interface MergedEvidence extends Pick<Evidence, 'of' | 'samples'> {
  /** A worker's evidence of a route as it stands, in place of what it said before. */
  update(worker: number, route: string, evidence: RouteEvidence): void;
  addSample(route: string, sample: Sample): void;
  /** The worker has ended: what it had pending will have no outcome, and is dropped. Answers how many, by route. */
  retire(worker: number): ReadonlyMap<string, number>;
}

export function createMergedEvidence(now: () => Date): MergedEvidence {
  const byWorker = new Map<number, Map<string, RouteEvidence>>(); // One per worker and configured route.
  const gone = new Map<string, RouteEvidence>(); // One per configured route.
  const samples = new Map<string, Sample[]>(); // SAMPLES_MAX per configured route.
  const sampleNumbers = new Map<string, number>();
  const since = now().toISOString();

  const of = (route: string) => {
    const parts = [gone, ...byWorker.values()].map((routes) => routes.get(route));
    return merge(
      parts.filter((part) => part !== undefined),
      since,
    );
  };

  return {
    of,
    samples: (route) => [...(samples.get(route) ?? [])].reverse(),
    update(worker, route, evidence) {
      const routes = byWorker.get(worker) ?? new Map<string, RouteEvidence>();
      byWorker.set(worker, routes.set(route, evidence));
    },
    addSample(route, sample) {
      const n = (sampleNumbers.get(route) ?? 0) + 1;
      sampleNumbers.set(route, n);
      samples.set(route, [...(samples.get(route) ?? []), { ...sample, n }].slice(-SAMPLES_MAX));
    },
    retire(worker) {
      const lost = new Map<string, number>();
      for (const [route, evidence] of byWorker.get(worker) ?? []) {
        const before = gone.get(route);
        gone.set(route, merge(before ? [before, settle(evidence)] : [settle(evidence)], since));
        if (evidence.pending > 0) lost.set(route, evidence.pending);
      }
      byWorker.delete(worker);
      return lost;
    },
  };
}

/** The evidence of several processes as one. `since` is for where there is none. Pure. */
export function merge(parts: readonly RouteEvidence[], since: string): RouteEvidence {
  const sum = (count: (part: RouteEvidence) => number) => parts.reduce((total, part) => total + count(part), 0);
  const outcomes = OUTCOMES.map((outcome) => [outcome, sum((part) => part.outcomes[outcome])]);
  const dropped: Record<string, number> = {};
  const differences = new Map<string, DifferenceCount>();
  for (const part of parts) {
    for (const [reason, count] of Object.entries(part.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
    for (const found of part.differences) {
      const key = `${found.kind} ${found.path} ${found.rule ?? ''}`;
      const { count = 0, noise = 0, confirmed = 0 } = differences.get(key) ?? {};
      const [counts, noises, confirmeds] = [found.count + count, found.noise + noise, found.confirmed + confirmed];
      differences.set(key, { ...found, count: counts, noise: noises, confirmed: confirmeds });
    }
  }
  const byCount = [...differences.values()].sort((a, b) => b.count - a.count);
  const unlisted = byCount.slice(DIFFERENCES_MAX).reduce((total, { count }) => total + count, 0);
  const counts: EvidenceCounts = {
    since: parts.map((part) => part.since).sort()[0] ?? since,
    eligible: sum(({ eligible }) => eligible),
    outcomes: Object.fromEntries(outcomes) as Record<Outcome, number>, // One of each, as OUTCOMES lists them.
    dropped,
    bracketed: {
      comparable: sum(({ bracketed }) => bracketed.comparable),
      agreeing: sum(({ bracketed }) => bracketed.agreeing),
    },
    differences: byCount.slice(0, DIFFERENCES_MAX),
    differencesDropped: sum((part) => part.differencesDropped) + unlisted,
  };
  return conclude(counts);
}

/** The evidence of a worker that has ended: nothing is pending any more. */
function settle(evidence: RouteEvidence): RouteEvidence {
  const { pending, outcomes, dropped } = evidence;
  if (pending <= 0) return evidence;
  return {
    ...evidence,
    pending: 0,
    outcomes: { ...outcomes, dropped: outcomes.dropped + pending },
    dropped: { ...dropped, [WORKER_LOST]: (dropped[WORKER_LOST] ?? 0) + pending },
  };
}
