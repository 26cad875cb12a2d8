// The ledger: the durable truth about jobs, their chunks, the changes received and not yet applied (the spool), and dead
// letters. sqlite.ts is the embedded one, postgres.ts that of several processes; test/contracts/migration-ledger.ts is what every one must keep.
import type { Key, KeyColumn, KeyRange } from '../jobs/key.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { Row } from '../postgres/values.ts';

/** `blocked`: the job must not go on, for `reason`, until somebody has looked. */
export type JobState = 'running' | 'blocked';

export const COUNTS = [
  'rowsRead', // Rows of chunks that are done, whatever became of them.
  'rowsWritten', // Rows of chunks put as items.
  'rowsKept', // Rows whose item was newer already, or the service's own.
  'changesApplied',
  'changesSeen', // Changes that the chunk's snapshot held already.
  'changesKept', // Changes whose item was newer already, or the service's own.
] as const;
export type Counts = Readonly<Record<(typeof COUNTS)[number], number>>;

export type NewJob = {
  readonly name: string;
  readonly planHash: string;
  readonly key: readonly KeyColumn[];
  /** All that commits from here on will come as changes. */
  readonly startLsn: Lsn;
  /** Upper ends of the chunks, ascending, in the order of their keys; the last is null, open. */
  readonly upTos: readonly (Key | null)[];
};

export type LedgerJob = {
  readonly name: string;
  readonly planHash: string;
  readonly state: JobState;
  readonly reason: string | null;
  readonly paused: boolean;
  /** Every change that committed before it is in the ledger, or applied. */
  readonly spooledLsn: Lsn;
  readonly counts: Counts;
  readonly chunks: { readonly total: number; readonly done: number };
  /** Changes received and not yet applied. */
  readonly pending: number;
  readonly deadLetters: number;
};

export type Chunk = KeyRange & {
  readonly id: number;
  readonly done: boolean;
  /** The snapshot that decides which changes are news to it: of the first read that anything was written from. */
  readonly snapshot: string | null;
};

/** A chunk, and what says that it is ours: whoever claims it next takes it over. */
export type Claim = Chunk & { readonly token: string };

/** Another process has taken over what this one was at, or done it: what it did does not count, and is harmless. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** One thing to do to one item because of a committed change of the source. */
export type Effect = {
  readonly kind: 'put' | 'delete';
  readonly commitLsn: Lsn;
  /** Of the effect within its transaction. */
  readonly seq: number;
  readonly xid: bigint;
  readonly key: Key;
  /** As it is after the change, or, for a delete, as it was before. */
  readonly row: Row;
};
/** An effect whose chunk is written, with the snapshot that it was written from. */
export type ReadyEffect = Effect & { readonly id: number; readonly snapshot: string };

export type DeadLetter = {
  readonly key: Key;
  readonly reason: string;
  readonly row: Row;
  /** What the item would have had as its version. */
  readonly version: string;
  /** ISO time. */
  readonly at: string;
};

export type Ledger = {
  /** 'other': the job is there under another plan, and nothing was changed. */
  readonly begin: (job: NewJob) => Promise<'begun' | 'present' | 'other'>;
  readonly job: (name: string) => Promise<LedgerJob | undefined>;
  /** Forgets everything of the job. */
  readonly remove: (name: string) => Promise<void>;
  readonly setState: (name: string, state: JobState, reason: string | null) => Promise<void>;
  readonly setPaused: (name: string, paused: boolean) => Promise<void>;

  /** In the order of their keys; none of a job that was not begun. */
  readonly chunks: (name: string) => Promise<readonly Chunk[]>;
  /** Takes the chunk, from another process too; undefined when it is done. Calls with an older claim throw Superseded. */
  readonly claimChunk: (name: string, id: number) => Promise<Claim | undefined>;
  /**
   * To be called before anything of the chunk is written. Keeps `snapshot` if it is the first, and answers the one kept: a
   * chunk that is read again after a crash stays judged by its first snapshot, whose rows may be in the target.
   */
  readonly beginChunk: (name: string, claim: Claim, snapshot: string) => Promise<string>;
  /** Ends the chunk at `at`; what is above becomes a chunk of its own, which is answered. Changes received go with their keys. */
  readonly splitChunk: (name: string, claim: Claim, at: Key) => Promise<Chunk>;
  /** The chunk's rows are in the target, and its changes become ready. */
  readonly finishChunk: (
    name: string,
    claim: Claim,
    done: { counts: Partial<Counts>; letters: readonly DeadLetter[] },
  ) => Promise<void>;

  /**
   * To be called before receiving; answers the receiver's token, and from then on an older one throws Superseded. Forgets
   * changes of a transaction that was not received whole: they come again.
   */
  readonly beginReceiving: (name: string) => Promise<string>;
  /**
   * Durable when it resolves. The first `committed` effects, and all that were open before, belong to whole transactions;
   * the rest stays open. `endLsn`, if given, is the new `spooledLsn`.
   */
  readonly spool: (
    name: string,
    receiver: string,
    received: { effects: readonly Effect[]; committed: number; endLsn: Lsn | undefined },
  ) => Promise<void>;
  /** Of chunks that are done, oldest first. */
  readonly ready: (name: string, limit: number) => Promise<readonly ReadyEffect[]>;
  /**
   * Takes effects out, since the target has them. Throws Superseded, and does nothing, when one of them is out already. `letters` of rows that could not be mapped,
   * `cleared` of rows that could.
   */
  readonly settle: (
    name: string,
    done: {
      ids: readonly number[];
      counts: Partial<Counts>;
      letters: readonly DeadLetter[];
      cleared: readonly Key[];
    },
  ) => Promise<void>;
  /** Of one row, oldest first. */
  readonly pendingOf: (name: string, key: Key) => Promise<readonly Effect[]>;

  /** Unless it was replaced by another meanwhile. */
  readonly dropDeadLetter: (name: string, letter: DeadLetter) => Promise<void>;
  readonly deadLetter: (name: string, key: Key) => Promise<DeadLetter | undefined>;
  /** By key, going on after `after`. */
  readonly deadLetters: (name: string, limit: number, after?: Key) => Promise<readonly DeadLetter[]>;
  readonly close: () => Promise<void>;
};
