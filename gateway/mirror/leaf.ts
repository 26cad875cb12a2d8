// Two single values under the rules of their place: the same, or how they differ. Pure.
import { canonicalDecimal, isSameDecimal } from './canonical.ts';
import { type Decimal, isWithin, magnitude, parseDecimal } from './decimal.ts';
import { canonicalInstant, isSameInstant, parseInstant } from './instant.ts';
import { type Json, JsonNumber, writeJson } from './json.ts';

const PREVIEW_LENGTH_MAX = 120;

/** How far new's value may be from legacy's; one of these is enough. */
export interface Tolerance {
  /** In the number's own unit. */
  readonly absolute: Decimal | undefined;
  /** A share of legacy's value. */
  readonly relative: Decimal | undefined;
  /** Between two instants, in seconds. */
  readonly seconds: Decimal | undefined;
}

/** Values that mean the same although they are written differently. */
export interface EnumRule {
  readonly ignoreCase: boolean;
  /** What new may write for a value of legacy's; both as `enumText` spells them. */
  readonly pairs: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface LeafRules {
  readonly normalise: 'number' | 'timestamp' | undefined;
  readonly tolerate: Tolerance | undefined;
  readonly enums: EnumRule | undefined;
}

/** undefined when the values are the same under the rules; `type` when they are not even of one type. */
export function compareLeaves(legacy: Json, fresh: Json, rules: LeafRules): 'changed' | 'type' | undefined {
  if (isSameLeaf(legacy, fresh)) return undefined;
  if (rules.enums && isSameEnum(rules.enums, legacy, fresh)) return undefined;
  const [left, right] = [writtenOf(legacy), writtenOf(fresh)];
  if (rules.normalise !== undefined && left !== undefined && right !== undefined) {
    // A number and the text of it, letter for letter: no need to read them.
    if (left === right) return undefined;
    if (rules.normalise === 'number' ? isSameDecimal(left, right) : isSameInstant(left, right)) return undefined;
  }
  // Values that a rule reads alike, a number and a text of one, are of one type as far as the rule goes.
  const sameType = typeOf(legacy) === typeOf(fresh) || (isRead(legacy, rules) && isRead(fresh, rules));
  if (sameType && rules.tolerate && isTolerated(rules.tolerate, legacy, fresh)) return undefined;
  return sameType ? 'changed' : 'type';
}

/** The one spelling of a value under a `normalise` rule; undefined without one, or when it cannot be read that way. */
export function normalised(value: Json, { normalise }: LeafRules): string | undefined {
  const written = normalise === undefined ? undefined : writtenOf(value);
  if (written === undefined) return undefined;
  return normalise === 'number' ? canonicalDecimal(written) : canonicalInstant(written);
}

function isRead(value: Json, rules: LeafRules): boolean {
  return normalised(value, rules) !== undefined;
}

export function isSameLeaf(a: Json, b: Json): boolean {
  return a === b || (a instanceof JsonNumber && b instanceof JsonNumber && a.text === b.text);
}

/** The letters of a number or a text; undefined for anything else. */
export function writtenOf(value: Json): string | undefined {
  if (value instanceof JsonNumber) return value.text;
  return typeof value === 'string' ? value : undefined;
}

export function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Map) return 'object';
  return value instanceof JsonNumber ? 'number' : typeof value;
}

/** A value as enum maps have it: numbers in their one spelling, so that 1.0 is 1. Undefined for lists and objects. */
export function enumText(value: Json, ignoreCase: boolean): string | undefined {
  if (value instanceof JsonNumber) return canonicalDecimal(value.text) ?? value.text;
  if (typeof value === 'string') return JSON.stringify(ignoreCase ? value.toLowerCase() : value);
  return Array.isArray(value) || value instanceof Map ? undefined : writeJson(value);
}

function isSameEnum({ ignoreCase, pairs }: EnumRule, legacy: Json, fresh: Json): boolean {
  const [left, right] = [enumText(legacy, ignoreCase), enumText(fresh, ignoreCase)];
  if (left === undefined || right === undefined) return false;
  return (ignoreCase && left === right) || pairs.get(left)?.has(right) === true;
}

function isTolerated({ absolute, relative, seconds }: Tolerance, legacy: Json, fresh: Json): boolean {
  const [left, right] = [writtenOf(legacy), writtenOf(fresh)];
  if (left === undefined || right === undefined) return false;
  if (seconds) {
    const [a, b] = [parseInstant(left), parseInstant(right)];
    if (a && b && isWithin(a, b, seconds)) return true;
  }
  if (!absolute && !relative) return false;
  const [a, b] = [parseDecimal(left), parseDecimal(right)];
  if (!a || !b) return false;
  if (absolute && isWithin(a, b, absolute)) return true;
  if (!relative) return false;
  const share = { units: magnitude(a.units) * relative.units, exponent: a.exponent + relative.exponent };
  return isWithin(a, b, share);
}

/** A value, shortened. */
export function preview(value: Json): string {
  if (Array.isArray(value)) return `[${value.length} members]`;
  if (value instanceof Map) return `{${[...value.keys()].slice(0, 5).join(', ')}${value.size > 5 ? ', …' : ''}}`;
  const text = value instanceof JsonNumber ? value.text : writeJson(value);
  return text.length > PREVIEW_LENGTH_MAX ? `${text.slice(0, PREVIEW_LENGTH_MAX)}…` : text;
}
