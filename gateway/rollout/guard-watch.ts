// The guards of all routes: looks at what was measured, and takes back what is bad. It asks nobody first, neither ledger
// nor flags: an override holds from the moment it is made.
import type { GuardConfig } from '../../config/plan-schema.ts';
import type { RouteModel, RouteTable } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import type { Control } from './control.ts';
import type { BothServed, ComparedFacts } from './facts.ts';
import { type GuardDecision, type GuardFacts, guardDecision } from './guard.ts';
import { ServedHistory } from './served-history.ts';

/** Who guards, in overrides and in the audit log. */
export const GUARD = 'guard';

/** What has been measured of routes, by whoever measures. Reading never waits. */
export interface Measurements {
  compared(route: string, window: '1m' | '10m' | 'stage'): ComparedFacts;
  /** Since this process began. */
  totals(route: string): BothServed;
  healthy(side: Side): boolean | undefined;
}

export interface GuardWatchDeps {
  readonly table: () => RouteTable;
  readonly control: Pick<Control, 'route' | 'rollback'>;
  readonly measurements: Measurements;
  /** Whether this gateway is to act: several that share a ledger need only one that does. */
  readonly mayAct: () => boolean;
  readonly isDryRun: (route: RouteModel) => boolean;
  /** The decision has become another: another kind, or another cause. `acts` is false where it is only said. */
  readonly onDecision: (route: string, decision: GuardDecision, acts: boolean) => void;
  readonly nowMs: () => number;
}

const WATCH: GuardDecision = { kind: 'watch' };
const WINDOWS = [
  ['1m', 60_000],
  ['10m', 600_000],
] as const;

export class GuardWatch {
  readonly #deps: GuardWatchDeps;
  readonly #histories = new Map<string, ServedHistory>(); // One per route with a plan, in canary or live.
  readonly #decisions = new Map<string, GuardDecision>(); // One per route with a plan.

  constructor(deps: GuardWatchDeps) {
    this.#deps = deps;
  }

  decision(route: string): GuardDecision {
    return this.#decisions.get(route) ?? WATCH;
  }

  /** Looks at every route that has a plan, whatever that does. Resolves when what it took back has been stored or not. */
  async look(): Promise<void> {
    const { table } = this.#deps;
    const routes = table().routes.filter(({ config }) => config.plan !== undefined);
    const ids = new Set(routes.map(({ id }) => id));
    for (const id of this.#decisions.keys()) if (!ids.has(id)) this.#decisions.delete(id);
    for (const id of this.#histories.keys()) if (!ids.has(id)) this.#histories.delete(id);
    await Promise.all(routes.map((route) => this.#lookAt(route)));
  }

  async #lookAt(route: RouteModel): Promise<void> {
    const { control, mayAct, isDryRun, onDecision } = this.#deps;
    const { guard } = route.config;
    const facts = this.#facts(route);
    const decision = facts && mayAct() ? guardDecision(facts, guard) : WATCH;
    const before = this.decision(route.id);
    this.#decisions.set(route.id, decision);
    const acts = decision.kind === 'roll_back' && !isDryRun(route);
    if (kindOf(decision) !== kindOf(before)) onDecision(route.id, decision, acts);
    if (!acts) return;
    const basis = { cause: decision.cause, windows: facts?.windows.map(numbersOf), guard: guard satisfies GuardConfig };
    await control.rollback(route.id, { name: GUARD, source: 'guard', reason: decision.sentence, basis });
  }

  /** Undefined where the new side serves nobody; then nothing is remembered either. */
  #facts({ id }: RouteModel): GuardFacts | undefined {
    const { control, measurements, nowMs } = this.#deps;
    const { stage } = control.route(id);
    if (stage !== 'canary' && stage !== 'live') {
      this.#histories.delete(id);
      return undefined;
    }
    const history = this.#histories.get(id) ?? new ServedHistory();
    this.#histories.set(id, history);
    const totals = measurements.totals(id);
    history.mark(totals, nowMs());
    const windows = WINDOWS.map(([window, windowMs]) => ({
      compared: measurements.compared(id, window),
      served: history.within(windowMs, totals, nowMs()),
    }));
    const healthy = { legacy: measurements.healthy('legacy'), new: measurements.healthy('new') };
    return { stage, windows, healthy };
  }
}

function kindOf(decision: GuardDecision): string {
  return decision.kind === 'watch' ? decision.kind : `${decision.kind} ${decision.cause}`;
}

function numbersOf({ compared, served }: GuardFacts['windows'][number]) {
  const side = ({ requests, errors }: BothServed[Side]) => ({ requests, errors });
  return { compared, served: { legacy: side(served.legacy), new: side(served.new) } };
}
