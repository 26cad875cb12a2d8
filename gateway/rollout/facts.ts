// What gates and guards look at: numbers about one route, whoever counted them. Plain data.
import type { Share } from '../mirror/confidence.ts';
import type { Side } from '../routing/side.ts';
import type { Durations } from './durations.ts';
import type { Stage } from './stage.ts';

/** What comparing has counted in a stretch of time; evidence.ts of mirror/ says what the words mean. */
export interface ComparedFacts {
  readonly eligible: number;
  /** match + ignored. */
  readonly agreeing: number;
  readonly mismatches: number;
  readonly newErrors: number;
  readonly legacyErrors: number;
  readonly timeouts: number;
  /** What parity is the share of: where noise is known, only requests that show what is noise. */
  readonly judged: Share;
  /** Requests in which new was later than legacy by more than the guard bears, of those that both were timed with. */
  readonly timed: Share;
  /** Differences at critical places that no rule covers and that are not noise. */
  readonly critical: readonly PlaceCount[];
  /** The place that differs most often, where no rule covers it. */
  readonly worst: PlaceCount | undefined;
  /** Absent where no stream was to be compared. */
  readonly streams?: ComparedStreams;
}

/** What comparing streams has counted in a stretch of time; stream-evidence.ts of mirror/ says what the words mean. */
export interface ComparedStreams extends Pick<ComparedFacts, 'judged' | 'critical' | 'worst'> {
  /** Streams that were compared. */
  readonly begun: number;
  /** Of those, how many the side that got the copy would not open. */
  readonly failed: Readonly<Record<Side, number>>;
  /** Of all messages, those of which is known whether both sides sent the same. */
  readonly coveredMessages: Share;
  /** Of the streams that were to be compared, those that were. */
  readonly coveredStreams: Share;
}

export interface PlaceCount {
  readonly path: string;
  readonly count: number;
}

/** What a side has done with the requests that it served in a stretch of time. */
export interface ServedFacts {
  readonly requests: number;
  readonly errors: number;
  readonly durations: Durations;
}

export type BothServed = Readonly<Record<Side, ServedFacts>>;

/** What the gates of a step look at. */
export interface StepFacts {
  readonly stage: Stage;
  /** Since the stage began. */
  readonly compared: ComparedFacts;
  /** Since the step began, or since this process did. */
  readonly served: BothServed;
  readonly certificates: readonly Certificate[];
}

/** What is known of a data job that a route requires. */
export interface Certificate {
  readonly job: string;
  /** Why it is not valid, or undefined. */
  readonly problem: string | undefined;
  /** When it was made, ISO 8601 in UTC; undefined where it is not valid. */
  readonly at?: string | undefined;
  /** Until when it counts, ISO 8601 in UTC; undefined for good, or where it is not valid. */
  readonly validUntil?: string | undefined;
  /** Rows that were compared; undefined where it does not say. */
  readonly rows?: number | undefined;
}

/** match + ignored + mismatch + new_error. */
export function comparableOf({
  agreeing,
  mismatches,
  newErrors,
}: Pick<ComparedFacts, 'agreeing' | 'mismatches' | 'newErrors'>): number {
  return agreeing + mismatches + newErrors;
}
