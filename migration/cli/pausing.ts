// Pausing a job and letting it go on, whoever asks: the command line, or an operator by way of a gateway.
import type { Job } from '../jobs/job.ts';
import { tellPaused } from '../status/tell.ts';
import { CommandError, EXIT, type Result } from './answer.ts';
import type { Context } from './context.ts';

/** To go on also takes a block away: somebody has looked. @throws when the job was not run yet */
export async function pauseOrResume(
  { ledger }: Pick<Context, 'ledger'>,
  { name }: Pick<Job, 'name'>,
  paused: boolean,
): Promise<void> {
  const present = await ledger.job(name);
  if (!present) throw new CommandError(EXIT.conflict, `${name} was not run yet`);
  await ledger.setPaused(name, paused);
  if (!paused && present.state === 'blocked') await ledger.setState(name, 'running', null);
}

export async function setPaused(context: Context, job: Job, paused: boolean): Promise<Result> {
  await pauseOrResume(context, job, paused);
  tellPaused(context.config.certificates, job.name, paused, Date.now());
  const text = paused
    ? `${job.name} pauses within a second; changes are still received`
    : `${job.name} goes on, in the run under way or in the next one`;
  return { json: { job: job.name, paused }, text };
}
