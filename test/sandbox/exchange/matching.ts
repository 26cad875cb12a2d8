import type { Decimal } from '../decimal.ts';
import type { Side } from './order.ts';

/** An order in the book. `onFill` hears of each fill of it; `left` is the book's to change. */
export interface Resting {
  readonly id: string;
  readonly side: Side;
  readonly price: Decimal;
  left: Decimal;
  onFill(quantity: Decimal, price: Decimal): void;
}

export interface Fill {
  readonly price: Decimal;
  readonly quantity: Decimal;
}

/** One symbol's orders by price, then by time. */
export interface MatchingBook {
  /**
   * Takes from the other side for a taker of `side`: best price first, oldest first, each at the maker's price. `wanted`
   * says how much at most may be taken at a price, given the fills so far; 0 ends it.
   */
  take(
    side: Side,
    limit: Decimal | undefined,
    wanted: (price: Decimal, soFar: readonly Fill[]) => Decimal,
  ): readonly Fill[];
  /** What a taker of `side` could take up to `limit`. */
  available(side: Side, limit: Decimal | undefined): Decimal;
  rest(order: Resting): void;
  /** False when it is not there. */
  remove(id: string): boolean;
  /** The best `count` levels, best first. */
  levels(side: Side, count: number): readonly Fill[];
}

interface Level {
  readonly price: Decimal;
  readonly queue: Resting[];
}

/** `onLevel` hears the whole quantity of each level that changes; 0 means that it is gone. */
export function createMatchingBook(onLevel: (side: Side, price: Decimal, quantity: Decimal) => void): MatchingBook {
  const sides: Readonly<Record<Side, Level[]>> = { BUY: [], SELL: [] };
  const byId = new Map<string, Resting>();

  /** Whether `a` is a better price than `b` for whoever rests on `side`. */
  const isBetter = (side: Side, a: Decimal, b: Decimal): boolean => (side === 'BUY' ? a > b : a < b);
  const total = ({ queue }: Level): Decimal => queue.reduce((sum, { left }) => sum + left, 0n);

  /** Where the level of `price` is, or would be. */
  const indexOf = (side: Side, price: Decimal): number => {
    const levels = sides[side];
    let [low, high] = [0, levels.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBetter(side, levels[middle]?.price ?? 0n, price)) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const changed = (side: Side, level: Level): void => {
    if (level.queue.length === 0) sides[side].splice(sides[side].indexOf(level), 1);
    onLevel(side, level.price, total(level));
  };

  const reachable = (side: Side, limit: Decimal | undefined): readonly Level[] => {
    const other = side === 'BUY' ? 'SELL' : 'BUY';
    return sides[other].filter(({ price }) => limit === undefined || !isBetter(other, limit, price));
  };

  return {
    take(side, limit, wanted) {
      const fills: Fill[] = [];
      const other = side === 'BUY' ? 'SELL' : 'BUY';
      for (const level of reachable(side, limit)) {
        let isDone = false;
        for (const maker of [...level.queue]) {
          const most = wanted(level.price, fills);
          isDone = most <= 0n;
          if (isDone) break;
          const quantity = most < maker.left ? most : maker.left;
          maker.left -= quantity;
          if (maker.left === 0n) {
            level.queue.splice(level.queue.indexOf(maker), 1);
            byId.delete(maker.id);
          }
          fills.push({ price: level.price, quantity });
          maker.onFill(quantity, level.price);
        }
        changed(other, level);
        if (isDone) break;
      }
      return fills;
    },
    available: (side, limit) => reachable(side, limit).reduce((sum, level) => sum + total(level), 0n),
    rest(order) {
      const levels = sides[order.side];
      const index = indexOf(order.side, order.price);
      const present = levels[index];
      const level = present?.price === order.price ? present : { price: order.price, queue: [] };
      if (level !== present) levels.splice(index, 0, level);
      level.queue.push(order);
      byId.set(order.id, order);
      changed(order.side, level);
    },
    remove(id) {
      const order = byId.get(id);
      const level = order && sides[order.side][indexOf(order.side, order.price)];
      if (!order || !level) return false;
      byId.delete(id);
      level.queue.splice(level.queue.indexOf(order), 1);
      changed(order.side, level);
      return true;
    },
    levels: (side, count) =>
      sides[side].slice(0, count).map((level) => ({ price: level.price, quantity: total(level) })),
  };
}
