// Which id of legacy is which id of new, for things that each side has made for itself: one to one, bounded, the least
// recently used forgotten first.
import type { Side } from '../routing/side.ts';

/** What one thing is called on either side, in JSON (`"ord_1"`, `17`), so that a number stays one. */
export interface IdPair {
  /** The kind of thing, such as `order`. */
  readonly name: string;
  readonly legacy: string;
  readonly new: string;
}

/** A pair that is known from now on, or no longer. */
export interface IdChange {
  readonly pair: IdPair;
  readonly kept: boolean;
}

export type Learned = 'learned' | 'known' | 'same' | 'conflict';

export interface IdMap {
  readonly size: number;
  /**
   * Two ids that stand for one thing. `conflict`: one of them is known to stand for another; then nobody knows which is
   * right, and all pairs with either are forgotten. `same`: the sides call it alike, which needs no pair.
   */
  learn(pair: IdPair): Learned;
  /** Another process has found that the pair is wrong. */
  forget(pair: IdPair): void;
  /** What a side calls the thing that the other side calls `id` (plain, without JSON's quotes), in JSON; undefined when unknown. */
  translate(name: string, id: string, to: Side): string | undefined;
  /** Takes over what another process has found, without telling of it. */
  apply(changes: readonly IdChange[]): void;
  /** All pairs, the least recently used first. */
  pairs(): readonly IdPair[];
}

export interface IdMapOptions {
  readonly pairsMax: number;
  /** A pair was learned, or forgotten. */
  onChange(change: IdChange, why: 'learned' | 'conflict' | 'evicted'): void;
}

/** An id without JSON's quotes: `17` and `"17"` are the same in a path. */
export function plainId(json: string): string {
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}

export function createIdMap({ pairsMax, onChange }: IdMapOptions): IdMap {
  // Both in the order of use, pairsMax at most.
  const known = { legacy: new Map<string, IdPair>(), new: new Map<string, IdPair>() };
  const keyOf = (pair: IdPair, side: Side) => `${pair.name} ${plainId(pair[side])}`;

  function remove(pair: IdPair): void {
    known.legacy.delete(keyOf(pair, 'legacy'));
    known.new.delete(keyOf(pair, 'new'));
  }

  /** Adds the pair, or makes it the most recently used. */
  function put(pair: IdPair): void {
    remove(pair);
    known.legacy.set(keyOf(pair, 'legacy'), pair);
    known.new.set(keyOf(pair, 'new'), pair);
  }

  function learn(pair: IdPair, tell: IdMapOptions['onChange']): Learned {
    const [byLegacy, byNew] = [known.legacy.get(keyOf(pair, 'legacy')), known.new.get(keyOf(pair, 'new'))];
    if (byLegacy && byLegacy === byNew) {
      put(byLegacy);
      return 'known';
    }
    if (byLegacy || byNew) {
      for (const wrong of [byLegacy, byNew]) {
        if (!wrong) continue;
        remove(wrong);
        tell({ pair: wrong, kept: false }, 'conflict');
      }
      return 'conflict';
    }
    if (plainId(pair.legacy) === plainId(pair.new)) return 'same';
    put(pair);
    tell({ pair, kept: true }, 'learned');
    const [oldest] = known.legacy.values();
    if (known.legacy.size > pairsMax && oldest) {
      remove(oldest);
      tell({ pair: oldest, kept: false }, 'evicted');
    }
    return 'learned';
  }

  function forget(pair: IdPair, tell: IdMapOptions['onChange']): void {
    const held = known.legacy.get(keyOf(pair, 'legacy'));
    if (!held || keyOf(held, 'new') !== keyOf(pair, 'new')) return;
    remove(held);
    tell({ pair: held, kept: false }, 'conflict');
  }

  return {
    get size() {
      return known.legacy.size;
    },
    learn: (pair) => learn(pair, onChange),
    forget: (pair) => forget(pair, onChange),
    translate(name, id, to) {
      const from = to === 'new' ? 'legacy' : 'new';
      const pair = known[from].get(`${name} ${id}`);
      if (pair) put(pair);
      return pair?.[to];
    },
    apply(changes) {
      for (const { pair, kept } of changes) {
        if (kept) learn(pair, () => {});
        else forget(pair, () => {});
      }
    },
    pairs: () => [...known.legacy.values()],
  };
}
