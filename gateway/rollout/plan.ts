// A plan as a state machine. Pure: states and what happened in, states out. The state says where a route is to be; moving
// the flags there comes after it is stored, so that whoever dies in between leaves behind what is to be done.
import type { PlanConfig, PlanStep } from '../../config/plan-schema.ts';
import type { Verdict } from './gates/verdict.ts';
import { type Stage, type StageRequest, stageOf } from './stage.ts';

export const PLAN_ACTIONS = ['start', 'pause', 'resume', 'promote', 'abort'] as const;
export type PlanAction = (typeof PLAN_ACTIONS)[number];

export const PLAN_STATUSES = ['running', 'paused', 'completed', 'aborted', 'rolled_back'] as const;
export type PlanStatus = (typeof PLAN_STATUSES)[number];

export interface PlanState {
  /** The plan's name. */
  readonly plan: string;
  readonly status: PlanStatus;
  /** Index of the step that it is in, or was in last. */
  readonly step: number;
  /** What that step was when it was entered; a plan whose steps have been changed meanwhile does not go on. */
  readonly place: Place;
  /** Whether the flags have been moved to where this state wants them. */
  readonly settled: boolean;
  /** When the step was entered, by the clock in milliseconds. */
  readonly enteredMs: number;
  /** Why it is as it is. */
  readonly note: string;
}

export interface Place {
  readonly stage: PlanStep['stage'];
  readonly percent: number | undefined;
}

/** A gateway's flags as a plan sees them. */
export interface FlagsNow {
  readonly stage: Stage;
  readonly percent: number;
}

export type Outcome =
  | { readonly ok: true; readonly state: PlanState }
  | { readonly ok: false; readonly kind: 'conflict' | 'gate_not_met'; readonly problem: string };

export function placeText({ stage, percent }: StageRequest): string {
  return stage === 'canary' ? `canary ${percent} %` : stage;
}

/** Where the flags have to be. */
export function goalOf({ status, place }: PlanState): StageRequest {
  // The override that the guard has put in force holds; lifting it must not bring users back to the new side.
  if (status === 'rolled_back') return { stage: 'shadow' };
  if (status === 'aborted') return { stage: 'legacy' };
  return { stage: place.stage, percent: place.percent };
}

export function isAtGoal(state: PlanState, { stage, percent }: FlagsNow): boolean {
  const goal = goalOf(state);
  return stage === goal.stage && (stage !== 'canary' || percent === goal.percent);
}

interface Begin {
  readonly name: string;
  readonly plan: PlanConfig;
  readonly nowMs: number;
}

export function begin({ name, plan, nowMs }: Begin, note: string): PlanState {
  return enter({ plan: name, status: 'running', step: 0 }, plan, nowMs, note);
}

function enter(
  at: Pick<PlanState, 'plan' | 'status' | 'step'>,
  { steps }: PlanConfig,
  nowMs: number,
  note: string,
): PlanState {
  const { stage = 'shadow', percent } = steps[at.step] ?? {};
  return { ...at, place: { stage, percent }, settled: false, enteredMs: nowMs, note };
}

/** The flags are where the state wants them. */
export function settle(state: PlanState, nowMs: number): PlanState {
  const isDone = state.status === 'running' && state.place.stage === 'complete';
  return { ...state, settled: true, enteredMs: nowMs, status: isDone ? 'completed' : state.status };
}

export function pause(state: PlanState, note: string): PlanState {
  return { ...state, status: 'paused', settled: true, note };
}

/** The guard, or an operator's rollback, has taken the route back. */
export function rolledBack(state: PlanState, note: string): PlanState {
  return { ...state, status: 'rolled_back', settled: false, note };
}

/** Why the plan cannot go on from this state as it is configured now, or undefined. */
export function strangeness(
  { plan: before, step, place }: PlanState,
  { name, plan }: Pick<Begin, 'name' | 'plan'>,
): string | undefined {
  if (name !== before) return `the route's plan was ${before} and is ${name} now`;
  const now = plan.steps[step];
  if (now && now.stage === place.stage && now.percent === place.percent) return undefined;
  return `the steps of ${name} have been changed: step ${step + 1} was ${placeText(place)}`;
}

export interface StepNow {
  readonly nowMs: number;
  readonly verdicts: readonly Verdict[];
}

