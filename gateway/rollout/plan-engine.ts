// Moves routes by their plans: one look a second, by the one gateway that leads. What is decided is stored first and done
// then, and done again after a restart that came in between.
import { type PlanConfig, planNamed } from '../../config/plan-schema.ts';
import type { PlanStore } from '../ledger/plan-store.ts';
import type { RouteModel, RouteTable } from '../routing/route.ts';
import { type Actor, ControlError } from './changes.ts';
import type { Control } from './control.ts';
import type { Verdict } from './gates/verdict.ts';
import { GUARD } from './guard-watch.ts';
import type { Leadership } from './leadership.ts';
import {
  act,
  advance,
  isAtGoal,
  type PlanAction,
  type PlanState,
  pause,
  placeText,
  rolledBack,
  stepAt,
  strangeness,
} from './plan.ts';
import { type Known, PlanBook } from './plan-book.ts';
import { PlanMover, type PlanMoverDeps, type Planned } from './plan-mover.ts';
import { type PlanView, viewOf } from './plan-view.ts';
import { createStepJudge, type StepJudge, type StepJudgeDeps } from './step-judge.ts';

export interface PlanEngineDeps extends StepJudgeDeps, Pick<PlanMoverDeps, 'onMoved'> {
  readonly table: () => RouteTable;
  /** The configured plans. */
  readonly plans: () => Readonly<Record<string, PlanConfig>>;
  readonly control: Pick<Control, 'route' | 'setStage' | 'recordPlan' | 'followOverrides'>;
  readonly store: Pick<PlanStore, 'list' | 'put'>;
  readonly leadership: Leadership;
  /** A route's plan has been looked at, and is about to be moved where it is ready. */
  readonly onLook: (route: string, view: PlanView) => void;
  readonly raised: (operation: string, error: unknown) => void;
}

export interface Asking {
  readonly action: PlanAction;
  readonly actor: Actor;
  /** The route's revision that the caller has seen; undefined means any. */
  readonly expected: number | undefined;
  /** Of promote: pass over gates that are not met. */
  readonly force: boolean;
}

/** A gateway that has just begun to lead sees what the one before it moved so late at most: Unleash is asked every second or two. */
const SIGHT_MS = 5_000;

