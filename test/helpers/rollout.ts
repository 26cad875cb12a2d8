// Numbers for gates and guards, and what is most often asked of them.
import { Durations } from '../../gateway/rollout/durations.ts';
import {
  type BothServed,
  type ComparedFacts,
  type ComparedStreams,
  comparableOf,
  type ServedFacts,
} from '../../gateway/rollout/facts.ts';

export function aCompared(given: Partial<ComparedFacts> = {}): ComparedFacts {
  const facts = {
    eligible: 0,
    agreeing: 0,
    mismatches: 0,
    newErrors: 0,
    legacyErrors: 0,
    timeouts: 0,
    timed: { hits: 0, trials: 0 },
    critical: [],
    worst: undefined,
    ...given,
  };
  return { judged: { hits: facts.agreeing, trials: comparableOf(facts) }, ...facts };
}

/** Streams of which all messages agree, unless said otherwise. */
export function someStreams(messages: number, given: Partial<ComparedStreams> = {}): ComparedStreams {
  const all = { hits: messages, trials: messages };
  const begun = given.begun ?? 100;
  return {
    ...{ begun, failed: { legacy: 0, new: 0 }, judged: all, coveredMessages: all },
    ...{ coveredStreams: { hits: begun, trials: begun }, critical: [], worst: undefined },
    ...given,
  };
}

/** So many requests, each as long as the list says in turn. */
export function aServed(requests = 0, errors = 0, durationsMs: readonly number[] = [10]): ServedFacts {
  const durations = new Durations();
  for (let i = 0; i < requests; i++) durations.add(durationsMs[i % durationsMs.length] ?? 10);
  return { requests, errors, durations };
}

export function bothServed(legacy: ServedFacts, fresh: ServedFacts): BothServed {
  return { legacy, new: fresh };
}

export const NOT_SERVED = bothServed(aServed(), aServed());
