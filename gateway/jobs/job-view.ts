// What a data job's files, its certificate and the routes that need it amount to. Pure.
import { JOB_STEPS, type JobAsk, type JobStatus } from '../../config/job-files.ts';
import type { Certificate } from '../rollout/facts.ts';
import type { Stage } from '../rollout/stage.ts';
import type { ToldJob } from './job-folder.ts';

/** A job that is said to run and has told nothing for so long has died, or its machine has. */
export const SILENT_MS = 10_000;

/** What a job does; `silent`: it is said to run, and nothing is heard of it; `unknown`: it has told nothing. */
export const JOB_CONDITIONS = ['running', 'paused', 'silent', 'stopped', 'caught_up', 'blocked', 'unknown'] as const;
export type JobCondition = (typeof JOB_CONDITIONS)[number];

/** How far its data is: `verified` by a certificate that counts, `cut_over` when new serves every route that needs it. */
export const JOB_PHASES = [...JOB_STEPS, 'verified', 'cut_over'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

export interface NeedingRoute {
  readonly id: string;
  readonly stage: Stage;
}

export interface JobView {
  readonly job: string;
  readonly condition: JobCondition;
  /** Null while nothing is known of its data. */
  readonly phase: JobPhase | null;
  /** A sentence, where somebody should look. */
  readonly attention: string | null;
  /** Since the job last told anything; null where it never did. */
  readonly silentMs: number | null;
  /** As it last told it. */
  readonly status: JobStatus | null;
  readonly certificate: {
    /** Why it does not count, or null. */
    readonly problem: string | null;
    readonly at: string | null;
    readonly validUntil: string | null;
    readonly rows: number | null;
  };
  /** What it was asked and has not taken yet. */
  readonly asked: JobAsk | null;
  /** Routes whose promotion needs its certificate. */
  readonly neededBy: readonly string[];
}

export interface JobFacts {
  readonly told: ToldJob;
  readonly certificate: Certificate;
  readonly neededBy: readonly NeedingRoute[];
  readonly nowMs: number;
}

export function viewOfJob({ told, certificate, neededBy, nowMs }: JobFacts): JobView {
  const { job, status = null, asked = null, problem } = told;
  const silentMs = status && Math.max(0, nowMs - Date.parse(status.at));
  const condition = conditionOf(status, silentMs ?? 0);
  return {
    job,
    condition,
    phase: phaseOf(status, certificate, neededBy),
    attention: problem ?? attentionOf(condition, status, silentMs ?? 0),
    silentMs,
    status,
    certificate: {
      problem: certificate.problem ?? null,
      at: certificate.at ?? null,
      validUntil: certificate.validUntil ?? null,
      rows: certificate.rows ?? null,
    },
    asked,
    neededBy: neededBy.map(({ id }) => id),
  };
}

function conditionOf(status: JobStatus | null, silentMs: number): JobCondition {
  if (!status) return 'unknown';
  if (status.state === 'running' && silentMs > SILENT_MS) return 'silent';
  return status.paused && status.state !== 'blocked' ? 'paused' : status.state;
}

function phaseOf(
  status: JobStatus | null,
  { problem }: Certificate,
  neededBy: readonly NeedingRoute[],
): JobPhase | null {
  if (problem !== undefined) return status?.step ?? null;
  const isCutOver = neededBy.length > 0 && neededBy.every(({ stage }) => stage === 'live' || stage === 'complete');
  return isCutOver ? 'cut_over' : 'verified';
}

function attentionOf(condition: JobCondition, status: JobStatus | null, silentMs: number): string | null {
  if (condition === 'blocked') return `blocked: ${status?.reason ?? 'it does not say why'}`;
  if (condition === 'silent')
    return `nothing heard for ${Math.round(silentMs / 1_000)} s: its process is gone; run it again, it goes on where it was`;
  return null;
}
