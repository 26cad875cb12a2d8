// Makes and moves flags through Unleash's admin API. A flag's switch and the share of its one gradual rollout are moved;
// nothing else of it is ever rewritten. Several flags move together or not at all.
import { z } from 'zod';
import { handMade, rolloutStrategy, type Strategy } from './feature.ts';
import { type FlagChange, FlagsError, refuseLate } from './flags.ts';
import { type UnleashCaller, UnleashError } from './unleash-http.ts';

const strategySchema = z.looseObject({ id: z.string(), name: z.string(), disabled: z.boolean().nullish() });
const featureSchema = z.looseObject({
  environments: z.array(z.looseObject({ name: z.string(), enabled: z.boolean(), strategies: z.array(strategySchema) })),
  dependencies: z.array(z.looseObject({ feature: z.string() })).nullish(),
});

type StoredStrategy = Strategy & { readonly id: string };

/** A flag in the environment, as the server has it. */
interface StoredFlag {
  readonly enabled: boolean;
  readonly strategies: StoredStrategy[];
  readonly dependencies: { feature: string }[];
}

export interface AdminScope {
  readonly project: string;
  readonly environment: string;
}

interface Touched {
  readonly flag: string;
  readonly before: StoredFlag;
}

const DESCRIPTION = 'Made by Banyan: a share of users, moved by its stages or by hand.';

export class UnleashAdmin {
  readonly #call: UnleashCaller;
  readonly #scope: AdminScope;
  readonly #features: string;
  /** Flags that are there, but have not their strategy yet. At most one per flag of a route. */
  readonly #begun = new Set<string>();

  constructor(call: UnleashCaller, scope: AdminScope) {
    this.#call = call;
    this.#scope = scope;
    this.#features = `/admin/projects/${encodeURIComponent(scope.project)}/features`;
  }

  /** Whether making the flag was begun, and has failed. */
  isBegun(flag: string): boolean {
    return this.#begun.has(flag);
  }

  /** Makes a flag, or ends what was begun. Answers false for a name that is taken, which stays as it is. @throws {UnleashError} */
  async create({ flag, percent, groupId }: FlagChange): Promise<boolean> {
    const isBegun = this.#begun.has(flag);
    if (!isBegun) {
      const body = { name: flag, type: 'release', description: DESCRIPTION };
      const made = await this.#call({ method: 'POST', path: this.#features, body }).catch(unlessTaken);
      if (!made) return false;
      this.#begun.add(flag);
    }
    // Of what was begun before, the strategy may be there: its answer may have been lost.
    const { length } = isBegun ? (await this.#read(flag)).strategies : [];
    if (length === 0) await this.#addStrategy(flag, rolloutStrategy(percent, groupId));
    if (percent > 0) await this.#turn(flag, true);
    this.#begun.delete(flag);
    return true;
  }

  /**
   * Moves flags: all of them, or none. `mayStill` is asked before the first write.
   * @throws {FlagsError} `conflict`: one of them cannot be moved so; `source`: the server failed, or refused; `fenced`.
   */
  async move(changes: readonly FlagChange[], mayStill?: () => boolean): Promise<void> {
    const touched: Touched[] = [];
    try {
      const stored = await Promise.all(
        changes.map(async (change) => ({ change, before: await this.#readOrMake(change) })),
      );
      for (const { change, before } of stored) checkShape(change, before);
      refuseLate(mayStill);
      for (const { change, before } of stored) {
        touched.push({ flag: change.flag, before });
        await this.#apply(change, before);
      }
    } catch (error) {
      if (!(error instanceof UnleashError)) throw error;
      const { message } = error;
      throw new FlagsError('source', `Unleash ${message}; ${await this.#undo(touched)}`, { cause: error });
    }
  }

  async #apply({ flag, percent, groupId }: FlagChange, before: StoredFlag): Promise<void> {
    if (percent === 0) {
      if (before.enabled) await this.#turn(flag, false);
      return;
    }
    const [strategy] = before.strategies;
    const wanted = rolloutStrategy(percent, groupId, strategy);
    // The share first: switched on before it, the flag would be on for as many as last time.
    if (strategy) await this.#putStrategy(flag, { ...wanted, id: strategy.id });
    else await this.#addStrategy(flag, wanted);
    if (!before.enabled) await this.#turn(flag, true);
  }

  /** Says what became of it. */
  async #undo(touched: readonly Touched[]): Promise<string> {
    const lost: string[] = [];
    for (const { flag, before } of touched.toReversed()) {
      await this.#restore(flag, before).catch(() => lost.push(flag));
    }
    if (lost.length === 0) return 'nothing is changed';
    return `${lost.join(' and ')} may have been moved and could not be put back: look at it in Unleash`;
  }

  /** Puts a flag back, however much of a change was done to it. */
  async #restore(flag: string, before: StoredFlag): Promise<void> {
    const now = await this.#read(flag);
    if (now.enabled && !before.enabled) await this.#turn(flag, false);
    const [strategy] = before.strategies;
    if (strategy) await this.#putStrategy(flag, strategy);
    for (const { id } of now.strategies) {
      if (before.strategies.some((each) => each.id === id)) continue;
      await this.#call({ method: 'DELETE', path: `${this.#inEnvironment(flag)}/strategies/${id}` });
    }
    if (!now.enabled && before.enabled) await this.#turn(flag, true);
  }

  /** A flag that is not there is made, switched off: that moves nothing yet. */
  async #readOrMake(change: FlagChange): Promise<StoredFlag> {
    try {
      return await this.#read(change.flag);
    } catch (error) {
      if (!(error instanceof UnleashError && error.status === 404)) throw error;
      if (await this.create({ ...change, percent: 0 })) return await this.#read(change.flag);
      throw new FlagsError(
        'conflict',
        `${change.flag} is archived, or of another project of Unleash: bring it back there`,
      );
    }
  }

