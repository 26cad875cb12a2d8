// Many submissions while two of three relays fail, another two every so often: each lands at most once, and every outcome is known.
// What landed is counted by what has arrived: each one moves an amount of its own.
import { address } from '@solana/kit';
import type { SubmissionStatus } from '../../backend/store/submission-items.ts';
import { executionWorld } from '../helpers/execution.ts';
import { newAddress, RENT_LAMPORTS, transferOf } from '../helpers/transfers.ts';
import type { RelayFault } from '../sandbox/relays/server.ts';
import { RELAY_NAMES, type RelayName } from '../sandbox/relays/tips.ts';

const BATCH_MAX = 50;
/** So that each trouble comes several times, however few there are. */
const ROUNDS_LEAST = 30;
const STEP_MS = 1000;
/** The blockhash has expired and a look has followed: nothing may be undecided. */
const STEPS_MAX = 90;

export type SubmissionsReport = {
  readonly count: number;
  readonly outcomes: Readonly<Partial<Record<SubmissionStatus, number>>>;
  /** Those whose amount arrived another number of times than their outcome says. */
  readonly wrong: readonly string[];
  /** Lamports that arrived, and those that had to by what is recorded as landed. */
  readonly arrived: bigint;
  readonly expected: bigint;
};

/** How a relay can fail, one after another. */
const TROUBLES: readonly Omit<RelayFault, 'relay'>[] = [
  { status: 503 },
  { loses: true },
  { landsThenStatus: 500 },
  { status: 429 },
];

/** Every fourth may not be sent directly, so that some expire. */
export async function submissionsSoak(count: number): Promise<SubmissionsReport> {
  const world = await executionWorld();
  try {
    const own = world.instance();
    const batch = Math.min(BATCH_MAX, Math.ceil(count / ROUNDS_LEAST));
    const ids: { readonly id: string; readonly to: string; readonly amount: bigint }[] = [];
    for (let at = 0, round = 0; at < count; at += batch, round++) {
      world.relays.clearFaults();
      const healthy = RELAY_NAMES[round % RELAY_NAMES.length];
      const trouble = TROUBLES[round % TROUBLES.length] ?? {};
      // Now and then all three, so that the last resort and expiry are had too.
      const failing: readonly RelayName[] = RELAY_NAMES.filter((name) => name !== healthy || round % 5 === 4);
      for (const relay of failing) world.relays.setFault({ relay, ...trouble });
      await Promise.all(
        Array.from({ length: Math.min(batch, count - at) }, async (_, index) => {
          const number = at + index;
          const to = await newAddress();
          const amount = RENT_LAMPORTS + BigInt(number);
          const { transaction } = await transferOf(world.chain.chain, to, amount);
          const wanted = { userId: 'user-0001', id: `soak-${number}`, transaction, allowDirect: number % 4 !== 0 };
          ids.push({ id: wanted.id, to, amount });
          // Twice, as a client does that has lost an answer.
          await Promise.all([own.submissions.submit(wanted), own.submissions.submit(wanted)]);
        }),
      );
      world.clock.nowMs += STEP_MS;
      await own.follower.pass();
    }
    // The troubles of the last round stay, so that what nobody has landed expires.
    for (let step = 0; step < STEPS_MAX; step++) {
      world.clock.nowMs += STEP_MS;
      await own.follower.pass();
    }
    const outcomes: Partial<Record<SubmissionStatus, number>> = {};
    const wrong: string[] = [];
    let arrived = 0n;
    let expected = 0n;
    for (const { id, to, amount } of ids) {
      const status = (await world.store.getSubmission('user-0001', id))?.status ?? 'pending';
      outcomes[status] = (outcomes[status] ?? 0) + 1;
      const balance = world.chain.chain.svm.getBalance(address(to)) ?? 0n;
      const owed = status === 'landed' ? amount : 0n;
      if (balance !== owed) wrong.push(`${id}: ${status}, and ${balance} of ${amount} arrived`);
      arrived += balance;
      expected += owed;
    }
    return { count: ids.length, outcomes, wrong, arrived, expected };
  } finally {
    await world.close();
  }
}
