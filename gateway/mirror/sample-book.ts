// The samples of a route that are kept, and what of them a store has been told.
import { type Keepable, keptSamples, type ShelfLimits, type ShelvedSample, shelved } from './sample-shelf.ts';

/** What has become of samples since this was last asked. */
export interface SampleNews<S extends Keepable> {
  readonly added: readonly S[];
  /** Numbers of samples that were told of before and are not kept any longer. */
  readonly removed: readonly number[];
}

export class SampleBook<S extends Keepable> {
  readonly #limits: ShelfLimits;
  #shelf: ShelvedSample<S>[] = [];
  readonly #told = new Set<number>(); // Of those kept, and of those just removed.

  constructor(limits: ShelfLimits) {
    this.#limits = limits;
  }

  /** The oldest first. */
  get samples(): readonly S[] {
    return this.#shelf.map(({ sample }) => sample);
  }

  add(samples: readonly S[]): void {
    if (samples.length > 0) this.#shelf = keptSamples([...this.#shelf, ...samples.map(shelved)], this.#limits);
  }

  /** Forgets samples that were taken before this (ISO 8601). Answers whether there were any. */
  expire(before: string): boolean {
    const left = this.#shelf.filter(({ sample }) => sample.at >= before);
    const areGone = left.length < this.#shelf.length;
    this.#shelf = left;
    return areGone;
  }

  take(): SampleNews<S> {
    const kept = new Set(this.#shelf.map(({ sample }) => sample.n));
    const added = this.samples.filter(({ n }) => !this.#told.has(n));
    const removed = [...this.#told].filter((n) => !kept.has(n));
    for (const { n } of added) this.#told.add(n);
    for (const n of removed) this.#told.delete(n);
    return { added, removed };
  }

  /** Puts what was kept in the place of what was told; what nobody has been told of yet stays. Answers whether it is too much. */
  restore(kept: readonly S[]): boolean {
    const untold = this.#shelf.filter(({ sample }) => !this.#told.has(sample.n));
    this.#shelf = keptSamples([...kept.map(shelved), ...untold], this.#limits);
    this.#told.clear();
    for (const { n } of kept) this.#told.add(n);
    return this.#shelf.length < kept.length;
  }
}
