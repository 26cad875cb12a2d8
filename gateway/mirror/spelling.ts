// Compares two JSON texts without building what they have in common: both are walked at once, value by value. Blanks,
// escapes, the order of members and what rules normalise make no difference. Only what is not plainly the same is parsed
// (unlike.ts), and compared as whole documents are (compare-json.ts, which this must never contradict). Of texts that this
// is no use for, since too much differs or they are strange, it says nothing.
import { isUtf8 } from 'node:buffer';
import { compareJson, WORK_MAX } from './compare-json.ts';
import type { Difference } from './difference.ts';
import { DEPTH_MAX } from './json.ts';
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  Cursor,
  GIVE_UP,
  hasTwice,
  isDigit,
  isOpening,
  isSameButForZeros,
  isSamePlainText,
  isSameSpelling,
  isSameWritten,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipLeaf,
  type Written,
} from './json-cursor.ts';
import { compareLeaves } from './leaf.ts';
import type { Spot } from './spot.ts';
import { type LoneValue, type Unlike, type UnlikeMember, UnlikeReader } from './unlike.ts';

/** Members in another order, or on one side only, are looked for one by one; objects with more are parsed. */
const REORDERED_MAX = 64;
/** Names remembered of one place. */
const SEEN_MAX = 32;
/** Values that may differ where no rule ignores it; documents with more are sooner parsed. */
const UNLIKE_MAX = 64;

/**
 * The differences; undefined when the documents have to be parsed to be compared.
 * @throws {TooMuchWork} as `compareJson` does.
 */
export function compareSpelling(
  legacy: Uint8Array,
  fresh: Uint8Array,
  root: Spot,
  workMax = WORK_MAX,
): readonly Difference[] | undefined {
  if (!isUtf8(legacy) || !isUtf8(fresh)) return undefined;
  const [left, right] = [new Cursor(legacy), new Cursor(fresh)];
  try {
    const unlike = new Lockstep(left, right, root).documents();
    return unlike ? compareJson(...new UnlikeReader(left, right).read(unlike), root, workMax) : [];
  } catch (error) {
    if (error === GIVE_UP) return undefined;
    throw error;
  }
}

/** Where the walk stands on both sides. */
interface Places {
  readonly left: number;
  readonly right: number;
}

class Lockstep {
  readonly #left: Cursor;
  readonly #right: Cursor;
  /** Of each level: where legacy writes the name of the member being walked, or -1 for a member of an array. */
  readonly #nameFrom: number[] = [];
  readonly #nameTo: number[] = [];
  readonly #spots: (Spot | undefined)[] = [];
  readonly #seen = new Map<Spot, readonly SeenName[]>();
  #depth = 0;
  #unlike = 0;

  constructor(left: Cursor, right: Cursor, root: Spot) {
    this.#left = left;
    this.#right = right;
    this.#spots[0] = root;
  }

