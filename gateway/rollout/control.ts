// What an operator can do to routes, and what requests read of it: stages, overrides, revisions. One writer at a time;
// requests read plain memory and never wait for any of it.
import { ALL_ROUTES, type Ledger, type Override } from '../ledger/ledger.ts';
import type { ForcedSides } from '../routing/decide.ts';
import type { RouteModel, RouteTable } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { type Actor, type Change, type Changes, ControlError } from './changes.ts';
import { type FlagChange, type Flags, FlagsError } from './flags.ts';
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
  readonly ledger: Pick<Ledger, 'overrides'>;
  readonly changes: Changes;
  readonly now: () => Date;
  readonly onProblem: (operation: string, error: unknown) => void;
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
  /** The flags as last seen, to tell a flag moved elsewhere from one moved here. */
  readonly #seen = new Map<string, FlagPercents>();
  /** Scopes whose override is in force and not stored, or not yet. */
  readonly #unstored = new Set<string>();
  readonly #listeners: (() => void)[] = [];

  /** Overrides in force. The object stays the same, its answers change. */
  readonly forced: ForcedSides;

  constructor(deps: ControlDeps, overrides: readonly Override[]) {
    this.#deps = deps;
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
  async adoptRoutes(): Promise<void> {
    const { flags } = this.#deps;
    const { routes } = this.#deps.table();
    const wanted = routes.flatMap((route) => {
      const initial = flagsFor({ stage: route.config.initialStage });
      if (!initial.ok) throw new Error(initial.problem);
      if (!flags.exists(route.flag)) this.#seen.set(route.id, initial.flags);
      return changesOf(route, initial.flags);
    });
    await flags.ensure(wanted);
    for (const route of routes) this.#seen.set(route.id, this.#percents(route));
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

  /** Moves a route's flags. `expected` is the revision the caller has seen; undefined means any. @throws {ControlError} */
  setStage(id: string, request: StageRequest, actor: Actor, expected?: number): Promise<RouteState> {
    const route = this.#route(id);
    const { changes } = this.#deps;
    return changes.inTurn(async () => {
      changes.check(id, expected);
      const wanted = flagsFor(request);
      if (!wanted.ok) throw new ControlError('invalid', wanted.problem);
      // Audit first: a flag must never be moved without a trace of who did it.
      const moved = { before: this.#percents(route), after: wanted.flags };
      await changes.commit({ scope: id, override: undefined, action: 'stage', ...moved }, actor);
      try {
        await this.#moveFlags(route, wanted.flags);
      } catch (error) {
        const after = this.#percents(route);
        this.#seen.set(id, after);
        this.#deps.onProblem('flags.set', error);
        const problem = `the flags cannot be moved: ${(error as Error).message}`;
        // The entry above says what was wanted; this one that it did not come about.
        const undone = { ...actor, reason: `not done, since ${problem}` };
        const entry = { scope: id, override: undefined, action: 'stage', before: wanted.flags, after } as const;
        await changes.commit(entry, undone).catch(() => {});
        throw new ControlError(error instanceof FlagsError ? KIND_OF[error.kind] : 'not_stored', problem, {
          cause: error,
        });
      }
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

  #percents(route: RouteModel): FlagPercents {
    const { flags } = this.#deps;
    return { percent: flags.percent(route.flag), mirrorPercent: flags.percent(route.mirrorFlag) };
  }

  #state(route: RouteModel): RouteState {
    const percents = this.#percents(route);
    const flagState: FlagState = { ...percents, stage: stageOf(percents) };
    const override = this.#overrides.get(ALL_ROUTES) ?? this.#overrides.get(route.id);
    return {
      id: route.id,
      ...(override ? FORCED_STATE[override.side] : flagState),
      override: override && { ...override, returnsTo: flagState },
      revision: this.revision(route.id),
    };
  }

  async #moveFlags(route: RouteModel, to: FlagPercents): Promise<void> {
    this.#seen.set(route.id, to);
    await this.#deps.flags.set(changesOf(route, to));
  }

  /** Records flags that were moved in their own source: the file, or a flag server's own console. */
  noticeFlags(): Promise<void> {
    return this.#deps.changes.inTurn(() => this.#recordMovedFlags());
  }

  async #recordMovedFlags(): Promise<void> {
    for (const route of this.#deps.table().routes) {
      const before = this.#seen.get(route.id);
      const after = this.#percents(route);
      if (before?.percent === after.percent && before.mirrorPercent === after.mirrorPercent) continue;
      this.#seen.set(route.id, after);
      const actor: Actor = { name: 'flags', source: 'flags', reason: 'moved in the flag source itself' };
      const change = { scope: route.id, override: undefined, action: 'stage', before, after } as const;
      await this.#deps.changes.commit(change, actor).catch(() => {});
    }
  }
}

const KIND_OF = { conflict: 'conflict', source: 'flag_source' } as const satisfies Record<
  FlagsError['kind'],
  ControlError['kind']
>;

/** The two flags of a route, as they are to be. */
function changesOf(route: RouteModel, to: FlagPercents): FlagChange[] {
  return [
    { flag: route.flag, percent: to.percent, groupId: route.groupId },
    { flag: route.mirrorFlag, percent: to.mirrorPercent, groupId: route.mirrorFlag },
  ];
}

/** What an override amounts to: one side serves everybody, and nothing is copied. */
const FORCED_STATE: Readonly<Record<Side, FlagState>> = {
  legacy: { stage: 'legacy', percent: 0, mirrorPercent: 0 },
  new: { stage: 'complete', percent: 100, mirrorPercent: 0 },
};