export class PlanEngine {
  readonly #deps: PlanEngineDeps;
  readonly #book: PlanBook;
  readonly #stepJudge: StepJudge;
  readonly #mover: PlanMover;
  readonly #strayedMs = new Map<string, number>(); // When flags were first seen elsewhere; one per route.
  #problem: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: PlanEngineDeps) {
    this.#deps = deps;
    this.#book = new PlanBook(deps.store);
    this.#stepJudge = createStepJudge(deps);
    this.#mover = new PlanMover({ ...deps, book: this.#book, nowMs: () => this.#nowMs() });
  }

  /** Why plans are not moved, or undefined. */
  problem(): string | undefined {
    return this.#problem;
  }

  /** Undefined for a route that names no plan. */
  view(id: string): PlanView | undefined {
    const route = this.#deps.table().byId(id);
    const planned = route && this.#planned(route);
    return planned && viewOf({ ...planned, known: this.#book.get(id) });
  }

  /** Looks at every plan, and moves those that are ready. Never rejects. */
  tick(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const leads = await this.#prepare();
        for (const route of this.#deps.table().routes) await this.#look(route, leads);
        this.#problem = undefined;
      } catch (error) {
        if (this.#problem === undefined) this.#deps.raised('plans', error);
        this.#problem = `plans do not go on: ${(error as Error).message}`;
      }
    });
  }

  /** Does what an operator asks for. @throws {ControlError} */
  act(id: string, { action, actor, expected, force }: Asking): Promise<PlanView> {
    return this.#inTurn(async () => {
      const route = this.#deps.table().byId(id);
      const planned = route && this.#planned(route);
      if (!planned) throw new ControlError('invalid', `${id} names no plan; give the route "plan: NAME"`);
      const leads = await this.#prepare().catch((error: Error) => {
        throw new ControlError('not_stored', `the ledger cannot be read: ${error.message}`, { cause: error });
      });
      const known = this.#book.get(id);
      const isDryRun = planned.plan.mode === 'dry-run';
      if (isDryRun && action === 'promote') {
        throw new ControlError(
          'conflict',
          `the plan ${planned.name} is a dry run and moves nothing; banyan stage does`,
        );
      }
      const verdicts = known ? await this.#judge(planned, known.state) : [];
      const nowMs = this.#nowMs();
      const outcome = act(action, known?.state, { ...planned, nowMs, verdicts, reason: actor.reason, force });
      if (!outcome.ok) throw new ControlError(outcome.kind, outcome.problem);
      const state = isDryRun ? { ...outcome.state, settled: true } : outcome.state;
      const change = { before: briefOf(known?.state), after: { ...briefOf(state), action, forced: force } };
      await this.#deps.control.recordPlan(id, change, { ...actor, basis: { gates: verdicts } }, expected);
      const put = await this.#mover.put(id, state, undefined);
      if (put !== 'stored')
        throw new ControlError('stale', `the plan of ${id} has changed since you looked; look again`);
      if (leads) await this.#look(planned.route, leads);
      return viewOf({ ...planned, known: this.#book.get(id) });
    });
  }

  /** Reads what others have stored; answers whether this gateway leads. */
  async #prepare(): Promise<boolean> {
    const { leadership, control } = this.#deps;
    const leads = await leadership.renew();
    await control.followOverrides();
    await this.#book.load();
    return leads;
  }

  async #look(route: RouteModel, leads: boolean): Promise<void> {
    const planned = this.#planned(route);
    if (!planned) return;
    const known = this.#book.get(route.id);
    if (known) known.verdicts = await this.#judge(planned, known.state);
    const view = this.view(route.id);
    if (view) this.#deps.onLook(route.id, view);
    if (known && leads) await this.#step(planned, known);
  }

  async #step(planned: Planned, known: Known): Promise<void> {
    const { route, plan } = planned;
    const { state } = known;
    const { override } = this.#deps.control.route(route.id);
    const isUnderWay = state.status === 'running' || state.status === 'paused';
    if (plan.mode === 'dry-run') return isUnderWay ? this.#stepDry(planned, known) : undefined;
    if (isUnderWay && override?.actor === GUARD && state.place.stage !== 'shadow') {
      await this.#move(planned, rolledBack(state, override.reason));
      return;
    }
    if (!state.settled) return this.#settle(planned, state);
    if (state.status !== 'running') return;
    if (!isAtGoal(state, this.#mover.flags(route))) return this.#stray(planned, known);
    this.#strayedMs.delete(route.id);
    const strange = strangeness(state, planned);
    if (strange !== undefined) {
      await this.#move(planned, pause(state, `${strange}; abort the plan and start it anew`));
      return;
    }
    if (override) {
      known.holds = `all requests are forced to ${override.side} by ${override.actor}; lift it, and the plan goes on`;
      return;
    }
    const step = advance(state, plan, { nowMs: this.#nowMs(), verdicts: known.verdicts });
    known.holds = 'holds' in step ? step.holds : undefined;
    if ('next' in step) await this.#move(planned, step.next, known.verdicts);
  }

  /** The flags are elsewhere: somebody has moved them, or this gateway has not seen yet where they were moved. */
  async #stray(planned: Planned, known: Known): Promise<void> {
    const { id } = planned.route;
    const flags = this.#mover.flags(planned.route);
    const sinceMs = this.#strayedMs.get(id) ?? this.#nowMs();
    this.#strayedMs.set(id, sinceMs);
    if (this.#nowMs() - sinceMs < SIGHT_MS) {
      known.holds = `the route is in ${placeText(flags)}, where the plan has not put it; it waits to see whether that stays so`;
      return;
    }
    this.#strayedMs.delete(id);
    const moved = `the route was moved to ${placeText(flags)} by somebody else; resume to go back, or abort`;
    await this.#move(planned, pause(known.state, moved));
  }

  /** Moves the flags to where they are to be, and judges the step that begins then. */
  async #settle(planned: Planned, state: PlanState): Promise<void> {
    await this.#mover.settle(planned, state);
    await this.#judgeAnew(planned);
  }

  async #move(planned: Planned, state: PlanState, verdicts?: readonly Verdict[]): Promise<void> {
    await this.#mover.move(planned, state, verdicts);
    await this.#judgeAnew(planned);
  }

  async #judgeAnew(planned: Planned): Promise<void> {
    const known = this.#book.get(planned.route.id);
    if (known) known.verdicts = await this.#judge(planned, known.state);
  }

  /** Follows the flags as others move them, and says what it would have done. */
  async #stepDry({ route, plan }: Planned, known: Known): Promise<void> {
    const token = this.#deps.leadership.token();
    const { state } = known;
    const index = stepAt(plan, this.#mover.flags(route));
    const { stage = 'shadow', percent } = plan.steps[Math.max(0, index)] ?? {};
    if (token === undefined || state.status !== 'running') return;
    if (index !== state.step) {
      const entered = { ...state, step: index, place: { stage, percent }, enteredMs: this.#nowMs(), note: 'followed' };
      await this.#mover.put(route.id, entered, token);
      return;
    }
    const step = advance(state, plan, { nowMs: this.#nowMs(), verdicts: known.verdicts });
    known.holds = 'holds' in step ? step.holds : undefined;
    if (!('next' in step)) return;
    const would =
      step.next.status === 'completed' ? 'would be complete' : `would move to ${placeText(step.next.place)}`;
    if (state.note === would) return;
    const actor: Actor = {
      name: 'plan',
      source: 'plan',
      reason: `dry run: ${would}`,
      basis: { gates: known.verdicts },
    };
    await this.#deps.control.recordPlan(route.id, { before: null, after: { would } }, actor);
    await this.#mover.put(route.id, { ...state, note: would }, token);
  }

  #judge({ route, plan }: Planned, state: PlanState): Promise<readonly Verdict[]> {
    const { stage } = this.#deps.control.route(route.id);
    return this.#stepJudge({ id: route.id, stage, requires: route.config.requires, plan, state });
  }

  #planned(route: RouteModel): Planned | undefined {
    const name = route.config.plan;
    const plan = name === undefined ? undefined : planNamed(name, this.#deps.plans());
    return name === undefined || !plan ? undefined : { route, name, plan };
  }

  #nowMs(): number {
    return this.#deps.now().getTime();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** Of a state what the audit log keeps. */
function briefOf(state: PlanState | undefined) {
  return state && { plan: state.plan, status: state.status, step: state.step + 1, place: placeText(state.place) };
}
