// The commands of who writes: the way back, rehearse, cutover, rollback, finalize.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createStreamsCaller } from '../../backend/store/dynamo-wire.ts';
import { createDynamoFeed, streamArn } from '../back/dynamo-streams.ts';
import { type BackCounts, follow, refusals } from '../back/follow.ts';
import { FINALIZE_STEPS, finalize } from '../cutover/finalize.ts';
import { rehearse } from '../cutover/rehearse.ts';
import type { Switch } from '../cutover/sides.ts';
import { cutOver, problemsOf, rollBack } from '../cutover/switch.ts';
import { TimedOut } from '../cutover/wait.ts';
import type { Job } from '../jobs/job.ts';
import { isCaughtUp } from '../run/engine.ts';
import { readCertificate } from '../verify/certificate.ts';
import { CommandError, EXIT, type Output, type Result } from './answer.ts';
import { type Context, checkedPlan, engineOf } from './context.ts';
import { following } from './work.ts';

const COMMAND_TIMEOUT_MS = 15_000;

/** A command of the operator's, by the shell; what it prints is shown. */
async function runCommand(command: string): Promise<void> {
  const child = spawn(command, { shell: true, stdio: ['ignore', 2, 2], timeout: COMMAND_TIMEOUT_MS });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command}: ended with ${code ?? signal}`);
}

export type Commands = { readonly flip?: string; readonly unflip?: string };

async function withSwitch(
  context: Context,
  job: Job,
  { flip, unflip, output }: Commands & { readonly output: Output },
  work: (at: Switch) => Promise<Result>,
): Promise<Result> {
  const { config, pool, ledger, target } = context;
  const plan = await checkedPlan(context, job);
  const caller = createStreamsCaller(target.client, { ...config.dynamo, now: Date.now });
  try {
    const feed = createDynamoFeed(caller, await streamArn(target.client, config.dynamo.table));
    return await work({
      ...{ job, pool, target, planHash: plan.hash, plannedAtMs: Date.parse(plan.plannedAt) },
      table: config.dynamo.table,
      back: { job, schema: plan.source.schema, pool, feed },
      streamSettleMs: config.streamSettleMs,
      jobProblems: () => jobProblems(context, job, plan.hash),
      isCaughtUp: (position) => isCaughtUp({ job, ledger }, position),
      readRow: engineOf(context, job, plan).source.readRow,
      whileRunning: (inner) => following(context, job, plan, inner),
      flip: flip === undefined ? undefined : () => runCommand(flip),
      unflip: unflip === undefined ? undefined : () => runCommand(unflip),
      say: output.err,
    });
  } catch (error) {
    if (error instanceof TimedOut) throw new CommandError(EXIT.timedOut, error.message, { cause: error });
    throw error;
  } finally {
    await caller.close();
  }
}

async function jobProblems({ config, ledger }: Context, job: Job, planHash: string): Promise<string[]> {
  const problems: string[] = [];
  const verify = `run: banyan-migrate verify ${job.name}`;
  const found = readCertificate(config.certificates, job.name, config.signingKey);
  if (!found) problems.push(`there is no certificate; ${verify}`);
  else if (!found.signed) problems.push(`its certificate is not signed with MIGRATION_SIGNING_KEY; ${verify}`);
  else if (found.certificate.result !== 'verified') problems.push(`its verification failed; ${verify}`);
  else if (found.certificate.plan.hash !== planHash) problems.push(`its certificate is of another plan; ${verify}`);
  else if (Date.parse(found.certificate.validUntil) <= Date.now()) problems.push(`its certificate ended; ${verify}`);
  const state = await ledger.job(job.name);
  if (state === undefined) return [...problems, `it was not run; run: banyan-migrate run ${job.name}`];
  if (state.state === 'blocked') problems.push(`it is blocked: ${state.reason}`);
  if (state.paused) problems.push(`it is paused; run: banyan-migrate resume ${job.name}`);
  const waived = found?.certificate.waivers.find(({ what }) => what === 'deadLetters')?.count ?? 0;
  if (state.deadLetters > waived) problems.push(`it has ${state.deadLetters} dead letters, ${waived} of them waived`);
  return problems;
}

export type Ends = { readonly output: Output; readonly signal: AbortSignal };

/** Until it is told to end. */
export function wayBack(context: Context, job: Job, { output, signal }: Ends): Promise<Result> {
  return withSwitch(context, job, { output }, async ({ back }) => {
    const counts = { written: 0, kept: 0, refused: 0, own: 0 };
    const add = (more: BackCounts) => {
      for (const name of ['written', 'kept', 'refused', 'own'] as const) counts[name] += more[name];
    };
    output.err(`${job.name} is written back`);
    const how = await follow(back, { signal, onCounts: add });
    if (how === 'busy') throw new CommandError(EXIT.conflict, `another process writes ${job.name} back already`);
    const text = `${job.name}: written back ${counts.written}, kept ${counts.kept}, refused ${counts.refused}, the job's own ${counts.own}`;
    return { json: { job: job.name, ...counts }, text };
  });
}

