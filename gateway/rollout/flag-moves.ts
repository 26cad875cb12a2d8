// Moves of routes' flags, each recorded once: by an operator, by the plan of the gateway that leads, or by somebody in the
// flag source itself.
import type { LastMove, MovedBy } from '../ledger/flag-move.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RouteModel, RouteTable } from '../routing/route.ts';
import { type Actor, type Changes, ControlError } from './changes.ts';
import { type FlagChange, type Flags, FlagsError } from './flags.ts';
import { type FlagPercents, flagsFor } from './stage.ts';

/** On whose behalf flags are moved, beside the actor that the audit log names. */
export interface MoveOrder {
  readonly by: MovedBy;
  /** Asked right before the flags are written; false when that must not happen any more. */
  readonly mayStill?: () => boolean;
}

export const OPERATORS_MOVE: MoveOrder = { by: { kind: 'operator' } };

export interface FlagMovesDeps {
  /** The routes in force. */
  readonly table: () => RouteTable;
  readonly flags: Flags;
  readonly changes: Changes;
  readonly ledger: Pick<Ledger, 'lastMoves'>;
  readonly onProblem: (operation: string, error: unknown) => void;
}

interface Seen {
  readonly flags: FlagPercents;
  /** The recorded move that brought them there, or a later one: those before are of no more interest. */
  readonly move: number;
}

export class FlagMoves {
  readonly #deps: FlagMovesDeps;
  /** The flags as last seen, to tell a flag moved elsewhere from one moved here; one per route. */
  readonly #seen = new Map<string, Seen>();

  constructor(deps: FlagMovesDeps) {
    this.#deps = deps;
  }

  /** Makes the flags that routes lack, in each route's initial stage. To be called when the routes have changed. */
  async adoptRoutes(): Promise<void> {
    const { flags, ledger } = this.#deps;
    const { routes } = this.#deps.table();
    const last = await ledger.lastMoves();
    const wanted = routes.flatMap((route) => {
      const initial = flagsFor({ stage: route.config.initialStage });
      if (!initial.ok) throw new Error(initial.problem);
      if (!flags.exists(route.flag)) {
        this.#seen.set(route.id, seenAfter(initial.flags, last.get(route.id)));
      }
      return changesOf(route, initial.flags);
    });
    await flags.ensure(wanted);
    for (const route of routes) this.#seen.set(route.id, seenAfter(this.percents(route), last.get(route.id)));
  }

  percents(route: RouteModel): FlagPercents {
    const { flags } = this.#deps;
    return { percent: flags.percent(route.flag), mirrorPercent: flags.percent(route.mirrorFlag) };
  }

  isAt(route: RouteModel, last: LastMove | undefined): boolean {
    return last === undefined || last.flags === textOf(this.percents(route));
  }

  /** Moves a route's flags. To be called in the turn of changes. @throws {ControlError} */
  async move(route: RouteModel, to: FlagPercents, actor: Actor, { by, mayStill }: MoveOrder): Promise<void> {
    const { changes, flags, onProblem } = this.#deps;
    const change = { scope: route.id, override: undefined, action: 'stage' } as const;
    // Audit first: a flag must never be moved without a trace of who did it.
    const recorded = { ...change, before: this.percents(route), after: to };
    const number = await changes.commitMove(recorded, textOf(to), by, actor);
    try {
      this.#seen.set(route.id, { flags: to, move: number });
      await flags.set(changesOf(route, to), mayStill);
    } catch (error) {
      const after = this.percents(route);
      this.#seen.set(route.id, { flags: after, move: number });
      // Whoever leads now finds the plan as it was stored, and makes the move that is recorded.
      if (error instanceof FlagsError && error.kind === 'fenced') throw refusal(error, error.message);
      onProblem('flags.set', error);
      const problem = `the flags cannot be moved: ${(error as Error).message}`;
      // The entry above says what was wanted; this one that it did not come about.
      const undone = { ...actor, reason: `not done, since ${problem}` };
      const entry = { ...change, before: to, after };
      await changes.commitMove(entry, textOf(after), OPERATORS_MOVE.by, undone).catch(() => {});
      throw refusal(error, problem);
    }
  }

  /** Records flags that were moved in their own source: the file, or a flag server's own console. Never rejects. */
  notice(): Promise<void> {
    const { changes, table } = this.#deps;
    return changes.inTurn(async () => {
      for (const route of table().routes) {
        const { flags: before, move: since = 0 } = this.#seen.get(route.id) ?? {};
        const after = this.percents(route);
        if (before?.percent === after.percent && before.mirrorPercent === after.mirrorPercent) continue;
        this.#seen.set(route.id, { flags: after, move: since });
        const actor: Actor = { name: 'flags', source: 'flags', reason: 'moved in the flag source itself' };
        const change = { scope: route.id, override: undefined, action: 'stage', before, after } as const;
        const move = await changes
          .commitMove(change, textOf(after), { kind: 'source', since }, actor)
          .catch(() => since); // A problem of its own by now.
        if (this.#seen.get(route.id)?.flags === after) this.#seen.set(route.id, { flags: after, move });
      }
    });
  }
}

/** Flags that are not as the last move has them may still come to be: it is seen when it happens. */
function seenAfter(flags: FlagPercents, last: LastMove | undefined): Seen {
  if (!last) return { flags, move: 0 };
  return { flags, move: last.flags === textOf(flags) ? last.move : last.move - 1 };
}

function refusal(error: unknown, problem: string): ControlError {
  return new ControlError(error instanceof FlagsError ? KIND_OF[error.kind] : 'not_stored', problem, { cause: error });
}

const KIND_OF = { conflict: 'conflict', source: 'flag_source', fenced: 'fenced' } as const satisfies Record<
  FlagsError['kind'],
  ControlError['kind']
>;

/** Flags as the ledger compares them. */
function textOf({ percent, mirrorPercent }: FlagPercents): string {
  return `${percent} ${mirrorPercent}`;
}

/** The two flags of a route, as they are to be. */
function changesOf(route: RouteModel, to: FlagPercents): FlagChange[] {
  return [
    { flag: route.flag, percent: to.percent, groupId: route.groupId },
    { flag: route.mirrorFlag, percent: to.mirrorPercent, groupId: route.mirrorFlag },
  ];
}
