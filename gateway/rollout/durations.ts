// How long requests took, as counts in steps of five per cent: they add up, can be subtracted, and say how sure a
// percentile is. 2.6 KB each.
import type { Bounds } from '../mirror/confidence.ts';

const LEAST_MS = 0.1;
const GROWTH = Math.log(1.05);
/** The last step begins above ten minutes. */
const STEPS = Math.ceil(Math.log(600_000 / LEAST_MS) / GROWTH) + 1;

export class Durations {
  readonly #counts: Float64Array;
  #total: number;

  constructor(counts = new Float64Array(STEPS), total = 0) {
    this.#counts = counts;
    this.#total = total;
  }

  get total(): number {
    return this.#total;
  }

  add(durationMs: number): void {
    const step = stepOf(durationMs);
    this.#counts[step] = (this.#counts[step] ?? 0) + 1;
    this.#total++;
  }

  /** A copy that does not change. */
  copy(): Durations {
    return new Durations(this.#counts.slice(), this.#total);
  }

  /** What was added since this was `earlier`; everything, when it has begun anew meanwhile. */
  since(earlier: Durations): Durations {
    const difference = new Float64Array(STEPS);
    for (let step = 0; step < STEPS; step++) {
      const count = (this.#counts[step] ?? 0) - (earlier.#counts[step] ?? 0);
      if (count < 0) return this.copy();
      difference[step] = count;
    }
    return new Durations(difference, this.#total - earlier.#total);
  }

  /** The duration that a share of the requests did not exceed, in milliseconds; undefined without requests. */
  quantileMs(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.min(1, Math.max(0, share)) * this.#total;
    let below = 0;
    for (let step = 0; step < STEPS; step++) {
      const count = this.#counts[step] ?? 0;
      if (count > 0 && below + count >= rank) return startOf(step + (rank - below) / count);
      below += count;
    }
    return startOf(STEPS);
  }

  /**
   * Between what the quantile of all such requests can be trusted to lie, each end at the one-sided confidence of `z`:
   * the order statistics around it (the normal approximation of Conover 1999, section 3.2).
   */
  quantileBoundsMs(share: number, z: number): Bounds | undefined {
    const spread = this.#total > 0 ? z * Math.sqrt((share * (1 - share)) / this.#total) : 0;
    const [low, high] = [this.quantileMs(share - spread), this.quantileMs(share + spread)];
    return low === undefined || high === undefined ? undefined : { low, high };
  }

  /** How many took longer than this. */
  above(durationMs: number): number {
    const place = Math.max(0, placeOf(durationMs));
    const step = Math.min(STEPS - 1, Math.floor(place));
    let longer = 0;
    for (let above = step + 1; above < STEPS; above++) longer += this.#counts[above] ?? 0;
    return longer + (this.#counts[step] ?? 0) * (1 - Math.min(1, place - step));
  }
}

function placeOf(durationMs: number): number {
  return durationMs <= LEAST_MS ? 0 : Math.log(durationMs / LEAST_MS) / GROWTH;
}

function stepOf(durationMs: number): number {
  return Math.min(STEPS - 1, Math.floor(placeOf(durationMs)));
}

/** The duration at which a step begins, or a place between two steps. */
function startOf(place: number): number {
  return LEAST_MS * Math.exp(place * GROWTH);
}
