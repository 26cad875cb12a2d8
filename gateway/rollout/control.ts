// What an operator can do to routes, and what requests read of it: stages, overrides, revisions. One writer at a time;
// requests read plain memory and never wait for any of it.
import { ALL_ROUTES, type Ledger, type Override } from '../ledger/ledger.ts';
import type { ForcedSides } from '../routing/decide.ts';
import type { RouteModel, RouteTable } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { type Actor, type Change, type Changes, ControlError } from './changes.ts';
import { FlagMoves, type MoveOrder, OPERATORS_MOVE } from './flag-moves.ts';
import type { Flags } from './flags.ts';
import { type FlagPercents, flagsFor, type Stage, type StageRequest, stageOf } from './stage.ts';

export interface FlagState extends FlagPercents {
  readonly stage: Stage;
}

/** A route's place in its migration. */
export interface RouteState {
  readonly id: string;
  /** The stage in force: what the flags say, unless an override forces a side. */
  readonly stage: Stage;
  readonly percent: number;
  readonly mirrorPercent: number;
  readonly override: (Override & { readonly returnsTo: FlagState }) | undefined;
  /** Grows with every change of the route; the entity tag that `If-Match` names. */
  readonly revision: number;
}

/** The outcome of a rollback: in force at once, and `durable` once it would survive a restart. */
export interface RollbackResult {
  readonly override: Override;
  readonly durable: boolean;
}

export interface ControlDeps {
  /** The routes in force. */
  readonly table: () => RouteTable;
  readonly flags: Flags;
  readonly ledger: Pick<Ledger, 'overrides' | 'lastMoves'>;
  readonly changes: Changes;
  readonly now: () => Date;
  readonly onProblem: (operation: string, error: unknown) => void;
}

export interface StageOptions {
  readonly expected?: number | undefined;
  readonly order?: MoveOrder;
}

/** Loads the overrides, makes missing flags in each route's initial stage, and watches for flags moved elsewhere. */
export async function openControl(deps: ControlDeps): Promise<Control> {
  const control = new Control(deps, await deps.ledger.overrides());
  await control.adoptRoutes();
  deps.flags.onChange(() => void control.noticeFlags());
  return control;
}

export class Control {
  readonly #deps: ControlDeps;
  readonly #overrides: Map<string, Override>;
  readonly #flagMoves: FlagMoves;
  /** Scopes whose override is in force and not stored, or not yet. */
  readonly #unstored = new Set<string>();
  readonly #listeners: (() => void)[] = [];

  /** Overrides in force. The object stays the same, its answers change. */
  readonly forced: ForcedSides;

  constructor(deps: ControlDeps, overrides: readonly Override[]) {
    this.#deps = deps;
    this.#flagMoves = new FlagMoves(deps);
    const inForce = new Map(overrides.map((override) => [override.scope, override]));
    this.#overrides = inForce;
    this.forced = {
      get all() {
        return inForce.get(ALL_ROUTES)?.side;
      },
      route: (id) => inForce.get(id)?.side,
    };
  }

  /** Makes the flags that routes lack, in each route's initial stage. To be called when the routes have changed. */
  adoptRoutes(): Promise<void> {
    return this.#flagMoves.adoptRoutes();
  }

  /** @throws {ControlError} unknown_route */
  route(id: string): RouteState {
    return this.#state(this.#route(id));
  }

  allOverride(): Override | undefined {
    return this.#overrides.get(ALL_ROUTES);
  }

  /** The revision of a scope: a route's id, or ALL_ROUTES; 0 when it never changed. */
  revision(scope: string): number {
    return this.#deps.changes.revision(scope);
  }

  /** Why the operator cannot rely on changes being stored, or undefined. */
  problem(): string | undefined {
    return this.#deps.changes.problem();
  }

  /**
   * Moves a route's flags. `expected` is the revision the caller has seen; undefined means any. @throws {ControlError}
   */
  setStage(
    id: string,
    request: StageRequest,
    actor: Actor,
    { expected, order = OPERATORS_MOVE }: StageOptions = {},
  ): Promise<RouteState> {
    const route = this.#route(id);
    const { changes } = this.#deps;
    return changes.inTurn(async () => {
      changes.check(id, expected);
      const wanted = flagsFor(request);
      if (!wanted.ok) throw new ControlError('invalid', wanted.problem);
      await this.#flagMoves.move(route, wanted.flags, actor, order);
      return this.#state(route);
    });
  }

