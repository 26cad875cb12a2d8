// One plan from its start to its end, on a clock of its own: the gateway's own gates, plan and guard, on drawn traffic.
import { guard as guardSchema, type PlanConfig, plan as planSchema } from '../../config/plan-schema.ts';
import { judgeGates } from '../../gateway/rollout/gates/judge.ts';
import { guardDecision } from '../../gateway/rollout/guard.ts';
import { advance, begin, goalOf, type PlanState, settle } from '../../gateway/rollout/plan.ts';
import { ServedHistory, servedSince } from '../../gateway/rollout/served-history.ts';
import { createRandom } from './random.ts';
import { Traffic, type World } from './world.ts';

const MINUTE_MS = 60_000;
const GATES = ['parity', 'errors', 'latency'] as const;

/** The built-in plan's steps, with waits as short as an impatient operator would have them. */
export const PLAN: PlanConfig = planSchema.parse({
  gates: { parity: { lowerBoundMin: 0.98 } },
  steps: [
    { stage: 'shadow', leastMs: 10 * MINUTE_MS, gates: ['parity', 'coverage', 'errors'] },
    ...[1, 5, 10, 25, 50].map((percent) => ({ stage: 'canary', percent, leastMs: 10 * MINUTE_MS, gates: GATES })),
    { stage: 'live', leastMs: 60 * MINUTE_MS, gates: ['parity', 'coverage', 'errors'] },
  ],
});
const GUARD = guardSchema.parse({});
const NEVER_MS = 30 * 24 * 60 * MINUTE_MS;

export interface PlanRun {
  /** `held`: it was neither promoted nor rolled back in a month. */
  readonly end: 'promoted' | 'rolled_back' | 'held';
  /** The most per cent of the users that the new side ever served. */
  readonly reachedPercent: number;
  /** From when the fault first met users of the new side, until the route went back. */
  readonly toRollbackMs: number | undefined;
  readonly tookMs: number;
  /** Whom the guard took it back for. */
  readonly cause: string | undefined;
}

/** How many seconds pass between two looks. */
export function runPlan(world: World, seed: number, lookSeconds: number, giveUpMs = NEVER_MS): PlanRun {
  const traffic = new Traffic(world, createRandom(seed));
  let nowMs = 0;
  const history = new ServedHistory();
  let baseline = traffic.totals();
  let servedFaultMs: number | undefined;
  let reachedPercent = 0;
  let state: PlanState = settle(begin({ name: 'simulated', plan: PLAN, nowMs }, 'go'), nowMs);

  const result = (end: PlanRun['end'], cause?: string): PlanRun => ({
    ...{ end, reachedPercent, tookMs: nowMs, cause },
    toRollbackMs: end === 'rolled_back' && servedFaultMs !== undefined ? nowMs - servedFaultMs : undefined,
  });

  while (nowMs < giveUpMs) {
    const { stage } = state.place;
    const percent = { shadow: 0, canary: goalOf(state).percent ?? 0, live: 100, complete: 100 }[stage];
    reachedPercent = Math.max(reachedPercent, percent);
    nowMs += lookSeconds * 1000;
    traffic.pass(lookSeconds, nowMs, stage, percent);
    if (traffic.faultSinceMs !== undefined && percent > 0) servedFaultMs ??= nowMs - lookSeconds * 1000;

    const totals = traffic.totals();
    if (percent > 0) history.mark(totals, nowMs);
    const windows = (percent > 0 ? [MINUTE_MS, 10 * MINUTE_MS] : []).map((windowMs) => ({
      compared: traffic.compared(nowMs, windowMs),
      served: history.within(windowMs, totals, nowMs),
    }));
    const decision = guardDecision({ stage, windows, healthy: { legacy: true, new: true } }, GUARD);
    if (decision.kind === 'roll_back') return result('rolled_back', decision.cause);

    const served = servedSince(totals, baseline);
    const facts = { stage, compared: traffic.compared(nowMs), served, certificates: [] };
    // Gates cost more than guards, and say nothing before the time is over.
    if (nowMs < state.enteredMs + (PLAN.steps[state.step]?.leastMs ?? 0)) continue;
    const verdicts = judgeGates(PLAN.steps[state.step]?.gates ?? [], facts, PLAN.gates);
    const step = advance(state, PLAN, { nowMs, verdicts });
    if ('holds' in step) continue;
    if (step.next.status === 'completed') return result('promoted');
    state = settle(step.next, nowMs);
    baseline = totals;
    if (state.place.stage !== stage) traffic.enterStage(nowMs);
  }
  return result('held');
}
