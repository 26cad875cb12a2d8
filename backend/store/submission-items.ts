// Submissions: signed transactions of Solana that are to land, and what has become of each.
import { z } from 'zod';
import { attributesOf, expiry, type Item, plainRecordOf, timestamp, userId, version } from './items.ts';
import * as keys from './keys.ts';

/**
 * pending: durable, perhaps handed over. sent: somebody took it. landed and failed: it is on the chain, without and with an error.
 * expired: it is not on the chain and can no longer come there.
 */
export const SUBMISSION_STATUSES = ['pending', 'sent', 'landed', 'failed', 'expired'] as const;
export type SubmissionStatus = (typeof SUBMISSION_STATUSES)[number];

/** What came of handing it to one relay, or to an RPC endpoint as the last resort ('direct'). */
const handed = z.object({
  by: z.string().min(1).max(32),
  result: z.enum(['taken', 'refused', 'unclear', 'not_sent']),
  receipt: z.string().max(512).nullable(),
  detail: z.string().max(512).nullable(),
});
export type HandedRecord = z.infer<typeof handed>;

export const submissionRecord = z.object({
  /** Chosen by the client: the same one twice is one submission. */
  submission_id: z.string().min(1).max(128),
  user_id: userId,
  /** The transaction's first signature, base58. */
  signature: z.string().min(64).max(90),
  /** As signed, base64. */
  transaction: z.string().min(1).max(2048),
  /** Whether an RPC endpoint may have it when relays do not land it: there anybody can see it before it lands. */
  allow_direct: z.boolean(),
  /** No block above this height takes it. */
  last_valid_height: z.number().int().min(0),
  status: z.enum(SUBMISSION_STATUSES),
  /** Where it landed. */
  slot: z.number().int().nullable(),
  error: z.string().max(512).nullable(),
  /** How often it was handed over, when last, and what came of it then. */
  sends: z.number().int().min(0),
  sent_at: timestamp.nullable(),
  handed: z.array(handed).max(16),
  created_at: timestamp,
  updated_at: timestamp,
  version,
});
export type SubmissionRecord = z.infer<typeof submissionRecord>;

export const isUndecided = ({ status }: Pick<SubmissionRecord, 'status'>): boolean =>
  status === 'pending' || status === 'sent';

/** One that is decided leaves the index, and the table 90 days after `nowMs`. */
export function submissionToItem(submission: SubmissionRecord, nowMs: number): Item {
  return {
    ...attributesOf(submissionRecord.parse(submission)),
    [keys.PK]: { S: keys.userPk(submission.user_id) },
    [keys.SK]: { S: keys.submissionSk(submission.submission_id) },
    data_type: { S: 'SUBMISSION' },
    ...(isUndecided(submission)
      ? { [keys.DATA_TYPE_SHARD]: { S: keys.submissionShard(keys.shardOf(submission.submission_id)) } }
      : { [keys.TTL]: { N: expiry(nowMs) } }),
  };
}

export function submissionFromItem(item: Item): SubmissionRecord {
  return submissionRecord.parse(plainRecordOf(item));
}
