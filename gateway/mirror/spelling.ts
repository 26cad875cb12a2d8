// Sees that two JSON texts say the same in different spellings without building either document: both are walked at once,
// value by value. Blanks, escapes, the order of members and what rules normalise make no difference. It answers for equal
// documents, and for those that differ only in single values that rules ignore; about all others it gives up, and they
// are parsed (compare-json.ts, which it must never contradict).
import { isUtf8 } from 'node:buffer';
import { type Difference, type DifferenceKind, Findings, pointerToken } from './difference.ts';
import { DEPTH_MAX, type Json } from './json.ts';
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
import { compareLeaves, preview } from './leaf.ts';
import type { Spot } from './spot.ts';

/** Members in another order, or on one side only, are looked for one by one; objects with more are parsed. */
const REORDERED_MAX = 64;
/** Names remembered of one place. */
const SEEN_MAX = 32;

/** The ignored differences, none in most cases; undefined when the documents have to be parsed to be compared. */
export function compareSpelling(legacy: Uint8Array, fresh: Uint8Array, root: Spot): readonly Difference[] | undefined {
  if (!isUtf8(legacy) || !isUtf8(fresh)) return undefined;
  const walk = new Lockstep(new Cursor(legacy), new Cursor(fresh), root);
  try {
    return walk.documents() ? walk.findings.found : undefined;
  } catch (error) {
    if (error === GIVE_UP) return undefined;
    throw error;
  }
}

class Lockstep {
  readonly findings = new Findings();
  readonly #left: Cursor;
  readonly #right: Cursor;
  /** Of each level: where legacy writes the name of the member being walked, or -1 and its index in an array. */
  readonly #nameFrom: number[] = [];
  readonly #nameTo: number[] = [];
  readonly #spots: (Spot | undefined)[] = [];
  readonly #seen = new Map<Spot, readonly SeenName[]>();
  #depth = 0;

  constructor(left: Cursor, right: Cursor, root: Spot) {
    this.#left = left;
    this.#right = right;
    this.#spots[0] = root;
  }

  documents(): boolean {
    this.#value();
    return [this.#left, this.#right].every((side) => side.peek() === 0 && side.at === side.bytes.length);
  }

  #value(): void {
    const [a, b] = [this.#left.peek(), this.#right.peek()];
    if (a === OPEN_OBJECT && b === OPEN_OBJECT) this.#objects();
    else if (a === OPEN_ARRAY && b === OPEN_ARRAY) this.#arrays();
    else if (isOpening(a) || isOpening(b)) throw GIVE_UP;
    else this.#leaves(a, b);
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) throw GIVE_UP;
    this.#left.at++;
    this.#right.at++;
  }

  #arrays(): void {
    const [left, right] = [this.#left, this.#right];
    this.#enter();
    const depth = this.#depth;
    this.#spots[depth] = undefined; // The same for all members.
    this.#nameFrom[depth] = -1;
    this.#nameTo[depth] = 0;
    let isEmpty = left.take(CLOSE_ARRAY);
    if (isEmpty !== right.take(CLOSE_ARRAY)) throw GIVE_UP;
    for (let index = 0; !isEmpty; index++) {
      this.#nameTo[depth] = index;
      this.#value();
      const next = left.peek();
      if (next !== right.peek() || (next !== COMMA && next !== CLOSE_ARRAY)) throw GIVE_UP;
      left.at++;
      right.at++;
      isEmpty = next === CLOSE_ARRAY;
    }
    this.#depth--;
  }

  #objects(): void {
    const [left, right] = [this.#left, this.#right];
    this.#enter();
    const starts = [left.at, right.at] as const;
    if (left.peek() === CLOSE_OBJECT || right.peek() === CLOSE_OBJECT) this.#reordered(starts);
    else this.#members(starts);
    this.#depth--;
  }

