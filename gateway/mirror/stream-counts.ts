// What comparing the streams of a route has found. Streams and their messages are counted apart from requests: a stream has
// no end to be compared at, and one with many messages must not outweigh all requests of the route. Plain data that adds
// up, whoever counted it.
import type { Verdict } from './compare.ts';
import { addCounts, type Counts, countDropped, countsOf, newCounts } from './counts.ts';
import type { DifferenceKind } from './difference.ts';
import type { Outcome } from './observation.ts';
import { addLag, type Lags, lagPercentiles } from './stream-lag.ts';
import type { SampledAs, StreamSample } from './stream-sample.ts';

/** Why a stream that was to be compared was not begun with. */
export type StreamRefusal =
  | 'streams_max' // enough streams of the route are being compared
  | 'compare_budget' // comparing has used up its time
  | 'writes' // the request was not one that is safe to repeat
  | 'content_encoding' // an event stream in a coding cannot be read along
  | 'stopping';

/** Why comparing a stream has ended. */
export type StreamEnd =
  | 'client_stream' // the client's stream is over
  | 'other_stream' // the other side has ended its own
  | 'stream_failed' // the other side's could not be opened
  | 'messages_max'
  | 'duration_max'
  | 'flip' // another side serves by now, or nothing is to be copied any more
  | 'stopping'
  | 'behind' // more came than could be read along
  | 'waiting' // more messages waited for their counterparts than may
  | 'client_messages' // the client said more than the other side took
  | 'unreadable' // what came was no such stream, or a message was too large
  | 'compare_budget'
  | 'internal'; // comparing itself failed; the log has the cause

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

export interface StreamCounted {
  begun: number;
  readonly refused: Map<StreamRefusal, number>;
  readonly ended: Map<StreamEnd, number>;
  /** Verdicts on pairs, and where they differ. */
  readonly pairs: Counts;
  missing: number;
  extra: number;
  unsettled: number;
  reordered: number;
  late: number;
  readonly lags: Lags;
  readonly samples: StreamSample[];
}

/** Of each outcome the first so many samples are kept. */
export const STREAM_SAMPLES_EACH = 5;

export function newStreamCounted(): StreamCounted {
  return {
    ...{ begun: 0, missing: 0, extra: 0, unsettled: 0, reordered: 0, late: 0 },
    ...{ refused: new Map(), ended: new Map(), pairs: newCounts(), lags: new Map(), samples: [] },
  };
}

export function countStream(counted: StreamCounted, finding: StreamFinding): void {
  if (finding.kind === 'begun') counted.begun++;
  else if (finding.kind === 'refused') increase(counted.refused, finding.reason, 1);
  else if (finding.kind === 'ended') increase(counted.ended, finding.reason, 1);
  else if (finding.kind === 'single') counted[finding.outcome] += finding.count;
  else {
    const { lagMs, isLate, isReordered, verdict } = finding;
    if ('dropped' in verdict) countDropped(counted.pairs, verdict.dropped, 1);
    else if (verdict.differences.length === 0) counted.pairs.outcomes[verdict.outcome]++;
    else addCounts(counted.pairs, countsOf(verdict));
    if (isLate) counted.late++;
    if (isReordered) counted.reordered++;
    if (lagMs !== undefined) addLag(counted.lags, lagMs, 1);
  }
}

export function addStreamCounted(counted: StreamCounted, more: StreamCounted): void {
  for (const name of ['begun', 'missing', 'extra', 'unsettled', 'reordered', 'late'] as const)
    counted[name] += more[name];
  for (const [reason, count] of more.refused) increase(counted.refused, reason, count);
  for (const [reason, count] of more.ended) increase(counted.ended, reason, count);
  addCounts(counted.pairs, more.pairs);
  for (const [bucket, count] of more.lags) increase(counted.lags, bucket, count);
  for (const sample of more.samples) addStreamSample(counted, sample);
}

/** Keeps it, unless there are enough of its outcome. */
export function addStreamSample(counted: StreamCounted, sample: StreamSample): void {
  if (wantsStreamSample(counted, sample.outcome)) counted.samples.push(sample);
}

export function wantsStreamSample({ samples }: StreamCounted, outcome: SampledAs): boolean {
  return samples.filter((sample) => sample.outcome === outcome).length < STREAM_SAMPLES_EACH;
}

/** The verdict on a pair, as messages are counted. */
export function messageOutcomeOf(outcome: Outcome): MessageOutcome {
  if (outcome === 'match' || outcome === 'ignored') return outcome;
  return outcome === 'mismatch' ? 'different' : 'dropped';
}

/** As the API shows it. */
export interface StreamEvidence {
  /** When the first of these was found, since the route's stage began and this gateway did. */
  readonly since: string;
  readonly begun: number;
  readonly refused: Readonly<Partial<Record<StreamRefusal, number>>>;
  readonly ended: Readonly<Partial<Record<StreamEnd, number>>>;
  readonly messages: Readonly<Record<MessageOutcome | 'reordered' | 'late', number>>;
  /** Why pairs were not compared. */
  readonly dropped: Readonly<Record<string, number>>;
  /** How much later the new side's messages came than legacy's; null before any pair was timed. */
  readonly lagMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  readonly differences: readonly StreamDifference[];
  readonly differencesDropped: number;
  readonly samples: readonly StreamSample[];
}

export interface StreamDifference {
  readonly path: string;
  readonly kind: DifferenceKind;
  /** Pairs of messages in which it was found. */
  readonly count: number;
  readonly critical: boolean;
  /** The rule that covers it. */
  readonly rule?: string;
}

export function concludeStreams(counted: StreamCounted, sinceMs: number): StreamEvidence {
  const { begun, refused, ended, pairs, missing, extra, unsettled, reordered, late, lags, samples } = counted;
  const { match, ignored, mismatch, dropped, incomparable } = pairs.outcomes;
  const messages = {
    ...{ match, ignored, different: mismatch, missing, extra, reordered, late },
    ...{ dropped: dropped + incomparable, unsettled },
  };
  return {
    since: new Date(sinceMs).toISOString(),
    begun,
    refused: Object.fromEntries(refused),
    ended: Object.fromEntries(ended),
    messages,
    dropped: { ...Object.fromEntries(pairs.dropped), ...(incomparable > 0 ? { incomparable } : {}) },
    lagMs: lagPercentiles(lags),
    differences: [...pairs.differences.values()]
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1))
      .map(({ path, kind, count, critical, rule }) => ({
        ...{ path, kind, count, critical },
        ...(rule === undefined ? {} : { rule }),
      })),
    differencesDropped: pairs.differencesDropped,
    samples,
  };
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
