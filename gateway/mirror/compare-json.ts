// Compares two JSON documents as keyed structures and names every difference by its place and kind. Pure.
import { canonicalDecimal, canonicalTimestamp } from './canonical.ts';
import { type Json, JsonNumber, type JsonObject, writeJson } from './json.ts';
import { printPlace } from './path.ts';
import type { CompiledRules, PlaceRules } from './rules.ts';
import { Spot } from './spot.ts';

/**
 * changed: another value of the same type. type: another type. missing: legacy has it, new does not. extra: new has
 * it, legacy does not. order: the same members in another order. length: arrays of different length.
 */
export type DifferenceKind = 'changed' | 'type' | 'missing' | 'extra' | 'order' | 'length';

export interface Difference {
  /** `status`, `header:NAME`, or a JSONPath with array members as `[*]`, `[?key]` where they are paired by a key. */
  readonly path: string;
  /**
   * Where exactly: `status`, `header:NAME`, or a JSON pointer (RFC 6901) into legacy's document, and into the new one
   * where only that has the value.
   */
  readonly at: string;
  readonly kind: DifferenceKind;
  /** The two values, shortened; undefined where a side has none. */
  readonly legacy: string | undefined;
  readonly new: string | undefined;
  readonly critical: boolean;
  /** The ignore rule that covers it. */
  readonly rule: string | undefined;
  /** Legacy does not agree with itself here: nobody can say whether new is wrong. See noise.ts. */
  readonly noise?: true;
}

/**
 * Two documents that share nothing differ everywhere; the first so many differences of each weight say enough. Of each
 * weight, so that many ignored ones cannot hide one that counts, nor many that count a critical one.
 */
export const DIFFERENCES_MAX = 200;
const PREVIEW_LENGTH_MAX = 120;

/** The differences between the two documents, at most DIFFERENCES_MAX of each weight. Equal documents have none. */
export function compareJson(legacy: Json, fresh: Json, rules: CompiledRules): Difference[] {
  const walk = new Walk('');
  walk.values(legacy, fresh, new Spot(rules, undefined));
  return walk.found;
}

class Walk {
  readonly found: Difference[] = [];
  /** The names and indices on the way from `#origin`, a JSON pointer, to where the walk is. */
  readonly #trail: (string | number)[] = [];
  readonly #origin: string;
  readonly #room = { ignored: DIFFERENCES_MAX, ordinary: DIFFERENCES_MAX, critical: DIFFERENCES_MAX };

  constructor(origin: string) {
    this.#origin = origin;
  }

  values(legacy: Json, fresh: Json, at: Spot): void {
    if (isSameLeaf(legacy, fresh)) return;
    if (legacy instanceof Map && fresh instanceof Map) this.#objects(legacy, fresh, at);
    else if (Array.isArray(legacy) && Array.isArray(fresh)) this.#arrays(legacy, fresh, at);
    else this.#leaves(legacy, fresh, at);
  }

  #objects(legacy: JsonObject, fresh: JsonObject, at: Spot): void {
    for (const [name, value] of legacy) {
      const other = fresh.get(name);
      if (other === undefined) this.#step(name, () => this.#report('missing', at.child(name), value, undefined));
      else if (!isSameLeaf(value, other)) this.#step(name, () => this.values(value, other, at.child(name)));
    }
    for (const [name, value] of fresh) {
      if (!legacy.has(name)) this.#step(name, () => this.#report('extra', at.child(name), undefined, value));
    }
  }

  #arrays(legacy: readonly Json[], fresh: readonly Json[], at: Spot): void {
    const { array } = at.rules;
    if (array?.key !== undefined) {
      const spelling = at.member(array.key).child(array.key).rules;
      const pairs = pairByKey(byKey(legacy, array.key, spelling), byKey(fresh, array.key, spelling));
      if (pairs) {
        this.#keyed(pairs, at, array.key);
        if (!array.unordered && !pairs.sameOrder) this.#report('order', at, legacy, fresh);
        return;
      }
    }
    this.#positional(legacy, fresh, at, array?.unordered === true);
  }

  #keyed(pairs: KeyedPairs, at: Spot, key: string): void {
    const here = at.member(key);
    for (const [a, b] of pairs.both) this.#step(a.index, () => this.values(a.item, b.item, here));
    for (const { index, item } of pairs.onlyLegacy)
      this.#step(index, () => this.#report('missing', here, item, undefined));
    for (const { index, item } of pairs.onlyNew) this.#step(index, () => this.#report('extra', here, undefined, item));
  }

  /** Members by position; or, when the same members only stand in another order, that and nothing else. */
  #positional(legacy: readonly Json[], fresh: readonly Json[], at: Spot, unordered: boolean): void {
    const here = at.member();
    if (legacy.length !== fresh.length) {
      this.#report('length', at, legacy, fresh);
      return;
    }
    const probe = new Walk(this.#pointer());
    for (const [index, value] of legacy.entries())
      probe.#step(index, () => probe.values(value, fresh[index] as Json, here));
    if (probe.found.every((difference) => difference.rule !== undefined)) {
      probe.found.forEach(this.#keep);
      return;
    }
    const [left, right] = [legacy, fresh].map((items) => items.map((item) => this.#canonical(item, here)).sort());
    if (left?.every((text, index) => text === right?.[index])) {
      if (!unordered) this.#report('order', at, legacy, fresh);
      return;
    }
    probe.found.forEach(this.#keep);
  }

  #step(token: string | number, work: () => void): void {
    this.#trail.push(token);
    work();
    this.#trail.pop();
  }

  #pointer(): string {
    return this.#origin + this.#trail.map(pointerToken).join('');
  }

  readonly #keep = (difference: Difference): void => {
    const weight = difference.rule !== undefined ? 'ignored' : difference.critical ? 'critical' : 'ordinary';
    if (this.#room[weight]-- > 0) this.found.push(difference);
  };

  #leaves(legacy: Json, fresh: Json, at: Spot): void {
    const { rules } = at;
    // A number and the text of it, letter for letter: no need to spell them anew.
    if (rules.normalise === 'number' && writtenOf(legacy) !== undefined && writtenOf(legacy) === writtenOf(fresh))
      return;
    const [left, right] = [normalised(legacy, rules), normalised(fresh, rules)];
    const bothRead = left !== undefined && right !== undefined;
    if (bothRead && left === right) return;
    // Values that a rule reads alike, a number and a text of one, are of one type as far as the rule goes.
    this.#report(bothRead || typeOf(legacy) === typeOf(fresh) ? 'changed' : 'type', at, legacy, fresh);
  }

  #report(kind: DifferenceKind, at: Spot, legacy: Json | undefined, fresh: Json | undefined): void {
    const { rules } = at;
    const [left, right] = [legacy, fresh].map((value) => (value === undefined ? undefined : preview(value)));
    const critical = isCritical(rules, kind);
    const path = printPlace(at.place);
    this.#keep({ path, at: this.#pointer(), kind, legacy: left, new: right, critical, rule: rules.ignored });
  }

  /**
   * A value's text under the rules: ignored members left out, names sorted, members whose order does not matter too,
   * normalised values in one spelling.
   */
  #canonical(value: Json, at: Spot): string {
    if (value instanceof Map) {
      const names = [...value.keys()].sort().filter((name) => at.child(name).rules.ignored === undefined);
      return `{${names.map((name) => `${JSON.stringify(name)}:${this.#canonical(value.get(name) as Json, at.child(name))}`).join()}}`;
    }
    if (Array.isArray(value)) {
      const items = value.map((item: Json) => this.#canonical(item, at.member()));
      return `[${(at.rules.array?.unordered ? items.sort() : items).join()}]`;
    }
    return normalised(value, at.rules) ?? writeJson(value);
  }
}

