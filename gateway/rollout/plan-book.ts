// What this process knows of plans, and what it stores of them: the last that was read or written, with what their gates say.
import { DEPLOYMENT, type PlanPut, type PlanStore } from '../ledger/plan-store.ts';
import type { Verdict } from './gates/verdict.ts';
import type { PlanState } from './plan.ts';
import { documentOf, type KnownPlan, knownPlan } from './plan-record.ts';

/** What is known of one route's plan. */
export interface Known extends KnownPlan {
  verdicts: readonly Verdict[];
  /** Why it does not go on now. */
  holds: string | undefined;
}

export class PlanBook {
  readonly #store: Pick<PlanStore, 'list' | 'put'>;
  readonly #known = new Map<string, Known>(); // One per route whose plan was ever started.

  constructor(store: Pick<PlanStore, 'list' | 'put'>) {
    this.#store = store;
  }

  get(route: string): Known | undefined {
    return this.#known.get(route);
  }

  /** Of what is known here; 0 where nothing is. */
  revision(route: string): number {
    return this.#known.get(route)?.revision ?? 0;
  }

  /** Reads what others have stored. */
  async load(): Promise<void> {
    const stored = (await this.#store.list()).filter(({ route }) => route !== DEPLOYMENT);
    const ids = new Set(stored.map(({ route }) => route));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    for (const each of stored) {
      if (this.#known.get(each.route)?.revision === each.revision) continue;
      this.#known.set(each.route, { ...knownPlan(each), verdicts: [], holds: undefined });
    }
  }

  /** Stores a route's next state, based on the one that is known here. `token` as PlanChange has it. */
  async put(route: string, state: PlanState, token: number | undefined): Promise<PlanPut> {
    const before = this.#known.get(route);
    const revision = this.revision(route);
    const put = await this.#store.put({ route, document: documentOf(state), revision, token });
    const verdicts = before?.state.step === state.step ? before.verdicts : [];
    if (put === 'stored') this.#known.set(route, { state, revision: revision + 1, verdicts, holds: undefined });
    return put;
  }
}