const REFUSALS_SHOWN_MAX = 1_000;

export function listRefusals(context: Context, job: Job, { output }: Ends): Promise<Result> {
  return withSwitch(context, job, { output }, async ({ back }) => {
    const refused = await refusals(back, REFUSALS_SHOWN_MAX);
    const lines = refused.map(({ key, reason }) => `${key}  ${reason}`);
    return { json: { job: job.name, refused }, text: lines.length === 0 ? 'nothing was refused' : lines.join('\n') };
  });
}

export function rehearseBack(context: Context, job: Job, { output }: Ends): Promise<Result> {
  return withSwitch(context, job, { output }, async (at) => {
    const seen = await rehearse(at);
    return { json: { job: job.name, seen }, text: [...seen, `${job.name}: the way back is proven`].join('\n') };
  });
}

export type CutoverCommand = Commands & Ends & { readonly dryRun: boolean };

export function cutover(context: Context, job: Job, command: CutoverCommand): Promise<Result> {
  return withSwitch(context, job, command, async (at) => {
    const outcome = command.dryRun ? await dryCutover(at) : await cutOver(at);
    const json = { job: job.name, ...outcome };
    switch (outcome.kind) {
      case 'refused':
        return { json, text: outcome.problems.map((line) => `not yet: ${line}`).join('\n'), code: EXIT.gateNotMet };
      case 'aborted':
        return { json, text: `${job.name}: aborted, all is as it was: ${outcome.reason}`, code: EXIT.timedOut };
      case 'ready':
        return { json, text: `${job.name} could be cut over now` };
      case 'already':
        return { json, text: `${job.name} is written on the new side already` };
      case 'done':
        return { json, text: `${job.name} is written on the new side; keep its way back running until finalize` };
    }
  });
}

async function dryCutover(at: Switch) {
  const problems = await problemsOf(at);
  return problems.length === 0 ? ({ kind: 'ready' } as const) : ({ kind: 'refused', problems } as const);
}

export type RollbackCommand = Commands & Ends & { readonly acceptRefusals: boolean };

export function rollback(context: Context, job: Job, command: RollbackCommand): Promise<Result> {
  return withSwitch(context, job, command, async (at) => {
    const outcome = await rollBack(at, command.acceptRefusals);
    const json = { job: job.name, ...outcome };
    if (outcome.kind === 'refused')
      return { json, text: outcome.problems.map((line) => `not yet: ${line}`).join('\n'), code: EXIT.gateNotMet };
    const text = outcome.kind === 'already' ? `${job.name} is written by legacy already` : `${job.name}: legacy writes`;
    return { json, text };
  });
}

export function finish(context: Context, job: Job, { dryRun, output }: Ends & { dryRun: boolean }): Promise<Result> {
  return withSwitch(context, job, { output }, async (at) => {
    if (dryRun) return { json: { job: job.name, steps: FINALIZE_STEPS }, text: FINALIZE_STEPS.join('\n') };
    const done = (await finalize(at)) ?? [];
    const text = done.length === 0 ? `${job.name}: there is nothing to finalize` : done.join('\n');
    return { json: { job: job.name, done }, text };
  });
}
