// Pairs members of two lists that agree, as many as can be paired. Pure.
import type { Pair } from './keyed.ts';

/** Comparing them would take longer than it is worth. */
export class TooMuchWork extends Error {}

/** Looks at a pair, for two arrays; two lists of 500 members that all differ take as many. */
const LOOKS_MAX = 250_000;

export interface Pairing {
  readonly matched: readonly Pair[];
  /** Members without a partner, in their order. */
  readonly restLeft: readonly number[];
  readonly restRight: readonly number[];
}

/** Pairs members by a text that those share which agree. */
export function matchByText(
  left: readonly number[],
  right: readonly number[],
  textOf: { left(index: number): string; right(index: number): string },
): Pairing {
  const waiting = new Map<string, number[]>();
  for (const index of right.toReversed()) {
    const text = textOf.right(index);
    const same = waiting.get(text);
    if (same) same.push(index);
    else waiting.set(text, [index]);
  }
  const matched: Pair[] = [];
  const restLeft: number[] = [];
  for (const index of left) {
    const partner = waiting.get(textOf.left(index))?.pop();
    if (partner === undefined) restLeft.push(index);
    else matched.push({ left: index, right: partner });
  }
  const taken = new Set(matched.map((pair) => pair.right));
  return { matched, restLeft, restRight: right.filter((index) => !taken.has(index)) };
}

/**
 * The same where agreeing does not carry over from pair to pair: a largest matching, by augmenting paths (Kuhn's algorithm): a member gives way when it has another partner.
 * @throws {TooMuchWork} when too many pairs have to be looked at.
 */
export function matchUp(
  left: readonly number[],
  right: readonly number[],
  agrees: (left: number, right: number) => boolean,
): Pairing {
  const partnerOf = new Map<number, number>(); // From right to left.
  const known = new Map<number, boolean>();
  let looks = 0;
  const look = (a: number, b: number): boolean => {
    const id = a * 2 ** 26 + b;
    if (++looks > LOOKS_MAX)
      throw new TooMuchWork('an array without order is too large to be paired within tolerances');
    const answer = known.get(id);
    if (answer !== undefined) return answer;
    const found = agrees(a, b);
    known.set(id, found);
    return found;
  };
  const tryToPair = (a: number, preferred: number, visited: Set<number>): boolean => {
    // Its own position first: most members have not moved.
    for (let i = -1; i < right.length; i++) {
      const b = i < 0 ? preferred : (right[i] as number);
      if (visited.has(b) || !look(a, b)) continue;
      visited.add(b);
      const holder = partnerOf.get(b);
      if (holder !== undefined && !tryToPair(holder, b, visited)) continue;
      partnerOf.set(b, a);
      return true;
    }
    return false;
  };
  const restLeft = left.filter((a, index) => !tryToPair(a, right[Math.min(index, right.length - 1)] ?? 0, new Set()));
  const matched = [...partnerOf].map(([b, a]) => ({ left: a, right: b }));
  return { matched, restLeft, restRight: right.filter((b) => !partnerOf.has(b)) };
}
