// The levels of one symbol's book. It knows nothing of versions; book-sync.ts does.
import type { Level, Levels } from '../exchange/market-feed.ts';
import { type BookSide, createBookSide } from './book-side.ts';
import { isPlain, isZero, SCALE_MAX, scaleOf, toUnits } from './fixed-point.ts';

/** Levels kept a side: as many as the exchange's snapshot has. */
const LEVELS_MAX = 5000;
/** Trimming is rare when there is some room above. */
const TRIM_ABOVE = LEVELS_MAX + 1000;
/** A side that was trimmed and has been eaten down to this may lack levels where it now is. */
const LEVELS_SURE = 1000;

export type OrderBook = {
  /** Sets each level to its quantity; zero removes it. False: a level is no price and quantity, and the book is not usable. */
  readonly apply: (levels: Levels) => boolean;
  /** Starts anew from these levels. */
  readonly load: (levels: Levels) => boolean;
  /** The best `count` levels of each side, best first. */
  readonly levels: (count: number) => Levels;
  /** Whether levels near the best may be missing, because far ones were dropped and the price has come to them. */
  readonly isThin: () => boolean;
};

export function createOrderBook(): OrderBook {
  const bids = createBookSide(1);
  const asks = createBookSide(-1);
  let scale = 0;
  const trimmed = new Set<BookSide>();

  /** More decimals than before: every price is multiplied, once. */
  function grow(to: number): boolean {
    if (to > SCALE_MAX) return false;
    const by = to - scale;
    scale = to;
    return bids.rescale(by) && asks.rescale(by);
  }

  function setLevel(side: BookSide, { price, quantity }: Level): boolean {
    if (!isPlain(price) || !isPlain(quantity)) return false;
    let units = toUnits(price, scale);
    if (units === undefined) {
      const needed = scaleOf(price);
      if (needed <= scale || !grow(needed)) return false;
      units = toUnits(price, scale);
    }
    if (units === undefined || units === 0) return false;
    side.set(units, isZero(quantity) ? undefined : quantity);
    return true;
  }

  function setAll(side: BookSide, levels: readonly Level[]): boolean {
    for (const level of levels) if (!setLevel(side, level)) return false;
    if (side.size() > TRIM_ABOVE) {
      side.trim(LEVELS_MAX);
      trimmed.add(side);
    }
    return true;
  }

  function apply(levels: Levels): boolean {
    return setAll(bids, levels.bids) && setAll(asks, levels.asks);
  }

  return {
    apply,
    load(levels) {
      bids.clear();
      asks.clear();
      trimmed.clear();
      return apply(levels);
    },
    levels: (count) => ({ bids: bids.best(count, scale), asks: asks.best(count, scale) }),
    isThin: () => [...trimmed].some((side) => side.size() < LEVELS_SURE),
  };
}
