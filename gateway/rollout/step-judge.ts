// Judges the gates of the step in which a route is: on what was compared since its stage began, and on what was served
// since the step began, or since this process did.
import type { PlanConfig } from '../../config/plan-schema.ts';
import type { Certificates } from './certificates.ts';
import type { BothServed } from './facts.ts';
import { judgeGates } from './gates/judge.ts';
import type { Verdict } from './gates/verdict.ts';
import type { Measurements } from './guard-watch.ts';
import type { PlanState } from './plan.ts';
import { servedSince } from './served-history.ts';
import type { Stage } from './stage.ts';

export interface Judged {
  readonly id: string;
  readonly stage: Stage;
  /** Data jobs whose certificates the gate `data` asks for. */
  readonly requires: readonly string[];
  readonly plan: PlanConfig;
  readonly state: PlanState;
}

export interface StepJudgeDeps {
  readonly measurements: Measurements;
  readonly certificates: () => Certificates;
  readonly now: () => Date;
}

export type StepJudge = (judged: Judged) => Promise<readonly Verdict[]>;

export function createStepJudge({ measurements, certificates, now }: StepJudgeDeps): StepJudge {
  // What had been served when the step began; one per route whose plan was ever started.
  const baselines = new Map<string, { readonly enteredMs: number; readonly totals: BothServed }>();

  function servedIn(id: string, { enteredMs }: PlanState): BothServed {
    const totals = measurements.totals(id);
    const known = baselines.get(id);
    const baseline = known?.enteredMs === enteredMs ? known : { enteredMs, totals };
    baselines.set(id, baseline);
    return servedSince(totals, baseline.totals);
  }

  return async ({ id, stage, requires, plan, state }) => {
    const gates = plan.steps[state.step]?.gates ?? [];
    const facts = {
      stage,
      compared: measurements.compared(id, 'stage'),
      served: servedIn(id, state),
      certificates: gates.includes('data') ? await certificates().of(requires, now()) : [],
    };
    return judgeGates(gates, facts, plan.gates);
  };
}
