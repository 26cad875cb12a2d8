// What operators see of a plan. Pure.
import type { PlanConfig } from '../../config/plan-schema.ts';
import type { Verdict } from './gates/verdict.ts';
import { type PlanState, type PlanStatus, placeText } from './plan.ts';

export interface PlanView {
  readonly plan: string;
  readonly mode: PlanConfig['mode'];
  readonly status: PlanStatus | 'not_started';
  /** From 1; 0 before the first. */
  readonly step: number;
  readonly steps: readonly string[];
  /** When the step was entered, ISO 8601 in UTC; null before the first. */
  readonly since: string | null;
  /** Whether the flags are where the plan wants them. */
  readonly settled: boolean;
  readonly note: string | null;
  /** Why it does not go on now; null while nothing holds it, or it is not running. */
  readonly holds: string | null;
  readonly gates: readonly Verdict[];
}

export interface PlanFacts {
  readonly name: string;
  readonly plan: PlanConfig;
  readonly known:
    | { readonly state: PlanState; readonly verdicts: readonly Verdict[]; readonly holds: string | undefined }
    | undefined;
}

export function viewOf({ name, plan, known }: PlanFacts): PlanView {
  const { mode } = plan;
  const steps = plan.steps.map(({ stage, percent }) => placeText({ stage, percent }));
  if (!known) {
    const nothing = { since: null, settled: true, note: null, holds: null, gates: [] };
    return { plan: name, mode, status: 'not_started', step: 0, steps, ...nothing };
  }
  const { state, verdicts, holds } = known;
  const { status, settled, note } = state;
  const isUnderWay = status === 'running' || status === 'paused';
  return {
    ...{ plan: name, mode, status, steps, settled, note },
    step: state.step + 1,
    since: new Date(state.enteredMs).toISOString(),
    holds: status === 'running' ? (holds ?? null) : null,
    gates: isUnderWay ? verdicts : [],
  };
}
