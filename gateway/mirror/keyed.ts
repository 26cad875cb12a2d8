// Members of two arrays grouped by a field, so that those which stand for the same thing are compared. Pure.
import type { Json } from './json.ts';
import { normalised, writtenOf } from './leaf.ts';
import type { Spot } from './spot.ts';

/** An index into legacy's array, and one into new's. */
export interface Pair {
  readonly left: number;
  readonly right: number;
}

/** The members that share a value of the key, as indices in their order. */
export interface Group {
  readonly left: number[];
  readonly right: number[];
}

/**
 * Groups in the order of legacy's members; those without the key are a group too. `spotOf` is a member's place, where
 * rules say how its key may be spelled. Undefined when no member of either side has the key: it is none.
 */
export function groupByKey(
  legacy: readonly Json[],
  fresh: readonly Json[],
  key: string,
  spotOf: (item: Json) => Spot,
): readonly Group[] | undefined {
  const groups = new Map<string | undefined, Group>();
  const add = (side: keyof Group) => (item: Json, index: number) => {
    const name = keyOf(item, key, spotOf);
    const group = groups.get(name) ?? { left: [], right: [] };
    groups.set(name, group);
    group[side].push(index);
  };
  legacy.forEach(add('left'));
  fresh.forEach(add('right'));
  const hasKeys = groups.size > 1 || (groups.size === 1 && !groups.has(undefined));
  return hasKeys ? [...groups.values()] : undefined;
}

/** The value of a member's key in one spelling; of a list, the member at that index. */
export function keyOf(item: Json, key: string, spotOf: (item: Json) => Spot): string | undefined {
  if (Array.isArray(item)) {
    const value: Json | undefined = item[Number(key)];
    if (value === undefined) return undefined;
    return normalised(value, spotOf(item).member(value).rules) ?? writtenOf(value);
  }
  const value = item instanceof Map ? item.get(key) : undefined;
  if (value === undefined) return undefined;
  return normalised(value, spotOf(item).child(key, value).rules) ?? writtenOf(value);
}

/** Whether members that both sides have stand in the same order on both. */
export function isInOrder(pairs: readonly Pair[]): boolean {
  const rights = pairs.toSorted((a, b) => a.left - b.left).map(({ right }) => right);
  return rights.every((right, index) => index === 0 || right > (rights[index - 1] as number));
}
