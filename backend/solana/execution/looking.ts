// One look at the chain for some submissions: decide what it decides, and hand over again what it does not know.
import type { Logger } from '../../../config/log.ts';
import type { Metrics } from '../../metrics.ts';
import { isUndecided, type SubmissionRecord } from '../../store/submission-items.ts';
import type { RpcClient } from '../rpc/client.ts';
import { ask, askAll } from '../rpc/methods.ts';
import { errorText } from '../simulate/outcome.ts';
import { type Look, looked } from './state.ts';
import { changeSubmission, type SubmissionDeps, type Submissions } from './submissions.ts';

/** Reads, writes and sends at once. */
const AT_ONCE_MAX = 8;
/** Bundles that a relay is asked about in one look. */
const RECEIPTS_MAX = 5;

export type LookDeps = Omit<SubmissionDeps, 'onSubmission'> & { readonly metrics: Metrics; readonly log: Logger };
export type SubmissionKey = Pick<SubmissionRecord, 'user_id' | 'submission_id'>;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  async function worker(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  }
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
}

/** Receipts of bundles that a relay says have failed; asked of those sent longest ago. */
async function failedBundles(
  hand: LookDeps['hand'],
  unseen: readonly SubmissionRecord[],
): Promise<ReadonlySet<string>> {
  const byRelay = new Map<string, string[]>();
  for (const { by, receipt } of unseen.flatMap(({ handed }) => handed)) {
    const receipts = byRelay.get(by) ?? [];
    if (receipt !== null && receipts.length < RECEIPTS_MAX) byRelay.set(by, [...receipts, receipt]);
  }
  const failed = new Set<string>();
  for (const [relay, receipts] of byRelay) {
    const statuses = (await hand.statuses(relay, receipts)) ?? [];
    receipts.forEach((receipt, index) => {
      if (statuses[index] === 'failed') failed.add(receipt);
    });
  }
  return failed;
}

/** One look at the chain for each, in their order. */
async function looksAt(rpc: RpcClient, found: readonly SubmissionRecord[]): Promise<readonly Look[]> {
  const signatures = found.map(({ signature }) => signature);
  const [finalized, { slot, value }] = await askAll(rpc, ask.finalized(), ask.signatures(signatures));
  return found.map((_, index) => {
    const status = value[index];
    if (!status) return { seen: null, slot, finalized };
    const isSettled = status.confirmationStatus === 'confirmed' || status.confirmationStatus === 'finalized';
    return { seen: { slot: status.slot, err: errorText(status.err ?? null), isSettled }, slot, finalized };
  });
}

/** Looks at submissions, at most 256; `drop` hears of those that are decided or gone. */
export function createLooking(
  deps: LookDeps,
  submissions: Pick<Submissions, 'sendIfDue'>,
  drop: (key: SubmissionKey) => void,
): (keys: readonly SubmissionKey[]) => Promise<void> {
  const { store, rpc, hand, metrics, now } = deps;

  async function decide(submission: SubmissionRecord, look: Look): Promise<SubmissionRecord> {
    const known = await changeSubmission(store, submission, (current) => looked(current, look, now()));
    if (isUndecided(known)) return known;
    drop(known);
    metrics.submissionsDecided.inc({ status: known.status });
    return known;
  }

  return async function look(keys: readonly SubmissionKey[]): Promise<void> {
    const found: SubmissionRecord[] = [];
    await inParallel(keys, async (key) => {
      const submission = await store.getSubmission(key.user_id, key.submission_id);
      if (submission && isUndecided(submission)) found.push(submission);
      else drop(key);
    });
    if (found.length === 0) return;
    const looks = await looksAt(rpc, found);
    const unseen: SubmissionRecord[] = [];
    await inParallel([...found.entries()], async ([index, submission]) => {
      const look = looks[index];
      if (!look) return;
      const known = await decide(submission, look);
      if (isUndecided(known) && !look.seen) unseen.push(known);
    });
    const failed = await failedBundles(hand, unseen);
    await inParallel(unseen, async (each) => {
      await submissions.sendIfDue(
        each,
        each.handed.some(({ receipt }) => receipt !== null && failed.has(receipt)),
      );
    });
  };
}
