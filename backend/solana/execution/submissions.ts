// Submitting signed transactions: durable before they are sent, sent to all relays at once and again until the chain has decided.
import { isoTime } from '../../domain/time.ts';
import { fail } from '../../http.ts';
import type { Denial } from '../../risk/denial.ts';
import { type Store, StoreUnavailable } from '../../store/store.ts';
import type { HandedRecord, SubmissionRecord } from '../../store/submission-items.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askAll, NodeError } from '../rpc/methods.ts';
import { errorText } from '../simulate/outcome.ts';
import type { Hand } from './hand.ts';
import { nextSend, sent } from './state.ts';
import { signedOf } from './transaction.ts';

const CONFLICTS_MAX = 8;

export type NewSubmission = {
  readonly userId: string;
  /** Chosen by the client. */
  readonly id: string;
  readonly transaction: string;
  readonly allowDirect: boolean;
};

export type SubmissionDeps = {
  readonly store: Pick<Store, 'getSubmission' | 'putSubmission' | 'submissionsUndecided'>;
  readonly rpc: RpcClient;
  readonly hand: Hand;
  /** Why nothing may be sent for the user now; undefined: it may. */
  readonly denied: (userId: string) => Promise<Pick<Denial, 'reason'> | undefined>;
  readonly now: () => number;
  /** Hears of one that is to be followed. */
  readonly onSubmission: (submission: SubmissionRecord) => void;
};

export type Submissions = {
  /**
   * Stores it and hands it over, once however often it is called; 'known': it was there. Rejects with ProblemError when it is not let
   * through, and with StoreUnavailable; nothing was sent then.
   */
  readonly submit: (
    wanted: NewSubmission,
  ) => Promise<{ readonly kind: 'new' | 'known'; readonly submission: SubmissionRecord }>;
  readonly find: (userId: string, id: string) => Promise<SubmissionRecord | undefined>;
  /** Hands it over if that is due, and writes down what came of it. */
  readonly sendIfDue: (submission: SubmissionRecord, hasFailed: boolean) => Promise<SubmissionRecord>;
};

/** Writes what `change` makes of the submission, and again on what others wrote meanwhile. Undefined changes nothing. */
export async function changeSubmission(
  store: Pick<Store, 'getSubmission' | 'putSubmission'>,
  submission: SubmissionRecord,
  change: (current: SubmissionRecord) => SubmissionRecord | undefined,
): Promise<SubmissionRecord> {
  let current = submission;
  for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
    const next = change(current);
    if (!next) return current;
    if ((await store.putSubmission(next)) === 'stored') return next;
    current = (await store.getSubmission(submission.user_id, submission.submission_id)) ?? current;
  }
  return current; // Others write all the time: what this one knows is found again.
}

export function createSubmissions(deps: SubmissionDeps): Submissions {
  const { store, rpc, hand, now } = deps;

  /** The last height that a block with it can have: no blockhash that is good now lives longer than the newest. */
  async function checked(transaction: string): Promise<number> {
    try {
      const [newest, { err }] = await askAll(rpc, ask.latestBlockhash(), ask.simulateSigned(transaction));
      if (err !== null && err !== undefined) {
        return fail('transaction_refused', `it would fail now: ${errorText(err)}`);
      }
      return newest.lastValidBlockHeight;
    } catch (error) {
      if (error instanceof NodeError) return fail('transaction_refused', error.message);
      throw error;
    }
  }

  async function send(submission: SubmissionRecord, how: 'relays' | 'direct'): Promise<SubmissionRecord> {
    const { transaction, allow_direct: allowDirect } = submission;
    const byRelays = await hand.relays([transaction]);
    const isTaken = byRelays.some(({ result }) => result === 'taken');
    const isDirect = allowDirect && (how === 'direct' || !isTaken);
    const handed: readonly HandedRecord[] = isDirect ? [...byRelays, ...(await hand.direct(transaction))] : byRelays;
    try {
      return await changeSubmission(store, submission, (current) => sent(current, handed, now()));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return sent(submission, handed, now()) ?? submission; // It stays pending there; the follower finds what came of it.
    }
  }

  async function known({ userId, id, transaction }: NewSubmission): Promise<SubmissionRecord | undefined> {
    const present = await store.getSubmission(userId, id);
    if (present && present.transaction !== transaction) {
      return fail('idempotency_conflict', `submission_id ${id} was used with another transaction`);
    }
    return present;
  }

  return {
    find: (userId, id) => store.getSubmission(userId, id),
    async submit(wanted) {
      const present = await known(wanted);
      if (present) return { kind: 'known', submission: present };
      const { signature } = signedOf(wanted.transaction);
      const denial = await deps.denied(wanted.userId);
      if (denial)
        return fail('risk_denied', `the transaction was not sent: ${denial.reason}`, { reason: denial.reason });
      let lastValidHeight: number;
      try {
        lastValidHeight = await checked(wanted.transaction);
      } catch (error) {
        // The same request may have been quicker, and its transaction have landed: then the chain refuses it as processed.
        const quicker = await known(wanted);
        if (quicker) return { kind: 'known', submission: quicker };
        throw error;
      }
      const at = isoTime(now());
      const submission: SubmissionRecord = {
        submission_id: wanted.id,
        user_id: wanted.userId,
        signature,
        transaction: wanted.transaction,
        allow_direct: wanted.allowDirect,
        last_valid_height: lastValidHeight,
        status: 'pending',
        slot: null,
        error: null,
        sends: 0,
        sent_at: null,
        handed: [],
        created_at: at,
        updated_at: at,
        version: 1,
      };
      if ((await store.putSubmission(submission)) === 'conflict') {
        return { kind: 'known', submission: (await known(wanted)) ?? submission };
      }
      deps.onSubmission(submission);
      return { kind: 'new', submission: await send(submission, 'relays') };
    },
    async sendIfDue(submission, hasFailed) {
      const how = nextSend(submission, now(), hasFailed);
      if (how === 'none' || (await deps.denied(submission.user_id))) return submission;
      return send(submission, how);
    },
  };
}
