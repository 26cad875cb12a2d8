import type { ForwardFailure } from '../proxy/failure.ts';
import type { Side } from '../routing/side.ts';

/** What one side did with one request. */
export interface Observation {
  readonly side: Side;
  /** Undefined when no answer began. */
  readonly status: number | undefined;
  /** End-to-end fields as raw pairs. */
  readonly headers: readonly string[];
  /** The whole body as it was sent; undefined when it was larger than is kept, or broke off. */
  readonly body: Buffer | undefined;
  readonly durationMs: number;
  /** From when the request was on a connection until its answer began; undefined where that was not measured. */
  readonly firstByteMs?: number | undefined;
  readonly failure: ForwardFailure | undefined;
}

/** The verdict on one mirrored request. Every eligible request gets exactly one. */
export const OUTCOMES = [
  'match', // the answers are equal under the rules for spelling and arrays
  'ignored', // they differ only where it does not count: a rule says so, or legacy does not agree with itself
  'mismatch', // they differ
  'new_error', // the new side failed, legacy did not
  'legacy_error', // legacy failed, so there is nothing to compare with
  'timeout', // the copy was not answered in time
  'dropped', // there was no room: the copy was never sent, or its answer never compared
  'incomparable', // both answered, but the answers cannot be compared
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that say something of the new side; the others lower coverage instead. */
export const COMPARABLE: readonly Outcome[] = ['match', 'ignored', 'mismatch', 'new_error'];
/** Comparable outcomes that count as parity. */
export const AGREEING: readonly Outcome[] = ['match', 'ignored'];
