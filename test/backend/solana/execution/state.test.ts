import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canBecome,
  type Look,
  looked,
  nextSend,
  RELAY_SENDS_MAX,
  RESEND_MS,
  sent,
} from '../../../../backend/solana/execution/state.ts';
import {
  type HandedRecord,
  isUndecided,
  type SubmissionRecord,
  submissionFromItem,
  submissionToItem,
} from '../../../../backend/store/submission-items.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00.000Z');
const AT = new Date(NOW_MS).toISOString();
const LAST_HEIGHT = 1000;

const aSubmission = (changes: Partial<SubmissionRecord> = {}): SubmissionRecord => ({
  submission_id: 'one',
  user_id: 'user-0001',
  signature: '5'.repeat(88),
  transaction: 'AAAA',
  allow_direct: true,
  last_valid_height: LAST_HEIGHT,
  status: 'pending',
  slot: null,
  error: null,
  sends: 0,
  sent_at: null,
  handed: [],
  created_at: AT,
  updated_at: AT,
  version: 1,
  ...changes,
});
const taken: HandedRecord = { by: 'jito', result: 'taken', receipt: 'id', detail: null };
const unclear: HandedRecord = { by: 'jito', result: 'unclear', receipt: null, detail: 'it answered 503' };

const look = fc.record({
  seen: fc.option(
    fc.record({
      slot: fc.integer({ min: 0, max: 2000 }),
      err: fc.option(fc.string({ maxLength: 600 })),
      isSettled: fc.boolean(),
    }),
  ),
  slot: fc.integer({ min: 0, max: 2000 }),
  finalized: fc.record({ height: fc.integer({ min: 0, max: 2000 }), slot: fc.integer({ min: 0, max: 2000 }) }),
});
const event = fc.oneof(
  fc.constantFrom([taken], [unclear], []).map((handed) => ({ kind: 'handed' as const, handed })),
  look.map((given) => ({ kind: 'look' as const, given })),
);

describe('a submission', () => {
  it('whatever happens in whatever order, then its status moves along the table, and what is decided stays', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let current = aSubmission();
        for (const each of events) {
          const next =
            each.kind === 'handed' ? sent(current, each.handed, NOW_MS) : looked(current, each.given, NOW_MS);
          if (!isUndecided(current)) assert.equal(next, undefined);
          if (!next) continue;
          assert.ok(next.status === current.status || canBecome(current.status, next.status));
          assert.equal(next.version, current.version + 1);
          assert.deepEqual(submissionFromItem(submissionToItem(next, NOW_MS)), next);
          current = next;
        }
      }),
    );
  });

  it('whatever the chain says, then expired only when it is not known as of a finalized block above its last height', () => {
    fc.assert(
      fc.property(look, (given) => {
        const next = looked(aSubmission({ status: 'sent' }), given, NOW_MS);
        const isGone =
          given.seen === null && given.finalized.height > LAST_HEIGHT && given.slot >= given.finalized.slot;
        assert.equal(next?.status === 'expired', isGone);
        const isOnChain = given.seen?.isSettled === true;
        assert.equal(next?.status === 'landed' || next?.status === 'failed', isOnChain);
      }),
    );
  });

  it('a node that is behind the finalized block does not know it, then nothing is decided', () => {
    const behind: Look = { seen: null, slot: 1099, finalized: { height: 1001, slot: 1100 } };
    assert.equal(looked(aSubmission(), behind, NOW_MS), undefined);
    assert.equal(looked(aSubmission(), { ...behind, slot: 1100 }, NOW_MS)?.status, 'expired');
  });

  it('seen in a block that is not confirmed yet, then it is not landed, and not expired either', () => {
    const processed: Look = {
      seen: { slot: 5, err: null, isSettled: false },
      slot: 2000,
      finalized: { height: 2000, slot: 2000 },
    };
    assert.equal(looked(aSubmission(), processed, NOW_MS), undefined);
  });

  it('nobody clearly took it, then it is still pending, and handed over again after a while', () => {
    const next = sent(aSubmission(), [unclear], NOW_MS);
    assert.equal(next?.status, 'pending');
    const again = (afterMs: number) => nextSend(next ?? aSubmission(), NOW_MS + afterMs);
    assert.deepEqual([again(RESEND_MS - 1), again(RESEND_MS)], ['none', 'relays']);
  });

  it('sent to relays often enough, then directly, but only where that is allowed', () => {
    const often = aSubmission({ status: 'sent', sends: RELAY_SENDS_MAX, sent_at: AT });
    assert.equal(nextSend(often, NOW_MS + RESEND_MS), 'direct');
    assert.equal(nextSend({ ...often, allow_direct: false }, NOW_MS + RESEND_MS), 'relays');
    assert.equal(nextSend({ ...often, status: 'landed' }, NOW_MS + RESEND_MS), 'none');
  });
});
