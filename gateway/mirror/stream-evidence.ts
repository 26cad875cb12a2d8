// What follows from what comparing streams has counted, as the API shows it and gates go by it. Pure.
import { lowerBound95, type Share, shareOf } from './confidence.ts';
import type { DifferenceKind } from './difference.ts';
import type { MessageOutcome, StreamCounted, StreamEnd, StreamRefusal } from './stream-counts.ts';
import { lagPercentiles } from './stream-lag.ts';
import type { StreamSample } from './stream-sample.ts';

export interface StreamEvidence {
  readonly begun: number;
  readonly refused: Readonly<Partial<Record<StreamRefusal, number>>>;
  readonly ended: Readonly<Partial<Record<StreamEnd, number>>>;
  readonly messages: Readonly<Record<MessageOutcome | 'reordered' | 'late', number>>;
  /** Why pairs were not compared. */
  readonly dropped: Readonly<Record<string, number>>;
  /** How much later the new side's messages came than legacy's; null before any pair was timed. */
  readonly lagMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** Messages of which is known whether the other side sent the same, of all, less streams that were not begun with. */
  readonly coverage: number | null;
  /** The share of `judgedMessages` that agree; null before any was judged. */
  readonly parity: number | null;
  readonly parityLowerBound: number | null;
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

export function concludeStreams(counted: StreamCounted, samples: readonly StreamSample[]): StreamEvidence {
  const { begun, pairs, missing, extra, unsettled, reordered, late, lags } = counted;
  const [refused, ended] = [Object.fromEntries(counted.refused), Object.fromEntries(counted.ended)];
  const { match, ignored, mismatch, dropped, incomparable } = pairs.outcomes;
  const messages = {
    ...{ match, ignored, different: mismatch, missing, extra, reordered, late },
    ...{ dropped: dropped + incomparable, unsettled },
  };
  const judged = judgedMessages({ messages, ended });
  return {
    ...{ begun, refused, ended, messages },
    dropped: { ...Object.fromEntries(pairs.dropped), ...(incomparable > 0 ? { incomparable } : {}) },
    lagMs: lagPercentiles(lags),
    coverage: coverageOf({ begun, refused, messages }),
    parity: judged.trials > 0 ? judged.hits / judged.trials : null,
    parityLowerBound: lowerBound95(judged.hits, judged.trials) ?? null,
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

/**
 * What parity is the share of: messages of which is known whether both sides sent the same. A stream that the new side would
 * not open, or ended before its time, is as much as a message that differs: what it would have sent nobody knows.
 */
export function judgedMessages({ messages, ended }: Pick<StreamEvidence, 'messages' | 'ended'>): Share {
  const { match, ignored, different, missing, extra } = messages;
  const hits = match + ignored;
  const failed = (ended.new_failed ?? 0) + (ended.new_ended ?? 0);
  return { hits, trials: hits + different + missing + extra + failed };
}

/** Of all messages of compared streams, those of which is known whether both sides sent the same. */
export function coveredMessages({ messages }: Pick<StreamEvidence, 'messages'>): Share {
  const { match, ignored, different, missing, extra, dropped, unsettled } = messages;
  const hits = match + ignored + different + missing + extra;
  return { hits, trials: hits + dropped + unsettled };
}

/** Of the streams that were to be compared, those begun with. `streamsMax` is a choice of how many that are, as sampling is. */
export function coveredStreams({ begun, refused }: Pick<StreamEvidence, 'begun' | 'refused'>): Share {
  const { writes = 0, content_encoding = 0, compare_budget = 0 } = refused;
  return { hits: begun, trials: begun + writes + content_encoding + compare_budget };
}

/** The share of what the streams that were to be compared said that was compared; null before they said anything. */
export function coverageOf(evidence: Pick<StreamEvidence, 'begun' | 'refused' | 'messages'>): number | null {
  const [streams, messages] = [coveredStreams(evidence), coveredMessages(evidence)];
  if (streams.trials === 0 || (streams.hits > 0 && messages.trials === 0)) return null;
  return shareOf(streams) * shareOf(messages);
}
