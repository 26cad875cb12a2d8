// A document as a text that all documents share which are the same under the rules.
import { type Json, type JsonObject, writeJson } from './json.ts';
import { normalised } from './leaf.ts';
import type { Spot } from './spot.ts';

/**
 * A value's text under the rules: ignored members left out, names sorted, members whose order does not matter too,
 * normalised values in one spelling. Only for places that are not fuzzy.
 */
export function canonicalText(value: Json, at: Spot): string {
  if (value instanceof Map) {
    const members: string[] = [];
    for (const [name, item] of value as JsonObject) {
      const { rules } = at.child(name, item);
      if (rules.ignored !== undefined || (item === null && rules.nullAsAbsent)) continue;
      members.push(`${JSON.stringify(name)}:${canonicalText(item, at.child(name, item))}`);
    }
    return `{${members.sort().join()}}`;
  }
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => canonicalText(item, at.member(item)));
    return `[${(at.rules.array?.unordered ? items.sort() : items).join()}]`;
  }
  return normalised(value, at.rules) ?? writeJson(value);
}
