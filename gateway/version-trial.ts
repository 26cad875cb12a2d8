// What both versions of the new backend have served since a deployment came to its status. Of this gateway alone; what was
// before its process began, nobody knows.
import type { Deployment, DeploymentFacts } from './rollout/deployment.ts';
import type { BothServed, ServedFacts } from './rollout/facts.ts';
import { ServedHistory } from './rollout/served-history.ts';

/** As the guard's: a version that is bad from the beginning, and one that becomes bad. */
const SHORT_MS = 60_000;
const LONG_MS = 600_000;

/** What a version has served since this process began. */
type ServedBy = (version: string) => ServedFacts;

export class VersionTrial {
  readonly #deployment: Deployment;
  readonly #history = new ServedHistory();
  readonly #requestsBefore: number;
  /** What the outgoing version served in the canary counts on in the watch, where it serves nobody. */
  readonly #canary: ServedHistory;

  constructor(deployment: Deployment, served: ServedBy, before: VersionTrial | undefined) {
    this.#deployment = deployment;
    this.#requestsBefore = served(deployment.to).requests;
    this.#canary = before && before.#deployment.to === deployment.to ? before.#canary : new ServedHistory();
  }

  isOf({ enteredAt, to }: Deployment): boolean {
    return this.#deployment.enteredAt === enteredAt && this.#deployment.to === to;
  }

  facts(served: ServedBy, nowMs: number, healthy: DeploymentFacts['healthy']): DeploymentFacts {
    const { from, to, enteredAt } = this.#deployment;
    const totals: BothServed = { legacy: served(from), new: served(to) };
    this.#history.mark(totals, nowMs);
    this.#canary.mark(totals, nowMs);
    const { legacy } = this.#canary.within(LONG_MS, totals, nowMs);
    return {
      windows: [SHORT_MS, LONG_MS].map((ms) => ({ legacy, new: this.#history.within(ms, totals, nowMs).new })),
      requests: totals.new.requests - this.#requestsBefore,
      healthy,
      ageMs: nowMs - Date.parse(enteredAt),
    };
  }
}