/** The next state of a running plan, or why it stays where it is. */
export function advance(
  state: PlanState,
  plan: PlanConfig,
  now: StepNow,
): { readonly next: PlanState } | { readonly holds: string } {
  const { steps } = plan;
  const next = steps[state.step + 1];
  const atMs = state.enteredMs + (steps[state.step]?.leastMs ?? 0);
  const open = openGates(now.verdicts);
  if (open.length > 0) return { holds: sentencesOf(open) };
  if (now.nowMs < atMs) return { holds: `the step lasts until ${new Date(atMs).toISOString()} at least` };
  if (!next) return { next: { ...state, status: 'completed', note: 'the last step is over' } };
  return { next: move(state, plan, now.nowMs, now.verdicts.map(({ sentence }) => sentence).join('; ')) };
}

function move(state: PlanState, plan: PlanConfig, nowMs: number, note: string): PlanState {
  return enter({ ...state, status: 'running', step: state.step + 1 }, plan, nowMs, note);
}

function openGates(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter(({ status }) => status !== 'pass');
}

export function sentencesOf(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ gate, sentence }) => `${gate}: ${sentence}`).join('; ');
}

export interface Asked extends StepNow {
  readonly name: string;
  readonly plan: PlanConfig;
  readonly reason: string;
  /** Of promote: whether gates that are not met are passed over. */
  readonly force: boolean;
}

/** What an operator's action makes of a plan. `state` is undefined before a plan was ever started. */
export function act(action: PlanAction, state: PlanState | undefined, asked: Asked): Outcome {
  const { reason, nowMs } = asked;
  const refuse = (problem: string): Outcome => ({ ok: false, kind: 'conflict', problem });
  const isUnderWay = state?.status === 'running' || state?.status === 'paused';
  if (action === 'start') {
    if (isUnderWay) return refuse(`the plan is ${state.status} already; abort it to start anew`);
    return { ok: true, state: begin(asked, reason) };
  }
  if (!state || !isUnderWay) return refuse(`no plan is under way${state ? `: it is ${state.status}` : ''}; start it`);
  if (action === 'abort') return { ok: true, state: { ...state, status: 'aborted', settled: false, note: reason } };
  if (action === 'pause') {
    if (state.status === 'paused') return refuse('the plan is paused already');
    return { ok: true, state: { ...state, status: 'paused', note: reason } };
  }
  const strange = strangeness(state, asked);
  if (strange !== undefined) return refuse(`${strange}; abort the plan and start it anew`);
  if (action === 'resume') {
    if (state.status === 'running') return refuse('the plan is running already');
    return { ok: true, state: { ...state, status: 'running', settled: false, enteredMs: nowMs, note: reason } };
  }
  return promote(state, asked);
}

/** One step on, without waiting for its time, and with a person's word for a manual gate. */
function promote(state: PlanState, { plan, nowMs, verdicts, reason, force }: Asked): Outcome {
  const refuse = (kind: 'conflict' | 'gate_not_met', problem: string): Outcome => ({ ok: false, kind, problem });
  if (!state.settled) return refuse('conflict', `the route is still being moved to ${placeText(state.place)}`);
  const open = openGates(verdicts).filter(({ gate }) => gate !== 'manual');
  if (open.length > 0 && !force) return refuse('gate_not_met', sentencesOf(open));
  if (state.step + 1 >= plan.steps.length) {
    return { ok: true, state: { ...state, status: 'completed', note: reason } };
  }
  return { ok: true, state: move(state, plan, nowMs, reason) };
}

/** The step in which flags are that somebody else moves, as with a dry run; -1 before the first. */
export function stepAt({ steps }: PlanConfig, { stage, percent }: FlagsNow): number {
  const reach = (place: { stage: Stage; percent?: number | undefined }) =>
    ({ legacy: -1, shadow: 0, canary: place.percent ?? 0, live: 100, complete: 101 })[place.stage];
  return steps.findLastIndex((step) => reach(step) <= reach({ stage, percent }));
}

/** What the flags amount to, without any override. */
export function flagsNow(percents: { readonly percent: number; readonly mirrorPercent: number }): FlagsNow {
  return { stage: stageOf(percents), percent: percents.percent };
}
