// What the moves of who writes work with: both sides of a job, and the way of the traffic.
import type { Pool } from 'pg';
import type { WayBack } from '../back/follow.ts';
import type { Job } from '../jobs/job.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { Source } from '../run/source.ts';
import type { DynamoTarget } from '../target/dynamo.ts';

export type Switch = {
  readonly job: Job;
  readonly planHash: string;
  readonly plannedAtMs: number;
  readonly pool: Pool;
  readonly target: DynamoTarget;
  readonly table: string;
  readonly back: WayBack;
  /** A change of the table that was made so long ago is in its stream. */
  readonly streamSettleMs: number;
  /** Why the job itself is not ready: its certificate, its state, its dead letters. */
  readonly jobProblems: () => Promise<readonly string[]>;
  /** Whether all that committed before is in the target. */
  readonly isCaughtUp: (position: Lsn) => Promise<boolean>;
  /** One row of the source as it is now. */
  readonly readRow: Source['readRow'];
  /** `work` while a run goes on, by another process or by us. */
  readonly whileRunning: <T>(work: () => Promise<T>) => Promise<T>;
  /** Moves the traffic; undefined: somebody else does. @throws when it could not */
  readonly flip: (() => Promise<void>) | undefined;
  readonly unflip: (() => Promise<void>) | undefined;
  readonly say: (line: string) => void;
};
