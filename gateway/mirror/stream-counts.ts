// What comparing the streams of a route has found. Streams and their messages are counted apart from requests: a stream has
// no end to be compared at, and one with many messages must not outweigh all requests of the route. Plain data that adds
// up, whoever counted it.
import type { Verdict } from './compare.ts';
import { addCounts, type Counts, countDropped, countsOf, DIFFERENCES_MAX, newCounts } from './counts.ts';
import type { Outcome } from './observation.ts';
import { addLag, type Lags } from './stream-lag.ts';

/** Why a stream that was to be compared was not begun with. */
export const STREAM_REFUSALS = [
  'streams_max', // enough streams of the route are being compared
  'compare_budget', // comparing has used up its time
  'writes', // the request was not one that is safe to repeat
  'content_encoding', // an event stream in a coding that nobody knows
  'stopping',
] as const;
export type StreamRefusal = (typeof STREAM_REFUSALS)[number];

/** Why comparing a stream has ended. */
export const STREAM_ENDS = [
  'client_stream', // the client's stream is over
  'new_ended', // the new side, which got the copy, has ended its own while the client's went on
  'legacy_ended', // the same of legacy
  'new_failed', // the new side, which got the copy, would not open it
  'legacy_failed', // the same of legacy
  'messages_max',
  'duration_max',
  'flip', // another side serves by now, or nothing is to be copied any more
  'stopping',
  'behind', // more came than could be read along
  'waiting', // more messages waited for their counterparts than may
  'client_messages', // the client said more than the other side took
  'unreadable', // what came was no such stream, or a message was too large
  'compare_budget',
  'internal', // comparing itself failed; the log has the cause
] as const;
export type StreamEnd = (typeof STREAM_ENDS)[number];

/** What became of messages: of pairs but for the last three, which are of one side. */
export const MESSAGE_OUTCOMES = [
  'match',
  'ignored', // they differ only where a rule says that it does not matter
  'different',
  'dropped', // the pair was never compared
  'missing', // legacy sent it, new did not
  'extra', // new sent it, legacy did not
  'unsettled', // nobody knows whether the other side would have sent it
] as const;
export type MessageOutcome = (typeof MESSAGE_OUTCOMES)[number];

/** What is found while a stream is compared. */
export type StreamFinding =
  | { readonly kind: 'begun' }
  | { readonly kind: 'refused'; readonly reason: StreamRefusal }
  | { readonly kind: 'ended'; readonly reason: StreamEnd }
  /** A pair of messages; without a verdict it was not compared, for this reason. */
  | {
      readonly kind: 'pair';
      readonly lagMs: number | undefined;
      readonly isLate: boolean;
      readonly isReordered: boolean;
      readonly verdict: Verdict | { readonly dropped: string };
    }
  | { readonly kind: 'single'; readonly outcome: 'missing' | 'extra' | 'unsettled'; readonly count: number };

/** What is counted of streams and their messages without more ado. */
export const STREAM_TALLIES = ['begun', 'missing', 'extra', 'unsettled', 'reordered', 'late'] as const;

export interface StreamCounted extends Record<(typeof STREAM_TALLIES)[number], number> {
  readonly refused: Map<StreamRefusal, number>;
  readonly ended: Map<StreamEnd, number>;
  /** Verdicts on pairs, and where they differ. */
  readonly pairs: Counts;
  readonly lags: Lags;
}

export function newStreamCounted(differencesMax = DIFFERENCES_MAX): StreamCounted {
  return {
    ...{ begun: 0, missing: 0, extra: 0, unsettled: 0, reordered: 0, late: 0 },
    ...{ refused: new Map(), ended: new Map(), pairs: newCounts(differencesMax), lags: new Map() },
  };
}

/** `listed` as for `addCounts`. */
export function countStream(counted: StreamCounted, finding: StreamFinding, listed?: StreamCounted): void {
  if (finding.kind === 'begun') counted.begun++;
  else if (finding.kind === 'refused') increase(counted.refused, finding.reason, 1);
  else if (finding.kind === 'ended') increase(counted.ended, finding.reason, 1);
  else if (finding.kind === 'single') counted[finding.outcome] += finding.count;
  else {
    const { lagMs, isLate, isReordered, verdict } = finding;
    if ('dropped' in verdict) countDropped(counted.pairs, verdict.dropped, 1);
    else if (verdict.differences.length === 0) counted.pairs.outcomes[verdict.outcome]++;
    else addCounts(counted.pairs, countsOf(verdict), listed?.pairs);
    if (isLate) counted.late++;
    if (isReordered) counted.reordered++;
    if (lagMs !== undefined) addLag(counted.lags, lagMs, 1);
  }
}

/** `listed` as for `addCounts`. */
export function addStreamCounted(counted: StreamCounted, more: StreamCounted, listed?: StreamCounted): void {
  for (const name of STREAM_TALLIES) counted[name] += more[name];
  for (const [reason, count] of more.refused) increase(counted.refused, reason, count);
  for (const [reason, count] of more.ended) increase(counted.ended, reason, count);
  addCounts(counted.pairs, more.pairs, listed?.pairs);
  for (const [bucket, count] of more.lags) increase(counted.lags, bucket, count);
}

/** The verdict on a pair, as messages are counted. */
export function messageOutcomeOf(outcome: Outcome): MessageOutcome {
  if (outcome === 'match' || outcome === 'ignored') return outcome;
  return outcome === 'mismatch' ? 'different' : 'dropped';
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