/** A reference token of a JSON pointer (RFC 6901 section 3). */
function pointerToken(token: string | number): string {
  return `/${typeof token === 'number' ? token : token.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** A place is as critical as what it takes with it: a missing order is a missing price. */
export function isCritical({ critical, criticalBelow }: PlaceRules, kind: DifferenceKind): boolean {
  return critical || (criticalBelow && kind !== 'changed' && kind !== 'order');
}

function isSameLeaf(a: Json, b: Json): boolean {
  return a === b || (a instanceof JsonNumber && b instanceof JsonNumber && a.text === b.text);
}

function normalised(value: Json, { normalise }: PlaceRules): string | undefined {
  if (normalise === 'number') {
    const written = writtenOf(value);
    return written === undefined ? undefined : canonicalDecimal(written);
  }
  return normalise === 'timestamp' && typeof value === 'string' ? canonicalTimestamp(value) : undefined;
}

/** The letters of a number or a text; undefined for anything else. */
function writtenOf(value: Json): string | undefined {
  if (value instanceof JsonNumber) return value.text;
  return typeof value === 'string' ? value : undefined;
}

interface KeyedPairs {
  readonly both: readonly (readonly [legacy: Member, fresh: Member])[];
  readonly onlyLegacy: readonly Member[];
  readonly onlyNew: readonly Member[];
  /** Whether the members that both have stand in the same order. */
  readonly sameOrder: boolean;
}

/** Pairs members by a field; undefined when that field is no key on one of the sides. */
function pairByKey(left: Keyed | undefined, right: Keyed | undefined): KeyedPairs | undefined {
  if (!left || !right) return undefined;
  const shared = [...left.keys()].filter((name) => right.has(name));
  const sharedInNew = [...right.keys()].filter((name) => left.has(name));
  return {
    both: shared.map((name) => [left.get(name) as Member, right.get(name) as Member] as const),
    onlyLegacy: [...left].filter(([name]) => !right.has(name)).map(([, value]) => value),
    onlyNew: [...right].filter(([name]) => !left.has(name)).map(([, value]) => value),
    sameOrder: shared.every((name, index) => name === sharedInNew[index]),
  };
}

interface Member {
  readonly index: number;
  readonly item: Json;
}
type Keyed = ReadonlyMap<string, Member>;

/** Members by a field, spelled as its rules say; undefined when a member lacks it or two share a value. */
function byKey(items: readonly Json[], key: string, spelling: PlaceRules): Keyed | undefined {
  const found = new Map<string, Member>();
  for (const [index, item] of items.entries()) {
    const value = item instanceof Map ? item.get(key) : undefined;
    const written = value === undefined ? undefined : writtenOf(value);
    if (written === undefined) return undefined;
    const text = normalised(written, spelling) ?? written;
    if (found.has(text)) return undefined;
    found.set(text, { index, item });
  }
  return found;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Map) return 'object';
  return value instanceof JsonNumber ? 'number' : typeof value;
}

function preview(value: Json): string {
  if (Array.isArray(value)) return `[${value.length} members]`;
  if (value instanceof Map) return `{${[...value.keys()].slice(0, 5).join(', ')}${value.size > 5 ? ', …' : ''}}`;
  const text = writeJson(value);
  return text.length > PREVIEW_LENGTH_MAX ? `${text.slice(0, PREVIEW_LENGTH_MAX)}…` : text;
}
