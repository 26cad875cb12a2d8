// Following submissions until the chain has decided. Every instance may follow every one: what is sent twice lands once, and
// writes are versioned. What dies with an instance is found in the table by another.
import { createRepeating } from '../../repeating.ts';
import type { ItemKey } from '../../store/item-table.ts';
import { SHARDS } from '../../store/keys.ts';
import { createLooking, type LookDeps, type SubmissionKey } from './looking.ts';
import type { Submissions } from './submissions.ts';

/** How often the chain is asked, and the table searched for submissions of others, ms. */
const TICK_MS = 400;
const SEARCH_MS = 5000;
/** Submissions in hand; more are found when there is room. */
const IN_HAND_MAX = 20_000;
/** getSignatureStatuses takes so many. */
const SIGNATURES_MAX = 256;
const PAGE = 100;

export type Follower = {
  readonly wake: (submission: SubmissionKey) => void;
  /** One look at all. Never rejects. */
  readonly pass: () => Promise<void>;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
};

const keyOf = ({ user_id, submission_id }: SubmissionKey) => `${user_id}\n${submission_id}`;

export function createFollower(deps: LookDeps, submissions: Pick<Submissions, 'sendIfDue'>): Follower {
  const { store, metrics, log, now } = deps;
  const inHand = new Map<string, SubmissionKey>();
  const look = createLooking(deps, submissions, (key) => inHand.delete(keyOf(key)));
  let searchedMs = Number.NEGATIVE_INFINITY;

  function wake({ user_id, submission_id }: SubmissionKey): void {
    const key = keyOf({ user_id, submission_id });
    if (!inHand.has(key) && inHand.size >= IN_HAND_MAX) metrics.submissionsNotFollowed.inc();
    else inHand.set(key, { user_id, submission_id });
  }

  async function search(): Promise<void> {
    searchedMs = now();
    for (let shard = 0; shard < SHARDS && !repeating.isStopped(); shard++) {
      let after: ItemKey | undefined;
      do {
        const page = await store.submissionsUndecided(shard, { limit: PAGE, ...(after ? { after } : {}) });
        page.submissions.forEach(wake);
        after = page.next ?? undefined;
      } while (after && inHand.size < IN_HAND_MAX);
    }
  }

  async function guarded(operation: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      metrics.raised.inc({ operation });
      log.warn({ err: error, operation }, 'submissions were held up; the next look tries again');
    }
  }

  async function pass(): Promise<void> {
    if (now() - searchedMs >= SEARCH_MS) await guarded('submissions.search', search);
    const keys = [...inHand.values()];
    for (let at = 0; at < keys.length && !repeating.isStopped(); at += SIGNATURES_MAX) {
      await guarded('submissions.look', () => look(keys.slice(at, at + SIGNATURES_MAX)));
    }
  }

  const repeating = createRepeating(pass, TICK_MS);
  return { wake, pass, start: repeating.start, stop: repeating.stop };
}
