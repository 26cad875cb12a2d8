// The moves of who writes: cutover and rollback. Each step is safe to repeat, so that after a crash anywhere the same command
// goes on; what is true is in the control row, never in this process.
import { setTimeout as delay } from 'node:timers/promises';
import { followOnce, refusals, whileFollowing } from '../back/follow.ts';
import { logPosition } from '../postgres/source.ts';
import { adopt } from './adopt.ts';
import { type Control, confirm, fence, giveBack, readControl } from './control.ts';
import type { Switch } from './sides.ts';
import { waitFor } from './wait.ts';

/** Nobody writes for so long at most; then all is as it was. */
export const CUTOVER_MS = 30_000;
const REHEARSAL_VALID_MS = 24 * 3_600_000;
const DRAIN_MS = 60_000;
const REFUSALS_TOLD_MAX = 100;
const NOBODY_WRITES =
  'the traffic is on legacy, which may not write yet: mend the item on the new side, or accept its loss, and roll back again';

async function controlOf({ pool, job }: Switch): Promise<Control> {
  const control = await readControl(pool, job);
  if (!control)
    throw new Error(`${job.name} is not set up for going back; run: banyan-migrate setup ${job.name} --way-back`);
  return control;
}

/** Everything that stands in the way of a cutover; nothing: it may be. Changes nothing. */
export async function problemsOf(at: Switch): Promise<readonly string[]> {
  const { job, planHash } = at;
  const { phase, lapsed, rehearsedAtMs, rehearsedPlan } = await controlOf(at);
  const problems = [...(await at.jobProblems())];
  if (phase === 'final') problems.push(`${job.name} is finalized`);
  if (phase === 'fenced' && !lapsed) problems.push('another cutover is under way');
  const rehearse = `run: banyan-migrate rehearse ${job.name}`;
  if (rehearsedAtMs === undefined || rehearsedPlan !== planHash)
    problems.push(`the way back was not rehearsed; ${rehearse}`);
  else if (Date.now() - rehearsedAtMs > REHEARSAL_VALID_MS)
    problems.push(`the way back was rehearsed over a day ago; ${rehearse}`);
  const [refused] = await refusals(at.back, 1);
  if (refused) problems.push(`a change could not be written back: ${refused.key}: ${refused.reason}`);
  return problems;
}

export type Cutover =
  | { readonly kind: 'done' | 'already' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  | { readonly kind: 'aborted'; readonly reason: string };

/** Legacy stops writing, all of it arrives, the new side writes. Whatever fails on the way, all is as it was. */
export async function cutOver(at: Switch, leaseMs = CUTOVER_MS): Promise<Cutover> {
  const { pool, job, say } = at;
  const before = await controlOf(at);
  if (before.phase === 'new') {
    // Perhaps an earlier one died before it moved the traffic, which is safe to move twice.
    await at.flip?.();
    return { kind: 'already' };
  }
  if (before.phase === 'fenced' && before.lapsed) {
    for (const line of await giveBack(pool, job)) say(`an earlier cutover did not end: ${line}`);
  }
  const problems = await problemsOf(at);
  if (problems.length > 0) return { kind: 'refused', problems };
  return at.whileRunning(() => whileFollowing(at.back, (signal) => cutOverNow(at, leaseMs, signal)));
}

async function cutOverNow(at: Switch, leaseMs: number, signal: AbortSignal): Promise<Cutover> {
  const { pool, job, say } = at;
  const arrive = async (ms: number) => {
    const position = await logPosition(pool);
    await waitFor(() => at.isCaughtUp(position), 'all changes are in the table', { ms, signal });
  };
  await arrive(DRAIN_MS); // While legacy still writes: what is left under the fence is little.
  try {
    await fence(pool, job, leaseMs);
    say('legacy writes no more');
    await arrive(leaseMs);
    say('all that legacy wrote is in the table');
    if (!(await confirm(pool, job))) return await abort(at, `it took more than ${leaseMs / 1000} s`);
    say('the new side may write');
    await at.flip?.();
    return { kind: 'done' };
  } catch (error) {
    return abort(at, error instanceof Error ? error.message : String(error));
  }
}

async function abort(at: Switch, reason: string): Promise<Cutover> {
  at.say(`aborted: ${reason}`);
  await comeHome(at);
  for (const { key, reason: why } of await refusals(at.back, REFUSALS_TOLD_MAX))
    at.say(`not written back: ${key}: ${why}`);
  await goBack(at);
  return { kind: 'aborted', reason };
}

/** The traffic goes to legacy, which does not write yet, and what the new side wrote until then to the source. */
async function comeHome(at: Switch): Promise<void> {
  const { phase } = await controlOf(at);
  if (phase !== 'new') return;
  await at.unflip?.();
  await drainBack(at);
  at.say('all that the new side wrote is in the source');
}

/** Legacy writes again, and the job follows it. */
async function goBack(at: Switch): Promise<void> {
  const { pool, job, say } = at;
  const { phase } = await controlOf(at);
  if (phase === 'new') {
    const adopted = await adopt(at, await logPosition(pool));
    say(`${adopted} items of the service's own follow the source again`);
  }
  for (const line of await giveBack(pool, job)) say(line);
}

/** Reads until for a while there was nothing, over every shard. */
async function drainBack({ back, streamSettleMs }: Switch): Promise<void> {
  let quietSinceMs = Date.now();
  while (Date.now() - quietSinceMs < streamSettleMs) {
    const { written, kept, refused } = await followOnce(back);
    if (written + kept + refused > 0) quietSinceMs = Date.now();
    else await delay(100);
  }
}

export type Rollback =
  | { readonly kind: 'done' | 'already' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** Legacy writes again. `acceptRefusals`: rows that could not be written back are lost to it, and that is accepted. */
export async function rollBack(at: Switch, acceptRefusals: boolean): Promise<Rollback> {
  const { phase } = await controlOf(at);
  if (phase === 'legacy') return { kind: 'already' };
  if (phase === 'final') return { kind: 'refused', problems: [`${at.job.name} is finalized: there is no way back`] };
  const unwritten = async () =>
    (acceptRefusals ? [] : await refusals(at.back, REFUSALS_TOLD_MAX)).map(
      ({ key, reason }) => `not written back: ${key}: ${reason}`,
    );
  if (phase === 'new') await drainBack(at);
  const before = await unwritten();
  if (before.length > 0) return { kind: 'refused', problems: before };
  await comeHome(at);
  // Between the first look and the move of the traffic the new side went on writing.
  const late = await unwritten();
  if (late.length > 0) return { kind: 'refused', problems: [...late, NOBODY_WRITES] };
  await goBack(at);
  return { kind: 'done' };
}