  /** What is not the same; undefined when nothing is. */
  documents(): Unlike | undefined {
    const unlike = this.#value();
    for (const side of [this.#left, this.#right]) if (side.peek() !== 0 || side.at !== side.bytes.length) throw GIVE_UP;
    return unlike;
  }

  #value(): Unlike | undefined {
    const [a, b] = [this.#left.peek(), this.#right.peek()];
    if (a === OPEN_OBJECT && b === OPEN_OBJECT) return this.#objects();
    if (a === OPEN_ARRAY && b === OPEN_ARRAY) return this.#arrays();
    if (isOpening(a) || isOpening(b)) return this.#whole({ left: this.#left.at, right: this.#right.at });
    return this.#leaves(a, b);
  }

  /** Two values that begin there, to be read as they are. */
  #whole(starts: Places): Unlike {
    const [left, right] = [this.#left, this.#right];
    left.at = starts.left;
    right.at = starts.right;
    left.skipValue();
    right.skipValue();
    return this.#found(starts, undefined);
  }

  /** Two values that differ, which begin there and end here. */
  #found({ left, right }: Places, parts: Unlike['parts'], isIgnored = this.#isIgnored()): Unlike {
    const [legacy, fresh] = [
      { from: left, to: this.#left.at },
      { from: right, to: this.#right.at },
    ];
    return { legacy, fresh, depth: this.#depth, parts, isIgnored };
  }

  /** Whether a rule ignores what differs in the value being walked. */
  #isIgnored(spot = this.#spot(this.#depth)): boolean {
    if (spot.rules.ignored !== undefined) return true;
    if (++this.#unlike > UNLIKE_MAX) throw GIVE_UP;
    return false;
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) throw GIVE_UP;
    this.#left.at++;
    this.#right.at++;
  }

  #arrays(): Unlike | undefined {
    const [left, right] = [this.#left, this.#right];
    const starts = { left: left.at, right: right.at };
    let items: Map<number, Unlike> | undefined;
    this.#enter();
    const depth = this.#depth;
    this.#spots[depth] = undefined; // The same for all members.
    this.#nameFrom[depth] = -1;
    let index = 0;
    let isOver = left.take(CLOSE_ARRAY);
    let isUneven = isOver !== right.take(CLOSE_ARRAY);
    for (; !isOver && !isUneven; index++) {
      const unlike = this.#value();
      if (unlike) items = (items ?? new Map<number, Unlike>()).set(index, unlike);
      const [next, other] = [left.peek(), right.peek()];
      if (next !== COMMA && next !== CLOSE_ARRAY) throw GIVE_UP;
      if (other !== COMMA && other !== CLOSE_ARRAY) throw GIVE_UP;
      left.at++;
      right.at++;
      isOver = next === CLOSE_ARRAY;
      isUneven = next !== other;
    }
    this.#depth--;
    if (isUneven) return this.#whole(starts);
    if (!items) return undefined;
    const parts = { kind: 'items', length: index, items, spot: this.#spot(this.#depth) } as const;
    return this.#found(starts, parts, areIgnored([...items.values()]));
  }

  #objects(): Unlike | undefined {
    const [left, right] = [this.#left, this.#right];
    const starts = { left: left.at, right: right.at };
    const members: UnlikeMember[] = [];
    this.#enter();
    const firsts = { left: left.at, right: right.at };
    if (left.peek() === CLOSE_OBJECT || right.peek() === CLOSE_OBJECT) this.#reordered(firsts, members);
    else this.#members(firsts, members);
    this.#depth--;
    if (members.length === 0) return undefined;
    return this.#found(starts, { kind: 'members', members }, areIgnored(members.map(({ value }) => value)));
  }

  /** Members while both sides have them in the same order. */
  #members(firsts: Places, members: UnlikeMember[]): void {
    const [left, right] = [this.#left, this.#right];
    for (;;) {
      left.peek();
      right.peek();
      const [from, other] = [left.at, right.at];
      if (!this.#isSameName()) {
        left.at = from;
        right.at = other;
        this.#reordered(firsts, members);
        return;
      }
      this.#member(from, left.at);
      this.#refuseTwice(members);
      left.expect(COLON);
      right.expect(COLON);
      this.#walked(members);
      const [a, b] = [left.peek(), right.peek()];
      if ((a !== COMMA && a !== CLOSE_OBJECT) || (b !== COMMA && b !== CLOSE_OBJECT)) throw GIVE_UP;
      if (a === COMMA) left.at++;
      if (b === COMMA) right.at++;
      if (a === b && a === COMMA) continue;
      if (a === b) break;
      // One of them goes on, so a name must follow there.
      if ((a === COMMA ? left : right).peek() !== QUOTE) throw GIVE_UP;
      this.#reordered(firsts, members);
      return;
    }
    left.at++;
    right.at++;
  }

  /** Walks the values of a member. */
  #walked(members: UnlikeMember[]): void {
    const value = this.#value();
    if (value) members.push({ name: this.#name(this.#depth) ?? '', value });
  }

  /** Of a name that is there twice the last counts, and this one may be equal: the one before is known to differ. */
  #refuseTwice(members: readonly UnlikeMember[], name?: string): void {
    if (members.length === 0) return;
    const again = name ?? this.#name(this.#depth);
    if (members.some((member) => member.name === again)) throw GIVE_UP;
  }

  #member(from: number, to: number): void {
    this.#nameFrom[this.#depth] = from;
    this.#nameTo[this.#depth] = to;
    this.#spots[this.#depth] = undefined;
  }

  #isSameName(): boolean {
    const [left, right] = [this.#left, this.#right];
    if (isSamePlainText(left, right)) return true;
    const [from, other] = [left.at, right.at];
    const escaped = left.skipText();
    if (right.skipText() || escaped) return left.text(from, left.at) === right.text(other, right.at);
    return false; // Plain and different.
  }

  /** The rest of the members, which stand in another order or on one side only. */
  #reordered(firsts: Places, members: UnlikeMember[]): void {
    const [left, right] = [this.#left, this.#right];
    const others = this.#restOf(right);
    const end = right.at;
    let hint = 0;
    let furthest = 0;
    let lone = 0;
    if (left.peek() !== CLOSE_OBJECT) {
      do {
        left.peek();
        const from = left.at;
        const escaped = left.skipText();
        this.#member(from, left.at);
        this.#refuseTwice(members);
        const index = this.#find(others, hint, escaped);
        left.expect(COLON);
        const other = others[index];
        if (other) {
          // Of a name that is there twice the last counts: which one that is may not be the other way round here.
          if (index < furthest && this.#isTaken(others, index + 1, escaped)) throw GIVE_UP;
          hint = index + 1;
          furthest = Math.max(furthest, index);
          this.#take(other, members);
        } else if (++lone > REORDERED_MAX) throw GIVE_UP;
        else this.#lone('legacy', firsts.left, members);
      } while (left.take(COMMA));
    }
    left.expect(CLOSE_OBJECT);
    for (const other of others) {
      if (other.isTaken) continue;
      right.at = other.value;
      this.#lone('fresh', firsts.right, members, right.text(other.from, other.to));
      if (right.at !== other.end) throw GIVE_UP;
    }
    right.at = end;
  }

  #take(other: RestMember, members: UnlikeMember[]): void {
    this.#right.at = other.value;
    this.#walked(members);
    if (this.#right.at !== other.end) throw GIVE_UP;
    other.isTaken = true;
  }

  /** Where the members stand that have not been walked yet; reads on to the end of the object. */
  #restOf(cursor: Cursor): RestMember[] {
    const rest: RestMember[] = [];
    if (cursor.peek() !== CLOSE_OBJECT) {
      do {
        if (rest.length === REORDERED_MAX) throw GIVE_UP;
        cursor.peek();
        const from = cursor.at;
        const escaped = cursor.skipText();
        const to = cursor.at;
        cursor.expect(COLON);
        cursor.peek();
        const value = cursor.at;
        cursor.skipValue();
        rest.push({ from, to, escaped, value, end: cursor.at, isTaken: false });
      } while (cursor.take(COMMA));
    }
    cursor.expect(CLOSE_OBJECT);
    return rest;
  }

  /** Where among the others the member is that is being walked. */
  #find(others: readonly RestMember[], hint: number, escaped: boolean): number {
    for (let i = 0; i < others.length; i++) {
      const index = hint + i < others.length ? hint + i : hint + i - others.length;
      const other = others[index] as RestMember;
      if (!other.isTaken && this.#isNamed(other, escaped)) return index;
    }
    return -1;
  }

  /** Whether a member from there on has been walked already under the name of the one that is being walked. */
  #isTaken(others: readonly RestMember[], start: number, escaped: boolean): boolean {
    for (let index = start; index < others.length; index++) {
      const other = others[index] as RestMember;
      if (other.isTaken && this.#isNamed(other, escaped)) return true;
    }
    return false;
  }

  /** Whether it has the name of the member that is being walked. */
  #isNamed(other: RestMember, escaped: boolean): boolean {
    const [from, to] = [this.#nameFrom[this.#depth] as number, this.#nameTo[this.#depth] as number];
    if (escaped || other.escaped) return this.#left.text(from, to) === this.#right.text(other.from, other.to);
    return to - from === other.to - other.from && isSameWritten(this.#right.bytes, other, this.#left.bytes, from);
  }

  /** A member that only one side has: no difference where null is the same. */
  #lone(side: LoneValue['side'], first: number, members: UnlikeMember[], name = this.#name(this.#depth) ?? ''): void {
    const cursor = side === 'legacy' ? this.#left : this.#right;
    const spot = this.#below(this.#spot(this.#depth - 1), name);
    this.#refuseTwice(members, name);
    cursor.peek();
    const written = { from: cursor.at, to: cursor.at };
    cursor.skipValue();
    written.to = cursor.at;
    if (hasTwice(cursor, first, name)) throw GIVE_UP; // The other one may have been walked, and the last counts.
    if (spot.rules.nullAsAbsent && cursor.isNull(written)) return;
    members.push({ name, value: { side, written, depth: this.#depth, isIgnored: this.#isIgnored(spot) } });
  }

  #leaves(a: number, b: number): Unlike | undefined {
    const [left, right] = [this.#left, this.#right];
    if (a === QUOTE && b === QUOTE && isSamePlainText(left, right)) return undefined;
    const [from, other] = [left.at, right.at];
    skipLeaf(left, a);
    skipLeaf(right, b);
    const [written, otherWritten] = [
      { from, to: left.at },
      { from: other, to: right.at },
    ];
    if (isDigit(a) && isDigit(b) && isSameSpelling(left, written, right, otherWritten)) return undefined;
    const spot = this.#spot(this.#depth);
    if (spot.rules.normalise === 'number' && isSameButForZeros(left, written, right, otherWritten)) return undefined;
    const [legacy, fresh] = [left.leaf(from, left.at), right.leaf(other, right.at)];
    if (compareLeaves(legacy, fresh, spot.rules) === undefined) return undefined;
    return this.#found({ left: from, right: other }, undefined);
  }

  #spot(depth: number): Spot {
    const known = this.#spots[depth];
    if (known) return known;
    const parent = this.#spot(depth - 1);
    const spot = this.#seenBelow(parent, depth) ?? this.#below(parent, this.#name(depth));
    this.#spots[depth] = spot;
    return spot;
  }

  /** The place of this name as it was found before: the objects of a list have the same names, and reading them costs. */
  #seenBelow(parent: Spot, depth: number): Spot | undefined {
    const [from, to] = [this.#nameFrom[depth] as number, this.#nameTo[depth] as number];
    if (from < 0) return undefined;
    const { bytes } = this.#left;
    const seen = this.#seen.get(parent) ?? [];
    const known = seen.find((each) => each.to - each.from === to - from && isSameWritten(bytes, each, bytes, from));
    if (known || seen.length >= SEEN_MAX) return known?.spot;
    const spot = this.#below(parent, this.#name(depth));
    this.#seen.set(parent, [...seen, { from, to, spot }]);
    return spot;
  }

  #name(depth: number): string | undefined {
    const from = this.#nameFrom[depth] as number;
    return from < 0 ? undefined : this.#left.text(from, this.#nameTo[depth] as number);
  }

  #below(parent: Spot, name: string | undefined): Spot {
    if (parent.hasFilters) throw GIVE_UP; // They look at values that have not been read.
    return name === undefined ? parent.member(null) : parent.child(name, null);
  }
}

function areIgnored(values: readonly { readonly isIgnored: boolean }[]): boolean {
  return values.every(({ isIgnored }) => isIgnored);
}

/** A name in legacy's text, and its place. */
interface SeenName extends Written {
  readonly spot: Spot;
}

/** A member that has not been walked yet: its name, and its value from `value` to `end`. */
interface RestMember extends Written {
  readonly escaped: boolean;
  readonly value: number;
  readonly end: number;
  isTaken: boolean;
}