  /** Forces a scope to legacy: at once, in memory, before anything is stored. @throws {ControlError} unknown_route */
  async rollback(scope: string, actor: Actor): Promise<RollbackResult> {
    if (scope !== ALL_ROUTES) this.#route(scope);
    const { reason, name } = actor;
    const at = this.#deps.now().toISOString();
    const override: Override = { scope, side: 'legacy', reason, actor: name, at };
    const before = this.#overrides.get(scope) ?? null;
    // In force from here on, whatever becomes of the disk; it does not wait for changes under way either.
    this.#overrides.set(scope, override);
    this.#unstored.add(scope);
    this.#changed();
    const { changes } = this.#deps;
    const change = { scope, override, action: 'rollback', before, after: override } as const;
    const stored = changes.inTurn(() => changes.commit(change, actor));
    const durable = await stored.then(
      () => {
        if (this.#overrides.get(scope) === override) this.#unstored.delete(scope);
        return true;
      },
      () => false,
    );
    return { override, durable };
  }

  /** Ends an override, so that the flags decide again. @throws {ControlError} */
  lift(scope: string, actor: Actor, expected?: number): Promise<void> {
    const { changes } = this.#deps;
    return changes.inTurn(async () => {
      const before = this.#overrides.get(scope);
      if (!before) {
        const what = scope === ALL_ROUTES ? 'all routes' : scope;
        throw new ControlError('nothing_to_lift', `no override is in force for ${what}`);
      }
      changes.check(scope, expected);
      await changes.commit({ scope, override: 'lift', action: 'lift', before, after: null }, actor);
      // A rollback that came while this was stored stays in force.
      if (this.#overrides.get(scope) !== before) return;
      this.#overrides.delete(scope);
      this.#unstored.delete(scope);
      this.#changed();
    });
  }

  /**
   * Puts in force, and lifts, what gateways that share the ledger have stored. What is in force here and could not be
   * stored stays. Rejects when the ledger cannot be read.
   */
  followOverrides(): Promise<void> {
    return this.#deps.changes.inTurn(async () => {
      await this.#deps.changes.rereadAll();
      const stored = new Map((await this.#deps.ledger.overrides()).map((override) => [override.scope, override]));
      const isKept = (scope: string) => this.#unstored.has(scope);
      const news = [...stored].filter(([scope, { at, side, actor }]) => {
        const known = this.#overrides.get(scope);
        return !isKept(scope) && !(known?.at === at && known.side === side && known.actor === actor);
      });
      const gone = [...this.#overrides.keys()].filter((scope) => !stored.has(scope) && !isKept(scope));
      for (const [scope, override] of news) this.#overrides.set(scope, override);
      for (const scope of gone) this.#overrides.delete(scope);
      if (news.length + gone.length > 0) this.#changed();
    });
  }

  /** The routes whose flags are not here yet as they were last recorded. Rejects when the ledger cannot be read. */
  async routesBehind(): Promise<ReadonlySet<string>> {
    const last = await this.#deps.ledger.lastMoves();
    const { routes } = this.#deps.table();
    return new Set(routes.filter((route) => !this.#flagMoves.isAt(route, last.get(route.id))).map(({ id }) => id));
  }

  /** Audits what was done to a route's plan; the flags follow by themselves. @throws {ControlError} */
  recordPlan(id: string, change: Pick<Change, 'before' | 'after'>, actor: Actor, expected?: number): Promise<void> {
    this.#route(id);
    const { changes } = this.#deps;
    return changes.inTurn(async () => {
      changes.check(id, expected);
      await changes.commit({ scope: id, override: undefined, action: 'plan', ...change }, actor);
    });
  }

  /** Calls back after every change that may move a decision, wherever it was made: flags and overrides. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
    this.#deps.flags.onChange(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #route(id: string): RouteModel {
    const route = this.#deps.table().byId(id);
    if (!route) throw new ControlError('unknown_route', `no route is called ${id}; GET /api/routes lists them`);
    return route;
  }

  #state(route: RouteModel): RouteState {
    const percents = this.#flagMoves.percents(route);
    const flagState: FlagState = { ...percents, stage: stageOf(percents) };
    const override = this.#overrides.get(ALL_ROUTES) ?? this.#overrides.get(route.id);
    return {
      id: route.id,
      ...(override ? FORCED_STATE[override.side] : flagState),
      override: override && { ...override, returnsTo: flagState },
      revision: this.revision(route.id),
    };
  }

  /** Records flags that were moved in their own source: the file, or a flag server's own console. */
  noticeFlags(): Promise<void> {
    return this.#flagMoves.notice();
  }
}

/** What an override amounts to: one side serves everybody, and nothing is copied. */
const FORCED_STATE: Readonly<Record<Side, FlagState>> = {
  legacy: { stage: 'legacy', percent: 0, mirrorPercent: 0 },
  new: { stage: 'complete', percent: 100, mirrorPercent: 0 },
};