  /** Members while both sides have them in the same order. */
  #members(starts: readonly [left: number, right: number]): void {
    const [left, right] = [this.#left, this.#right];
    for (;;) {
      left.peek();
      right.peek();
      const [from, other] = [left.at, right.at];
      if (!this.#isSameName()) {
        left.at = from;
        right.at = other;
        this.#reordered(starts);
        return;
      }
      this.#member(from, left.at);
      left.expect(COLON);
      right.expect(COLON);
      this.#value();
      const [a, b] = [left.peek(), right.peek()];
      if ((a !== COMMA && a !== CLOSE_OBJECT) || (b !== COMMA && b !== CLOSE_OBJECT)) throw GIVE_UP;
      if (a === COMMA) left.at++;
      if (b === COMMA) right.at++;
      if (a === b && a === COMMA) continue;
      if (a === b) break;
      // One of them goes on, so a name must follow there.
      if ((a === COMMA ? left : right).peek() !== QUOTE) throw GIVE_UP;
      this.#reordered(starts);
      return;
    }
    left.at++;
    right.at++;
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
  #reordered(starts: readonly [left: number, right: number]): void {
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
        const index = this.#find(others, hint, escaped);
        left.expect(COLON);
        const other = others[index];
        if (other) {
          // Of a name that is there twice the last counts: which one that is may not be the other way round here.
          if (index < furthest && this.#isTaken(others, index + 1, escaped)) throw GIVE_UP;
          hint = index + 1;
          furthest = Math.max(furthest, index);
          this.#take(other);
        } else if (++lone > REORDERED_MAX) throw GIVE_UP;
        else this.#lone('missing', left, starts[0], left.text(from, this.#nameTo[this.#depth] as number));
      } while (left.take(COMMA));
    }
    left.expect(CLOSE_OBJECT);
    for (const other of others) {
      if (other.isTaken) continue;
      right.at = other.value;
      this.#lone('extra', right, starts[1], right.text(other.from, other.to));
      if (right.at !== other.end) throw GIVE_UP;
    }
    right.at = end;
  }

  #take(other: RestMember): void {
    this.#right.at = other.value;
    this.#value();
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
    return others.some((other, index) => index >= start && other.isTaken && this.#isNamed(other, escaped));
  }

  /** Whether it has the name of the member that is being walked. */
  #isNamed(other: RestMember, escaped: boolean): boolean {
    const [from, to] = [this.#nameFrom[this.#depth] as number, this.#nameTo[this.#depth] as number];
    if (escaped || other.escaped) return this.#left.text(from, to) === this.#right.text(other.from, other.to);
    return to - from === other.to - other.from && isSameWritten(this.#right.bytes, other, this.#left.bytes, from);
  }

  /** A member that only one side has: no difference where null is the same, else only an ignored one is known of. */
  #lone(kind: 'missing' | 'extra', cursor: Cursor, start: number, name: string): void {
    const spot = this.#below(this.#spot(this.#depth - 1), name);
    const first = cursor.peek();
    const from = cursor.at;
    if (isOpening(first)) throw GIVE_UP;
    skipLeaf(cursor, first);
    const value = cursor.leaf(from, cursor.at);
    if (hasTwice(cursor, start, name)) throw GIVE_UP; // The other one may have been walked, and the last counts.
    if (value === null && spot.rules.nullAsAbsent) return;
    const [legacy, fresh] = kind === 'missing' ? [value, undefined] : [undefined, value];
    this.#ignored(kind, spot, { legacy, fresh, at: () => this.#pointer(this.#depth - 1) + pointerToken(name) });
  }

  #leaves(a: number, b: number): void {
    const [left, right] = [this.#left, this.#right];
    if (a === QUOTE && b === QUOTE && isSamePlainText(left, right)) return;
    const [from, other] = [left.at, right.at];
    skipLeaf(left, a);
    skipLeaf(right, b);
    const [written, otherWritten] = [
      { from, to: left.at },
      { from: other, to: right.at },
    ];
    if (isDigit(a) && isDigit(b) && isSameSpelling(left, written, right, otherWritten)) return;
    const spot = this.#spot(this.#depth);
    if (spot.rules.normalise === 'number' && isSameButForZeros(left, written, right, otherWritten)) return;
    const [legacy, fresh] = [left.leaf(from, left.at), right.leaf(other, right.at)];
    const kind = compareLeaves(legacy, fresh, spot.rules);
    if (kind === undefined) return;
    this.#ignored(kind, spot, { legacy, fresh, at: () => this.#pointer(this.#depth) });
  }

  #ignored(kind: DifferenceKind, spot: Spot, { legacy, fresh, at }: FoundHere): void {
    if (spot.rules.ignored === undefined) throw GIVE_UP;
    // Members of keyed arrays have another path, and only parsing tells whether they have the key.
    for (let depth = 0; depth < this.#depth; depth++)
      if (this.#spot(depth).rules.array?.key !== undefined) throw GIVE_UP;
    this.findings.add({
      ...{ path: spot.path, kind, rules: spot.rules, at },
      legacy: legacy === undefined ? undefined : () => preview(legacy),
      new: fresh === undefined ? undefined : () => preview(fresh),
    });
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

  #pointer(depth: number): string {
    let pointer = '';
    for (let at = 1; at <= depth; at++) pointer += pointerToken(this.#name(at) ?? (this.#nameTo[at] as number));
    return pointer;
  }
}

/** A name in legacy's text, and its place. */
interface SeenName extends Written {
  readonly spot: Spot;
}

/** Two values that differ, and where. */
interface FoundHere {
  readonly legacy: Json | undefined;
  readonly fresh: Json | undefined;
  readonly at: () => string;
}

/** A member that has not been walked yet: its name, and its value from `value` to `end`. */
interface RestMember extends Written {
  readonly escaped: boolean;
  readonly value: number;
  readonly end: number;
  isTaken: boolean;
}
