// Where in an answer a difference is: a linked path, made only where two values differ, and printed in one notation.
import { childPath, type PathStep } from '../../config/compare-path.ts';

/** A place in a body. `member` is any member of an array; `key` the field by which its members are paired. */
export type Place =
  | undefined
  | { readonly parent: Place; readonly name: string }
  | { readonly parent: Place; readonly name?: undefined; readonly key: string | undefined };

export function child(parent: Place, name: string): Place {
  return { parent, name };
}

export function member(parent: Place, key?: string): Place {
  return { parent, key };
}

/** `$.orders[*].fee`, or `$.orders[?order_id].fee` where members are paired by a key. */
export function printPlace(place: Place): string {
  if (place === undefined) return '$';
  const parent = printPlace(place.parent);
  if (place.name !== undefined) return childPath(parent, place.name);
  return place.key === undefined ? `${parent}[*]` : `${parent}[?${place.key}]`;
}

/** The names along a place from the top, `undefined` standing for any member of an array. */
function namesOf(place: Place): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (let at = place; at !== undefined; at = at.parent) names.push(at.name);
  return names.reverse();
}

/** Whether a rule's steps select this place, or (with `below`) a place above it. */
export function selects(steps: readonly PathStep[], place: Place, below: boolean): boolean {
  const names = namesOf(place);
  const from = (step: number, name: number): boolean => {
    const wanted = steps[step];
    if (wanted === undefined) return below || name === names.length;
    for (let at = name; at < names.length; at++) {
      const matches = wanted.any || names[at] === wanted.name;
      if (matches && from(step + 1, at + 1)) return true;
      if (!wanted.deep) return false;
    }
    return false;
  };
  return from(0, 0);
}

/** Whether a rule's steps can select something below this place. */
export function leadsTo(steps: readonly PathStep[], place: Place): boolean {
  const names = namesOf(place);
  const from = (step: number, name: number): boolean => {
    const wanted = steps[step];
    if (wanted === undefined) return false;
    if (name === names.length || wanted.deep) return true;
    return (wanted.any || names[name] === wanted.name) && from(step + 1, name + 1);
  };
  return from(0, 0);
}
