// What `banyan jobs` does: list the data jobs, and pause or resume one.
import type { Command } from 'commander';
import { z } from 'zod';
import type { Answer, Result, Watching } from './answer.ts';
import type { ApiClient } from './client.ts';
import { rehearse } from './rehearsal.ts';
import { watchable } from './repeat.ts';
import { table } from './table.ts';

const counts = z.looseObject({
  step: z.string(),
  rows: z.looseObject({
    ...{ planned: z.number(), read: z.number(), written: z.number(), skipped: z.number(), rejected: z.number() },
  }),
  changes: z.looseObject({ applied: z.number(), waiting: z.number() }),
  perSecond: z.number(),
});
const jobSchema = z.looseObject({
  job: z.string(),
  condition: z.string(),
  phase: z.string().nullable(),
  attention: z.string().nullable(),
  status: counts.nullable(),
  certificate: z.looseObject({ problem: z.string().nullable(), validUntil: z.string().nullable() }),
  asked: z.looseObject({ paused: z.boolean(), by: z.string(), at: z.string() }).nullable(),
});
type JobView = z.output<typeof jobSchema>;
const listSchema = z.looseObject({ jobs: z.array(jobSchema) });

const HEADS = [
  ...['JOB', 'STATE', 'PHASE', 'PLANNED', 'READ', 'WRITTEN', 'SKIPPED', 'REJECTED'],
  ...['CHANGES', 'WAITING', 'PER-S', 'CERTIFICATE'],
];
const words = (name: string | null) => name?.replaceAll('_', ' ') ?? '-';

async function listJobs(api: ApiClient): Promise<Result> {
  const { body } = await api.get('/api/jobs');
  const { jobs } = listSchema.parse(body);
  return { json: body, text: table(HEADS, jobs.map(row), 'no data job is known'), notes: jobs.flatMap(notesOf) };
}

function row({ job, condition, phase, status, certificate }: JobView): string[] {
  const { rows, changes, perSecond } = status ?? {};
  const numbers = [
    ...[rows?.planned, rows?.read, rows?.written, rows?.skipped, rows?.rejected],
    ...[changes?.applied, changes?.waiting, perSecond === undefined ? undefined : Math.round(perSecond)],
  ].map((number) => (number === undefined ? '-' : String(number)));
  const proof = certificate.problem === null ? `until ${certificate.validUntil ?? 'for good'}` : 'none that counts';
  return [job, words(condition), words(phase), ...numbers, proof];
}

function notesOf({ job, attention, asked }: JobView): string[] {
  return [
    ...(attention === null ? [] : [`${job}: ${attention}`]),
    ...(asked === null
      ? []
      : [`${job}: was asked to ${verb(asked.paused)} by ${asked.by} at ${asked.at}, waits for it`]),
  ];
}

const verb = (paused: boolean) => (paused ? 'pause' : 'resume');

/** Asks a job. It does so within a second, or when it runs next. */
async function askJob(api: ApiClient, job: string, paused: boolean, reason: string): Promise<Result> {
  const path = `/api/jobs/${encodeURIComponent(job)}`;
  const { etag } = await api.get(path);
  const { body } = await api.send('PUT', `${path}/paused`, { paused, reason }, etag);
  return { json: body, text: `${job}: asked to ${verb(paused)}`, notes: notesOf(jobSchema.parse(body)) };
}

export function addJobCommands(program: Command, answer: Answer): void {
  const jobs = watchable(program.command('jobs'))
    .description('list the data jobs: how far they are, whether that is verified, what needs somebody')
    .action((watching: Watching) => answer(listJobs, watching)());
  for (const [name, paused, description] of [
    ['pause', true, 'ask a job to hold its copying and applying; changes are still received'],
    ['resume', false, 'ask a job to go on, also after what blocked it was put right'],
  ] as const) {
    jobs
      .command(`${name} <job>`)
      .description(description)
      .requiredOption('--reason <text>', 'why; the audit log keeps it')
      .option('-n, --dry-run', 'say what would be changed, and change nothing')
      .action((job: string, { reason, dryRun }: { reason: string; dryRun?: boolean }) => {
        const work = (api: ApiClient) => askJob(api, job, paused, reason);
        return answer(dryRun ? (api) => rehearse(api, work) : work)();
      });
  }
}
