// Durable changes by operators: one writer at a time, each change with its audit entry and the revision it leads to.
import type { MovedBy } from '../ledger/flag-move.ts';
import type { AuditEntry, AuditSource, Ledger, LedgerChange } from '../ledger/ledger.ts';

/** Who asks for a change, and why. */
export interface Actor {
  readonly name: string;
  readonly source: AuditSource;
  readonly reason: string;
  readonly requestId?: string | undefined;
  /** What a plan or guard saw when it acted, beside the numbers that every audit entry has. */
  readonly basis?: unknown;
}

/** The change was refused, or did not happen; `kind` says what the caller can do about it. */
export class ControlError extends Error {
  readonly kind:
    | 'unknown_route'
    | 'unknown_rule'
    | 'invalid'
    | 'stale'
    | 'nothing_to_lift'
    | 'conflict'
    | 'gate_not_met'
    | 'not_stored'
    | 'fenced'
    | 'flag_source';

  constructor(kind: ControlError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ControlError';
    this.kind = kind;
  }
}

/** The change is based on what has changed since. */
export class StaleError extends ControlError {
  readonly scope: string;
  /** As it is now. */
  readonly revision: number;

  constructor(scope: string, revision: number, message: string) {
    super('stale', message);
    this.scope = scope;
    this.revision = revision;
  }
}

/** A change of one scope, as it is stored and audited. */
export interface Change extends Omit<LedgerChange, 'audit'> {
  readonly action: AuditEntry['action'];
  /** What the audit log says was changed, where that is not the scope itself. */
  readonly subject?: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface ChangesDeps {
  readonly ledger: Ledger;
  /** The numbers that a change to a scope is based on, a route's id or ALL_ROUTES, for the audit log. */
  readonly evidence: (scope: string) => unknown;
  /** This gateway, for the audit log. */
  readonly instance: string;
  readonly now: () => Date;
  /** The entry of a change was stored, or could not be. */
  readonly onAudited?: (entry: AuditEntry, isStored: boolean) => void;
  readonly onProblem: (operation: string, error: unknown) => void;
}

/** Loads the revisions. @throws when the ledger cannot be read. */
export async function openChanges(deps: ChangesDeps): Promise<Changes> {
  return new Changes(deps, await deps.ledger.revisions());
}

export class Changes {
  readonly #deps: ChangesDeps;
  readonly #revisions: Map<string, number>;
  #storeProblem: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: ChangesDeps, revisions: Map<string, number>) {
    this.#deps = deps;
    this.#revisions = revisions;
  }

  /** The revision of a scope; 0 when it never changed. */
  revision(scope: string): number {
    return this.#revisions.get(scope) ?? 0;
  }

  /** Reads all revisions from the ledger again, which other gateways may share. @throws when they cannot be read. */
  async rereadAll(): Promise<void> {
    for (const [scope, revision] of await this.#deps.ledger.revisions()) this.#revisions.set(scope, revision);
  }

  /** Reads a scope's revision from the ledger again, which other gateways may share. @throws when it cannot be read. */
  async reread(scope: string): Promise<void> {
    const revision = (await this.#deps.ledger.revisions()).get(scope);
    if (revision !== undefined) this.#revisions.set(scope, revision);
  }

  /** Why nobody can rely on changes being stored, or undefined. */
  problem(): string | undefined {
    return this.#storeProblem;
  }

  /** One change at a time, in the order in which they were asked for. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** `expected` is the revision that the caller has seen; undefined means any. `what` names the scope to people. @throws {StaleError} */
  check(scope: string, expected: number | undefined, what = scope): void {
    const revision = this.revision(scope);
    if (expected === undefined || expected === revision) return;
    const seen = `revision ${revision}, yours is ${expected}`;
    throw new StaleError(scope, revision, `${what} has changed since you looked (${seen}); look again`);
  }

  /** Stores a change with its audit entry; all of it or nothing. @throws {ControlError} not_stored */
  async commit(change: Change, actor: Actor): Promise<void> {
    const stored = this.#storedForm(change, actor);
    const revision = await this.#storing(stored, () => this.#deps.ledger.commit(stored));
    this.#revisions.set(stored.scope, revision);
    this.#deps.onAudited?.(stored.audit, true);
  }

  /**
   * Records a move of a route's flags, unless that was done before; answers its number. @throws {ControlError} not_stored,
   * or `fenced` where the move must not be made.
   */
  async commitMove(change: Change, flags: string, by: MovedBy, actor: Actor): Promise<number> {
    const stored = this.#storedForm(change, actor);
    const record = await this.#storing(stored, () => this.#deps.ledger.recordMove(stored, { flags, by }));
    if (record.kind === 'fenced') {
      throw new ControlError('fenced', `${stored.scope} is not moved: another gateway leads, or its plan has changed`);
    }
    if (record.kind === 'recorded') {
      this.#revisions.set(stored.scope, record.revision);
      this.#deps.onAudited?.(stored.audit, true);
    }
    return record.move;
  }

  #storedForm({ action, subject, before, after, ...change }: Change, actor: Actor): LedgerChange {
    const { now, evidence, instance } = this.#deps;
    const { name, source, reason, requestId, basis } = actor;
    const scope = subject ?? change.scope;
    const at = now().toISOString();
    const numbers = evidence(scope);
    const based = basis === undefined ? numbers : { numbers, basis };
    const by = { at, actor: name, source, requestId, instance };
    const audit: AuditEntry = { ...by, action, scope, reason, before, after, evidence: based };
    return { ...change, audit };
  }

  async #storing<T>({ audit }: LedgerChange, work: () => Promise<T>): Promise<T> {
    const { onAudited, onProblem } = this.#deps;
    try {
      const result = await work();
      this.#storeProblem = undefined;
      return result;
    } catch (error) {
      this.#storeProblem = `the ledger cannot store changes: ${(error as Error).message}`;
      onProblem('ledger.commit', error);
      onAudited?.(audit, false);
      throw new ControlError('not_stored', this.#storeProblem, { cause: error });
    }
  }
}
