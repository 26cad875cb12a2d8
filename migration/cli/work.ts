// The commands that move and prove: run, worker and verify.
import { setTimeout as delay } from 'node:timers/promises';
import type { JobStatus } from '../../config/job-files.ts';
import type { Job } from '../jobs/job.ts';
import type { Plan } from '../plan/plan.ts';
import { ensureSlot, replicaIdentity, slotHealth } from '../postgres/slot.ts';
import { type Outcome, type Progress, runJob, type Spread } from '../run/run.ts';
import { tryLead } from '../spread/lead.ts';
import { openChunkQueue } from '../spread/queue.ts';
import { followAsks, takeAsk } from '../status/asks.ts';
import { createTeller, STATE_OF_OUTCOME, type Teller } from '../status/tell.ts';
import { keyText } from '../target/dynamo.ts';
import { certificateOf, writeCertificate } from '../verify/certificate.ts';
import { verifyJob } from '../verify/verify.ts';
import { CommandError, EXIT, type Output, type Result } from './answer.ts';
import { type Context, checkedPlan, engineOf } from './context.ts';
import { pauseOrResume } from './pausing.ts';
import { progressText } from './render.ts';

/** Between lines of progress where they cannot be written over. */
const PROGRESS_INTERVAL_MS = 10_000;
const BEGIN_PAUSE_MS = 200;
/** A queue is of one plan: what is left of another's brings nothing. */
const QUEUE_HASH_CHARS = 16;

export type RunCommand = {
  readonly untilCaughtUp: boolean;
  readonly signal: AbortSignal;
  readonly output: Output;
  readonly spread?: Spread;
};

/** The slot first: whatever commits after it is made will come as a change, so that nothing falls between. */
async function begin({ pool, ledger }: Context, job: Job, plan: Plan, output: Output): Promise<void> {
  const { startLsn, done } = await ensureSlot(pool, job);
  for (const line of done) output.err(line);
  await ledger.begin({ name: job.name, planHash: plan.hash, key: job.key, startLsn, upTos: plan.upTos });
}

/** One of several workers begins the job, the others wait for it. */
async function beginElected(context: Context, job: Job, plan: Plan, output: Output): Promise<void> {
  while (!(await context.ledger.job(job.name))) {
    const lead = await tryLead(context.pool, job);
    try {
      if (lead && !(await context.ledger.job(job.name))) await begin(context, job, plan, output);
    } finally {
      lead?.release();
    }
    await delay(BEGIN_PAUSE_MS);
  }
}

/** One process of several of the same job. */
export async function worker(context: Context, job: Job, command: RunCommand): Promise<Result> {
  const { config, pool } = context;
  const { ledgerUrl, redisUrl } = config;
  if (ledgerUrl === undefined || redisUrl === undefined)
    throw new CommandError(
      EXIT.usage,
      'workers share a ledger and a queue: set MIGRATION_LEDGER_URL and MIGRATION_REDIS_URL',
    );
  const { hash } = await checkedPlan(context, job);
  const queue = openChunkQueue(redisUrl, `migration-${job.name}-${hash.slice(0, QUEUE_HASH_CHARS)}`);
  const onProblem = (error: unknown) => command.output.err(`the queue of chunks: ${String(error)}`);
  try {
    return await run(context, job, { ...command, spread: { tryLead: () => tryLead(pool, job), queue, onProblem } });
  } finally {
    await queue.close();
  }
}

export async function run(context: Context, job: Job, command: RunCommand): Promise<Result> {
  const { untilCaughtUp, signal, output, spread } = command;
  const { pool, ledger } = context;
  const plan = await checkedPlan(context, job);
  if ((await replicaIdentity(pool, job)) !== 'f')
    throw new CommandError(EXIT.conflict, `the replica identity is not full; run: banyan-migrate setup ${job.name}`);
  if (spread) await beginElected(context, job, plan, output);
  else if (!(await ledger.job(job.name))) await begin(context, job, plan, output);
  const take = () =>
    takeAsk(context.config.certificates, job.name, ({ paused }) => pauseOrResume(context, job, paused));
  const asksProblem = (error: unknown) => output.err(`what a gateway asked was not done: ${String(error)}`);
  await take().catch(asksProblem);
  const present = await ledger.job(job.name);
  if (present?.planHash !== plan.hash)
    throw new CommandError(
      EXIT.conflict,
      `${job.name} is under way by another plan; put that plan file back, or: banyan-migrate reset ${job.name}`,
    );
  if (present.state === 'blocked')
    throw new CommandError(
      EXIT.error,
      `${job.name} is blocked: ${present.reason}; then: banyan-migrate resume ${job.name}`,
    );
  const report = createReporter(context, output);
  const teller = tellerOf(context, job, plan, output);
  const asks = followAsks(take, asksProblem);
  let state: JobStatus['state'] = 'stopped'; // Also when the run fails: it was not blocked, and may be begun again.
  try {
    const outcome = await runJob(engineOf(context, job, plan), {
      ...{ signal, untilCaughtUp, spread },
      slotHealth: () => slotHealth(pool, job),
      onProgress(progress) {
        report(progress);
        teller.progress(progress);
      },
      onReconnect: (error) => output.err(`the stream of changes was lost and is begun again: ${String(error)}`),
    });
    state = STATE_OF_OUTCOME[outcome.kind];
    return outcomeResult(job, outcome);
  } finally {
    await asks.close();
    const last = await ledger.job(job.name);
    if (last) teller.ended(last, state);
  }
}

