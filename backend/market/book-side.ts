// One side of a book: prices in order, worst first, so that the busy end of the array is its end, where insertion is cheap.
import type { Level } from '../exchange/market-feed.ts';
import { fromUnits, powerOf } from './fixed-point.ts';

export type BookSide = {
  /** Sets a level's quantity; undefined removes the level. */
  readonly set: (units: number, quantity: string | undefined) => void;
  /** The best `count` levels, best first, prices at this scale. */
  readonly best: (count: number, scale: number) => Level[];
  readonly size: () => number;
  /** Drops the worst levels until `count` are left. */
  readonly trim: (count: number) => void;
  /** Multiplies all prices by a power of ten, when the scale has grown. False when one would not be exact any more. */
  readonly rescale: (by: number) => boolean;
  readonly clear: () => void;
};

/** `sign` is 1 on the side where higher is better (bids), -1 where lower is (asks). */
export function createBookSide(sign: 1 | -1): BookSide {
  // sign * price, ascending: the last is the best on either side.
  let keys: number[] = [];
  let quantities: string[] = [];

  /** Where `key` is, or would be. Most changes are near the best, so it looks from the end in growing steps first. */
  function indexOf(key: number): number {
    let high = keys.length;
    let step = 1;
    while (high - step > 0 && (keys[high - step] ?? 0) > key) {
      high -= step;
      step *= 2;
    }
    let low = Math.max(0, high - step);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    set(units, quantity) {
      const key = sign * units;
      const index = indexOf(key);
      const isThere = keys[index] === key;
      if (quantity === undefined) {
        if (!isThere) return;
        keys.splice(index, 1);
        quantities.splice(index, 1);
      } else if (isThere) quantities[index] = quantity;
      else if (index === keys.length) {
        keys.push(key);
        quantities.push(quantity);
      } else {
        keys.splice(index, 0, key);
        quantities.splice(index, 0, quantity);
      }
    },
    best(count, scale) {
      const levels: Level[] = [];
      for (let i = keys.length - 1; i >= 0 && levels.length < count; i--) {
        levels.push({ price: fromUnits(sign * (keys[i] ?? 0), scale), quantity: quantities[i] ?? '' });
      }
      return levels;
    },
    size: () => keys.length,
    trim(count) {
      if (keys.length <= count) return;
      keys = keys.slice(-count);
      quantities = quantities.slice(-count);
    },
    rescale(by) {
      keys = keys.map((key) => key * powerOf(by));
      return keys.every(Number.isSafeInteger);
    },
    clear() {
      keys = [];
      quantities = [];
    },
  };
}
