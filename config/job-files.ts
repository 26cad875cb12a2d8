// What a data job and the gateways tell each other: two files beside the job's certificate, each replaced whole. JOB.status.json
// is how far the job is, written by its process; JOB.ask.json is what an operator asks of it, taken away by its process.
import { join } from 'node:path';
import { z } from 'zod';
import { jobName } from './plan-schema.ts';

/** A larger file is none of these. */
export const JOB_FILE_BYTES_MAX = 65_536;
/** A job that runs tells at least so often. */
export const JOB_TELL_INTERVAL_MS = 1_000;

const STATUS_ENDING = '.status.json';
export const jobStatusFile = (folder: string, job: string): string => join(folder, job + STATUS_ENDING);
export const jobAskFile = (folder: string, job: string): string => join(folder, `${job}.ask.json`);

/** The job that a file of the folder is the status of; undefined for any other file. */
export function jobOfStatusFile(file: string): string | undefined {
  const name = file.endsWith(STATUS_ENDING) ? file.slice(0, -STATUS_ENDING.length) : '';
  return jobName.safeParse(name).success ? name : undefined;
}

const count = z.number().int().min(0);
const instant = z.iso.datetime().describe('ISO 8601, UTC.');

/** What its process last did: `stopped` by somebody, at its end, or blocked until somebody has looked. */
export const JOB_STATES = ['running', 'stopped', 'caught_up', 'blocked'] as const;
export const JOB_STEPS = ['copy', 'follow'] as const;

/** How far a job is, by its ledger; what is counted of a row is counted once, however often the job was killed. */
export const jobStatus = z.object({
  job: jobName,
  at: instant,
  state: z.enum(JOB_STATES),
  reason: z.string().nullable().describe('Why it is blocked.'),
  paused: z.boolean(),
  holding: z.string().nullable().describe('Why copying waits.'),
  step: z.enum(JOB_STEPS).describe('copy until every chunk is written, then follow.'),
  table: z.string().describe('Of the source.'),
  rows: z.object({
    planned: count.describe('Rows that the plan found.'),
    read: count,
    written: count,
    skipped: count.describe("Rows whose item was newer already, or the service's own."),
    rejected: count.describe('Dead letters: rows that cannot be mapped, of the copy and of changes.'),
  }),
  chunks: z.object({ total: count, done: count }),
  changes: z.object({
    applied: count,
    copied: count.describe('Changes that the copy had already.'),
    skipped: count.describe("Changes whose item was newer already, or the service's own."),
    waiting: count.describe('Changes that were received and are not applied yet.'),
  }),
  perSecond: z.number().describe('Rows and changes that went through lately.'),
  etaMs: z.number().nullable().describe('Until all rows are copied, at that rate; null where it cannot be told.'),
  logBytes: count.nullable().describe('Log that the source keeps for the job; null where it was not asked.'),
  pace: z.object({
    atOnce: count.describe('Writes under way at most.'),
    throttled: count.describe('Writes that the target throttled, since the process began.'),
    reason: z.string().nullable().describe('What was short when it last did.'),
  }),
});
export type JobStatus = z.infer<typeof jobStatus>;

/** What an operator asks of a job. */
export const jobAsk = z.object({
  paused: z.boolean(),
  by: z.string(),
  at: instant,
  reason: z.string(),
});
export type JobAsk = z.infer<typeof jobAsk>;
