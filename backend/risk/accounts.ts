// Changing accounts, one conditional write for however many changes of a user wait at once. Several instances may do so to the
// same account: whoever was slower reads it again and asks every change anew.
import { setTimeout as delay } from 'node:timers/promises';
import type { AccountRecord } from '../store/account-items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';

/** Users whose account is remembered; one costs a read to remember again. */
const LANES_MAX = 10_000;
/** Changes of one user that may wait: more than its orders that can be under way. */
const WAITING_MAX = 5000;
/** Instances that can be in each other's way many times in a row, and how long they step aside, ms. */
const CONFLICTS_MAX = 12;
const ASIDE_MAX_MS = 20;

/**
 * What a change makes of an account: itself when nothing. Pure, since it may be asked several times. `isFinal` false: the
 * result is worth nothing unless the account is what the store holds now ("no" by an account that is out of date).
 */
export type Change<T> = (account: AccountRecord) => {
  readonly account: AccountRecord;
  readonly result: T;
  readonly isFinal?: boolean;
};

export type Accounts = {
  /** Rejects with StoreUnavailable; whether the change was stored is not known then. */
  readonly change: <T>(userId: string, change: Change<T>) => Promise<T>;
  /** As the store holds it now. */
  readonly read: (userId: string) => Promise<AccountRecord>;
  /** Resolves when nothing is being changed. */
  readonly idle: () => Promise<void>;
};

type Job = {
  readonly change: Change<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
};
type Lane = { readonly waiting: Job[]; running: Promise<void> | undefined; account: AccountRecord | undefined };
type Asked = { readonly account: AccountRecord; readonly results: readonly unknown[]; readonly isFinal: boolean };

/** Every change in turn, each on what the one before made. */
function ask(account: AccountRecord, jobs: readonly Job[]): Asked {
  let current = account;
  let isFinal = true;
  const results = jobs.map((job) => {
    const asked = job.change(current);
    current = asked.account;
    isFinal &&= asked.isFinal ?? true;
    return asked.result;
  });
  return { account: current, results, isFinal };
}

/** `initial` makes the account, version 0, of a user that has none. */
export function createAccounts(
  store: Pick<Store, 'getAccount' | 'putAccount'>,
  initial: (userId: string) => Promise<AccountRecord>,
): Accounts {
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();

  const read = async (userId: string) => (await store.getAccount(userId)) ?? initial(userId);

  /** Asks and stores until the store agrees. */
  async function commit(userId: string, lane: Lane, jobs: readonly Job[]): Promise<readonly unknown[]> {
    for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
      const remembered = lane.account;
      const before = remembered ?? (await read(userId));
      lane.account = undefined; // Until it is known that it still is what the store holds.
      const asked = ask(before, jobs);
      if (!asked.isFinal && remembered) continue;
      if (asked.account === before) {
        if (before.version > 0) lane.account = before;
        return asked.results;
      }
      const next = { ...asked.account, version: before.version + 1 };
      if ((await store.putAccount(next)) === 'stored') {
        lane.account = next;
        return asked.results;
      }
      if (!remembered) await delay(Math.random() * ASIDE_MAX_MS);
    }
    throw new StoreUnavailable(`the account changed ${CONFLICTS_MAX} times while it was being changed`);
  }

  async function work(userId: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const jobs = lane.waiting.splice(0);
      try {
        const results = await commit(userId, lane, jobs);
        jobs.forEach(({ resolve }, index) => {
          resolve(results[index]);
        });
      } catch (error) {
        for (const { reject } of jobs) reject(error);
      }
    }
    lane.running = undefined; // In the turn that found nothing waiting: whoever comes later must start anew.
  }

  /** The user's lane, now the one used last; others that rest make room for it. */
  function laneOf(userId: string): Lane {
    const lane = lanes.get(userId) ?? { waiting: [], running: undefined, account: undefined };
    lanes.delete(userId);
    for (const [other, { running: isRunning }] of lanes) {
      if (lanes.size < LANES_MAX) break;
      if (!isRunning) lanes.delete(other);
    }
    lanes.set(userId, lane);
    return lane;
  }

  return {
    read,
    change: <T>(userId: string, change: Change<T>) =>
      new Promise<T>((resolve, reject) => {
        const lane = laneOf(userId);
        if (lane.waiting.length >= WAITING_MAX) {
          reject(new StoreUnavailable(`more than ${WAITING_MAX} changes of one account wait`));
          return;
        }
        lane.waiting.push({ change, resolve: (result) => resolve(result as T), reject }); // Its own change made it.
        if (lane.running) return;
        const worker: Promise<void> = Promise.resolve()
          .then(() => work(userId, lane))
          .finally(() => running.delete(worker));
        lane.running = worker;
        running.add(worker);
      }),
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