  async #read(flag: string): Promise<StoredFlag> {
    const { environment, project } = this.#scope;
    const { text } = await this.#call({ method: 'GET', path: `${this.#features}/${encodeURIComponent(flag)}` });
    const feature = featureSchema.safeParse(parse(text));
    if (!feature.success) throw new UnleashError(`answers something else than the flag ${flag}`);
    const found = feature.data.environments.find(({ name }) => name === environment);
    if (!found) {
      throw new FlagsError('conflict', `the environment ${environment} is not enabled in the project ${project}`);
    }
    return {
      enabled: found.enabled,
      // The schema checks what is decided by; the rest is Unleash's own, and passed through.
      strategies: found.strategies.filter(({ disabled }) => !disabled) as unknown as StoredStrategy[],
      dependencies: feature.data.dependencies ?? [],
    };
  }

  async #turn(flag: string, enabled: boolean): Promise<void> {
    await this.#call({ method: 'POST', path: `${this.#inEnvironment(flag)}/${enabled ? 'on' : 'off'}` });
  }

  async #putStrategy(flag: string, { id, ...strategy }: StoredStrategy): Promise<void> {
    await this.#call({ method: 'PUT', path: `${this.#inEnvironment(flag)}/strategies/${id}`, body: strategy });
  }

  async #addStrategy(flag: string, strategy: Strategy): Promise<void> {
    await this.#call({ method: 'POST', path: `${this.#inEnvironment(flag)}/strategies`, body: strategy });
  }

  #inEnvironment(flag: string): string {
    const environment = encodeURIComponent(this.#scope.environment);
    return `${this.#features}/${encodeURIComponent(flag)}/environments/${environment}`;
  }
}

function unlessTaken(error: unknown): undefined {
  if (error instanceof UnleashError && error.status === 409) return undefined;
  throw error;
}

/** Refuses to move a flag that a person has given a shape of its own. Switching it off is always possible. */
function checkShape({ flag, percent, groupId }: FlagChange, before: StoredFlag): void {
  const shape = percent === 0 ? [] : handMade(before, groupId);
  if (shape.length === 0) return;
  throw new FlagsError(
    'conflict',
    `${flag} was changed by hand in Unleash and is not rewritten: it ${shape.join(', ')}; move it there, or leave it one plain gradual rollout`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
