// Data jobs, as the API says them: what their processes last told, and what that amounts to.
import { z } from 'zod';
import { jobAsk, jobStatus } from '../../../config/job-files.ts';
import { JOB_CONDITIONS, JOB_PHASES } from '../../jobs/job-view.ts';
import { count, instant, list, named, revision } from './named.ts';
import { reason } from './reason.ts';

const condition = z
  .enum(JOB_CONDITIONS)
  .describe('silent: it is said to run, and nothing is heard of it. unknown: it was not run yet.');
const phase = z
  .enum(JOB_PHASES)
  .nullable()
  .describe('verified: by a certificate that counts. cut_over: and new serves every route that needs it.');

/** What of a job changes seldom. */
export const jobInBrief = { job: z.string(), condition, phase, attention: z.string().nullable() };

export const job = named(
  'Job',
  z.strictObject({
    ...jobInBrief,
    revision,
    silentMs: z.number().nullable().describe('Since its process last told how far it is.'),
    status: named('JobStatus', jobStatus).nullable().describe('What it told then.'),
    certificate: z.strictObject({
      problem: z.string().nullable().describe('Why it does not count.'),
      at: instant.nullable(),
      validUntil: instant.nullable(),
      rows: count.nullable().describe('Rows that were compared.'),
    }),
    asked: named('JobAsk', jobAsk).nullable().describe('What it was asked and has not taken yet.'),
    neededBy: list(z.string()).describe('Routes whose promotion needs its certificate.'),
  }),
);
export const jobList = named('JobList', z.strictObject({ jobs: list(job) }));
export const pausedBody = named('JobPaused', z.strictObject({ paused: z.boolean(), reason }));
