// How a plan is moved: where it is to be is stored first, by the gateway that leads, and then the flags are moved there.
// Whoever comes after one that died in between does the rest.
import type { PlanConfig } from '../../config/plan-schema.ts';
import type { PlanPut } from '../ledger/plan-store.ts';
import type { RouteModel } from '../routing/route.ts';
import { type Actor, ControlError } from './changes.ts';
import type { Control } from './control.ts';
import type { Verdict } from './gates/verdict.ts';
import { GUARD } from './guard-watch.ts';
import type { Leadership } from './leadership.ts';
import { type FlagsNow, flagsNow, goalOf, isAtGoal, type PlanState, settle } from './plan.ts';
import type { PlanBook } from './plan-book.ts';

/** After flags could not be moved they are left alone for so long: each attempt is an entry in the audit log. */
const RETRY_MS = 30_000;

/** A route and the plan that it names. */
export interface Planned {
  readonly route: RouteModel;
  readonly name: string;
  readonly plan: PlanConfig;
}

export interface PlanMoverDeps {
  readonly book: PlanBook;
  readonly control: Pick<Control, 'route' | 'setStage'>;
  readonly leadership: Pick<Leadership, 'token' | 'lost'>;
  /** A plan's state has become another, by this gateway. */
  readonly onMoved?: (route: string, before: PlanState | undefined, after: PlanState) => void;
  readonly nowMs: () => number;
  readonly raised: (operation: string, error: unknown) => void;
}

export class PlanMover {
  readonly #deps: PlanMoverDeps;
  readonly #retryMs = new Map<string, number>(); // One per route whose flags could not be moved.

  constructor(deps: PlanMoverDeps) {
    this.#deps = deps;
  }

  /** The flags, whatever override is in force. */
  flags({ id }: RouteModel): FlagsNow {
    const state = this.#deps.control.route(id);
    return flagsNow(state.override?.returnsTo ?? state);
  }

  /** Stores where the plan goes from here, and goes there. Without effect where another gateway leads. */
  async move(planned: Planned, state: PlanState, verdicts: readonly Verdict[] = []): Promise<void> {
    const token = this.#deps.leadership.token();
    if (token === undefined) return;
    if ((await this.put(planned.route.id, state, token)) !== 'stored') return;
    if (!state.settled) await this.settle(planned, state, verdicts);
  }

  /** Moves the flags to where a stored state wants them, unless they are there. */
  async settle(planned: Planned, state: PlanState, verdicts: readonly Verdict[] = []): Promise<void> {
    const { route } = planned;
    const { leadership, nowMs, raised } = this.#deps;
    const token = leadership.token();
    if (token === undefined || nowMs() < (this.#retryMs.get(route.id) ?? 0)) return;
    if (!isAtGoal(state, this.flags(route))) {
      try {
        await this.#moveFlags(planned, state, { token, verdicts });
      } catch (error) {
        if (error instanceof ControlError && error.kind === 'fenced') leadership.lost();
        else {
          this.#retryMs.set(route.id, nowMs() + RETRY_MS);
          raised('plans.move', error);
        }
        return;
      }
    }
    this.#retryMs.delete(route.id);
    await this.put(route.id, settle(state, nowMs()), token);
  }

  /** Stores a state. `token` as PlanChange has it. */
  async put(id: string, state: PlanState, token: number | undefined): Promise<PlanPut> {
    const { book, leadership, onMoved } = this.#deps;
    const before = book.get(id)?.state;
    const put = await book.put(id, state, token);
    if (put === 'stored') onMoved?.(id, before, state);
    if (put === 'fenced') leadership.lost();
    return put;
  }

  async #moveFlags({ route, name, plan }: Planned, state: PlanState, { token, verdicts }: Basis): Promise<void> {
    const { book, control, leadership } = this.#deps;
    const isBack = state.status === 'rolled_back';
    const actor: Actor = {
      ...{ name: isBack ? GUARD : 'plan', source: isBack ? 'guard' : 'plan' },
      reason: `plan ${name}, step ${state.step + 1} of ${plan.steps.length}: ${state.note}`,
      ...(verdicts.length > 0 ? { basis: { gates: verdicts } } : {}),
    };
    const by = { kind: 'plan', token, revision: book.revision(route.id) } as const;
    // A process may sleep for a minute at any line; the ledger's check and this one leave it the least to do after.
    const order = { by, mayStill: () => leadership.token() === token };
    await control.setStage(route.id, goalOf(state), actor, { order });
  }
}

interface Basis {
  readonly token: number;
  readonly verdicts: readonly Verdict[];
}
