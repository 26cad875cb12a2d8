// What of two documents is not plainly the same, as found without building them (spelling.ts), and the documents made of it
// alone: comparing those (compare-json.ts) finds exactly what comparing the whole ones would.
import { type Json, parseJson } from './json.ts';
import { type Cursor, GIVE_UP, type Written } from './json-cursor.ts';
import { keyOf } from './keyed.ts';
import type { Spot } from './spot.ts';

/** Two values that differ. Rules may ignore all of it, which the values themselves do not tell. */
export interface Unlike {
  readonly legacy: Written;
  readonly fresh: Written;
  /** Lists and objects around them. */
  readonly depth: number;
  readonly isIgnored: boolean;
  /** Undefined where the values have to be read as they are: single ones, and those of different shapes. */
  readonly parts: UnlikeMembers | UnlikeItems | undefined;
}

/** Of two objects, the members that differ. */
export interface UnlikeMembers {
  readonly kind: 'members';
  readonly members: readonly UnlikeMember[];
}

export interface UnlikeMember {
  readonly name: string;
  readonly value: Unlike | LoneValue;
}

/** Of a member that only one side has. */
export interface LoneValue {
  readonly side: 'legacy' | 'fresh';
  readonly written: Written;
  readonly depth: number;
  readonly isIgnored: boolean;
}

/** Of two lists of the same length, the members that differ in their places, by index. */
export interface UnlikeItems {
  readonly kind: 'items';
  readonly length: number;
  readonly items: ReadonlyMap<number, Unlike>;
  readonly spot: Spot;
}

/** Stands for values that are the same on both sides. */
const SAME: Json = null;

/** Builds documents of two texts. @throws GIVE_UP when what is written there is no JSON. */
export class UnlikeReader {
  readonly #left: Cursor;
  readonly #right: Cursor;

  constructor(left: Cursor, right: Cursor) {
    this.#left = left;
    this.#right = right;
  }

  read(unlike: Unlike): readonly [legacy: Json, fresh: Json] {
    const { parts } = unlike;
    if (parts?.kind === 'members') return this.#members(parts);
    return (parts && this.#items(parts)) ?? this.#whole(unlike);
  }

  #whole({ legacy, fresh, depth }: Unlike): readonly [Json, Json] {
    return [readValue(this.#left, legacy, depth), readValue(this.#right, fresh, depth)];
  }

  #members({ members }: UnlikeMembers): readonly [Map<string, Json>, Map<string, Json>] {
    const both = [new Map<string, Json>(), new Map<string, Json>()] as const;
    for (const { name, value } of members) {
      if ('side' in value) {
        const [at, cursor] = value.side === 'legacy' ? [0 as const, this.#left] : [1 as const, this.#right];
        both[at].set(name, readValue(cursor, value.written, value.depth));
        continue;
      }
      const [legacy, fresh] = this.read(value);
      both[0].set(name, legacy);
      both[1].set(name, fresh);
    }
    return both;
  }

  /** Undefined where it takes the members that are the same as well to see what differs. */
  #items({ length, items, spot }: UnlikeItems): readonly [Json[], Json[]] | undefined {
    const { key, unordered = false } = spot.rules.array ?? {};
    if (unordered && (key !== undefined || spot.rules.fuzzy)) return undefined;
    if (key !== undefined && spot.rules.fuzzy) return undefined; // Keys that are the same need not be spelled alike.
    const both = [new Array<Json>(length).fill(SAME), new Array<Json>(length).fill(SAME)] as const;
    // Several that differ may only have changed places, which takes all that is in them to see.
    const areMoving = key === undefined && [...items.values()].filter(({ isIgnored }) => !isIgnored).length > 1;
    for (const [index, item] of items) {
      const isRead = areMoving && !item.isIgnored;
      const pair = key === undefined ? (isRead ? this.#whole(item) : this.read(item)) : this.#keyed(item, key, spot);
      if (!pair) return undefined;
      [both[0][index], both[1][index]] = pair;
    }
    return both;
  }

  /** With its key, of which all depends; undefined unless both sides have the same one there. */
  #keyed(item: Unlike, key: string, spot: Spot): readonly [Json, Json] | undefined {
    const { parts, legacy, fresh, depth } = item;
    const spotOf = (value: Json) => spot.member(value, key);
    if (parts?.kind !== 'members') return withSameKey(this.#whole(item), key, spotOf);
    const both = this.#members(parts);
    for (const [at, cursor, written] of [
      [0, this.#left, legacy],
      [1, this.#right, fresh],
    ] as const) {
      if (both[at].has(key)) continue;
      const found = cursor.memberOf(written, key);
      if (found) both[at].set(key, readValue(cursor, found, depth + 1));
    }
    return withSameKey(both, key, spotOf);
  }
}

function withSameKey(
  both: readonly [Json, Json],
  key: string,
  spotOf: (value: Json) => Spot,
): readonly [Json, Json] | undefined {
  const [left, right] = both.map((value) => keyOf(value, key, spotOf));
  return left !== undefined && left === right ? both : undefined;
}

function readValue(cursor: Cursor, { from, to }: Written, depth: number): Json {
  try {
    return parseJson(cursor.bytes.toString('utf8', from, to), depth);
  } catch (error) {
    throw error instanceof SyntaxError ? GIVE_UP : error;
  }
}
