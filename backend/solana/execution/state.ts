// What a submission may become, and what is to be done about one that is not decided. Pure.
import { isoTime } from '../../domain/time.ts';
import {
  type HandedRecord,
  isUndecided,
  type SubmissionRecord,
  type SubmissionStatus,
} from '../../store/submission-items.ts';

/** Only the chain's word leads to landed, failed or expired, and nothing out of them. */
const TRANSITIONS: Readonly<Record<SubmissionStatus, readonly SubmissionStatus[]>> = {
  pending: ['sent', 'landed', 'failed', 'expired'],
  sent: ['landed', 'failed', 'expired'],
  landed: [],
  failed: [],
  expired: [],
};

export const canBecome = (from: SubmissionStatus, to: SubmissionStatus): boolean => TRANSITIONS[from].includes(to);

/** Handed over again when it has not been seen for this long: some five slots, ms. */
export const RESEND_MS = 2000;
/** The same when a relay has said that its bundle failed, ms. */
export const RESEND_FAILED_MS = 500;
/** After so many sends to relays an RPC endpoint has it too. */
export const RELAY_SENDS_MAX = 3;
const ERROR_CHARS_MAX = 500;

/** The chain's word on a signature; `isSettled`: two thirds of the stake have voted for its block ('confirmed' or better). */
export type Seen = { readonly slot: number; readonly err: string | null; readonly isSettled: boolean };

/**
 * One look at the chain: what is known of the signature as of `slot`, and a finalized block with its height and slot. Both may come
 * of different nodes.
 */
export type Look = {
  readonly seen: Seen | null;
  readonly slot: number;
  readonly finalized: { readonly height: number; readonly slot: number };
};

function changed(submission: SubmissionRecord, changes: Partial<SubmissionRecord>, nowMs: number): SubmissionRecord {
  return { ...submission, ...changes, updated_at: isoTime(nowMs), version: submission.version + 1 };
}

/** The submission once it has been handed over, `handed` says to whom and what came of it. */
export function sent(
  submission: SubmissionRecord,
  handed: readonly HandedRecord[],
  nowMs: number,
): SubmissionRecord | undefined {
  if (!isUndecided(submission)) return undefined;
  const isTaken = handed.some(({ result }) => result === 'taken');
  const status = isTaken && canBecome(submission.status, 'sent') ? 'sent' : submission.status;
  const facts = { status, handed: [...handed], sends: submission.sends + 1, sent_at: isoTime(nowMs) };
  return changed(submission, facts, nowMs);
}

/**
 * The submission after a look at the chain; undefined when that decides nothing. It is expired when it is not known as of a slot
 * that is not before a finalized block above its last height: whatever took it would be in there.
 */
export function looked(submission: SubmissionRecord, look: Look, nowMs: number): SubmissionRecord | undefined {
  if (!isUndecided(submission)) return undefined;
  const { seen, slot, finalized } = look;
  if (seen) {
    if (!seen.isSettled) return undefined;
    const error = seen.err === null ? null : seen.err.slice(0, ERROR_CHARS_MAX);
    return changed(submission, { status: error === null ? 'landed' : 'failed', slot: seen.slot, error }, nowMs);
  }
  const isTooLate = finalized.height > submission.last_valid_height && slot >= finalized.slot;
  return isTooLate ? changed(submission, { status: 'expired' }, nowMs) : undefined;
}

export type NextSend = 'none' | 'relays' | 'direct';

/** How to hand it over now. `hasFailed`: a relay says that its bundle did not make it. */
export function nextSend(submission: SubmissionRecord, nowMs: number, hasFailed = false): NextSend {
  if (!isUndecided(submission)) return 'none';
  const sinceMs = nowMs - Date.parse(submission.sent_at ?? submission.created_at);
  if (sinceMs < (hasFailed ? RESEND_FAILED_MS : RESEND_MS)) return 'none';
  return submission.allow_direct && submission.sends >= RELAY_SENDS_MAX ? 'direct' : 'relays';
}
