// Tells gateways how far a job is: a small file beside its certificate, replaced whole.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type JobStatus, jobAskFile, jobStatus, jobStatusFile } from '../../config/job-files.ts';
import type { Job } from '../jobs/job.ts';
import type { LedgerJob } from '../ledger/ledger.ts';
import type { Outcome, Progress } from '../run/run.ts';
import type { PaceState } from '../target/pace.ts';
import { createRate } from './rate.ts';

export type Teller = {
  /** To be called as often as the run looks, which is once a second. Never throws. */
  readonly progress: (progress: Progress) => void;
  /** The run has ended; `ledgerJob` is how the job stands now. Never throws. */
  readonly ended: (ledgerJob: LedgerJob, state: JobStatus['state']) => void;
};

export type TellerOptions = {
  readonly job: Job;
  /** Where certificates are. */
  readonly folder: string;
  /** Rows that the plan found. */
  readonly rowsPlanned: number;
  readonly pace: () => PaceState;
  readonly nowMs: () => number;
  /** Hears once why nobody is told: a full disk must not end the job. */
  readonly onProblem: (error: unknown) => void;
};

export function createTeller({ job, folder, rowsPlanned, pace, nowMs, onProblem }: TellerOptions): Teller {
  const readRate = createRate();
  const doneRate = createRate();
  let logBytes: number | null = null;
  let isToldOf = false;

  function tell(ledgerJob: LedgerJob, state: JobStatus['state'], holding: string | null): void {
    const atMs = nowMs();
    const { counts } = ledgerJob;
    const changes = counts.changesApplied + counts.changesSeen + counts.changesKept;
    const rates = { read: readRate(counts.rowsRead, atMs), done: doneRate(counts.rowsRead + changes, atMs) };
    const known = { table: `${job.table.schema}.${job.table.name}`, rowsPlanned, pace: pace(), logBytes };
    try {
      writeStatus(folder, statusOf(ledgerJob, { ...known, state, holding, rates, atMs }));
      isToldOf = false;
    } catch (error) {
      if (!isToldOf) onProblem(error);
      isToldOf = true;
    }
  }

  return {
    progress({ job: ledgerJob, slot, holding }) {
      logBytes = Math.max(0, slot.keptBytes);
      tell(ledgerJob, 'running', holding ?? null);
    },
    ended: (ledgerJob, state) => tell(ledgerJob, state, null),
  };
}

export const STATE_OF_OUTCOME = {
  stopped: 'stopped',
  caughtUp: 'caught_up',
  blocked: 'blocked',
} as const satisfies Record<Outcome['kind'], JobStatus['state']>;

type Known = {
  readonly table: string;
  readonly rowsPlanned: number;
  readonly pace: PaceState;
  readonly logBytes: number | null;
  readonly state: JobStatus['state'];
  readonly holding: string | null;
  readonly rates: { readonly read: number; readonly done: number };
  readonly atMs: number;
};

/** The status of a job as its ledger has it. Pure. */
export function statusOf({ name, reason, paused, counts, chunks, pending, deadLetters }: LedgerJob, known: Known) {
  const { table, rowsPlanned, pace, logBytes, state, holding, rates, atMs } = known;
  const isCopied = chunks.done === chunks.total;
  const left = rowsPlanned - counts.rowsRead;
  const status: JobStatus = {
    ...{ job: name, at: new Date(atMs).toISOString(), state, reason, paused, holding, table, chunks, logBytes },
    step: isCopied ? 'follow' : 'copy',
    rows: {
      planned: rowsPlanned,
      read: counts.rowsRead,
      written: counts.rowsWritten,
      skipped: counts.rowsKept,
      rejected: deadLetters,
    },
    changes: {
      applied: counts.changesApplied,
      copied: counts.changesSeen,
      skipped: counts.changesKept,
      waiting: pending,
    },
    perSecond: state === 'running' ? rates.done : 0,
    etaMs:
      state !== 'running' || isCopied || rates.read === 0 || left <= 0 ? null : Math.round((left / rates.read) * 1_000),
    pace: { atOnce: pace.atOnce, throttled: pace.throttled, reason: pace.reason ?? null },
  };
  return status;
}

/** Whole or not at all: gateways may be reading. @throws when it cannot be written */
function writeStatus(folder: string, status: JobStatus): void {
  const file = jobStatusFile(folder, status.job);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(status, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Says that a job of which no run is under way was paused or let go on; a run that is under way says it by itself. */
export function tellPaused(folder: string, job: string, paused: boolean, nowMs: number): void {
  let text: string;
  try {
    text = readFileSync(jobStatusFile(folder, job), 'utf8');
  } catch {
    return; // Nothing was told of the job yet.
  }
  const status = jobStatus.parse(JSON.parse(text));
  if (status.state === 'running') return;
  const goesOn = status.state === 'blocked' && !paused ? { state: 'stopped' as const, reason: null } : {};
  writeStatus(folder, { ...status, ...goesOn, paused, at: new Date(nowMs).toISOString() });
}

/** The job is forgotten, and so is what was asked of it. */
export function tellNothing(folder: string, job: string): void {
  rmSync(jobStatusFile(folder, job), { force: true });
  rmSync(jobAskFile(folder, job), { force: true });
}