/** Tells gateways how far the job is. */
function tellerOf({ config, target }: Context, job: Job, { findings }: Plan, output: Output): Teller {
  return createTeller({
    job,
    folder: config.certificates,
    rowsPlanned: findings.rows,
    pace: target.pace.state,
    nowMs: Date.now,
    onProblem: (error) => output.err(`gateways are not told how far the job is: ${String(error)}`),
  });
}

function outcomeResult(job: Job, outcome: Outcome): Result {
  const json = { job: job.name, ...outcome };
  if (outcome.kind === 'blocked') return { json, text: `${job.name} is blocked: ${outcome.reason}`, code: EXIT.error };
  const text = outcome.kind === 'caughtUp' ? `${job.name} is caught up` : `${job.name} stopped; run it again to go on`;
  return { json, text };
}

/** Over one line on a terminal, else a line now and then. */
function createReporter({ target }: Context, output: Output): (progress: Progress) => void {
  let last: { readonly progress: Progress; readonly atMs: number } | undefined;
  return function report(progress) {
    const atMs = Date.now();
    const sinceMs = last === undefined ? 0 : atMs - last.atMs;
    if (last !== undefined && output.over === undefined && sinceMs < PROGRESS_INTERVAL_MS) return;
    const line = progressText(progress, last?.progress, sinceMs / 1000, target.pace.state());
    (output.over ?? output.err)(line);
    last = { progress, atMs };
  };
}

/** What changes during `work` is applied, by the run under way or, where there is none, by one of our own. */
export async function following<T>(context: Context, job: Job, plan: Plan, work: () => Promise<T>): Promise<T> {
  const { pool, ledger } = context;
  const present = await ledger.job(job.name);
  const health = await slotHealth(pool, job);
  if (present?.state === 'blocked' || health === undefined || health.active) return work();
  const ending = new AbortController();
  const running = runJob(engineOf(context, job, plan), {
    signal: ending.signal,
    untilCaughtUp: false,
    slotHealth: () => slotHealth(pool, job),
    onProgress: () => {},
    onReconnect: () => {},
  });
  running.catch(() => {}); // Awaited below, whatever comes of the work.
  try {
    return await work();
  } finally {
    ending.abort();
    await running;
  }
}

export type VerifyCommand = { readonly validHours: number; readonly deadLettersWaived: string | undefined };

/** Compares both sides and writes the certificate, whatever it says. */
export async function verify(context: Context, job: Job, command: VerifyCommand): Promise<Result> {
  const { config, pool, ledger, target } = context;
  const key = config.signingKey;
  if (key === undefined)
    throw new CommandError(
      EXIT.usage,
      'set MIGRATION_SIGNING_KEY (or _FILE), which signs the certificate: openssl rand -hex 32',
    );
  const plan = await checkedPlan(context, job);
  const present = await ledger.job(job.name);
  if (present?.planHash !== plan.hash)
    throw new CommandError(EXIT.conflict, `${job.name} was not run by this plan; run: banyan-migrate run ${job.name}`);
  if (present.chunks.done < present.chunks.total)
    throw new CommandError(EXIT.conflict, `${job.name} is not copied yet; run: banyan-migrate run ${job.name}`);
  const plannedAtMs = Date.parse(plan.plannedAt);
  const findings = await following(context, job, plan, () =>
    verifyJob({ job, pool, ledger, plannedAtMs, target, keyText }),
  );
  const { validHours, deadLettersWaived } = command;
  const validMs = validHours * 3_600_000;
  const body = certificateOf({ plan, findings, nowMs: Date.now(), validMs, deadLettersWaived });
  const file = writeCertificate(config.certificates, body, key);
  const { missing, extra, altered, unsettled, unreadable, deadLetters, ownItems } = body;
  const lines = [
    `${job.name}: ${body.result}; ${body.rows} rows in ${body.chunks} chunks, ${findings.lookedAtAgain} looked at again`,
    `missing ${missing}, extra ${extra}, altered ${altered}, unsettled ${unsettled}, unreadable ${unreadable}`,
    `dead letters ${deadLetters}${body.waivers.length > 0 ? ' (waived)' : ''}, the service's own items ${ownItems}`,
    ...findings.examples.map((example) => `${example.kind}: ${example.key.join(' ')}`),
    `certificate ${file}, until ${body.validUntil}`,
  ];
  const code = body.result === 'verified' ? EXIT.ok : EXIT.gateNotMet;
  return { json: { ...body, examples: findings.examples, file }, text: lines.join('\n'), code };
}
