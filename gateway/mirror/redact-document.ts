// A JSON document without what is secret in it: by its name, by its place, or by the name that stands beside it.
import { type Json, type JsonObject, writeJson } from './json.ts';
import { preview } from './leaf.ts';
import { isSecretName } from './secrets.ts';
import type { Spot } from './spot.ts';

/** A name and a value beside each other, as lists of fields and cookies are written: `{"name": "Cookie", "value": "sid=1"}`. */
const PAIR_NAME = /^(?:name|key|header|field)$/i;
const PAIR_VALUE = /^(?:values?|val|content)$/i;

export interface DocumentRedactionDeps {
  readonly isSecretHeader: (name: string) => boolean;
  readonly replacementOf: (secret: string) => string;
  /** A text with what is secret in it replaced. */
  readonly text: (text: string) => string;
}

/**
 * Answers a value as it may be kept, by its place. To `paired` it adds, as differences show them, those values that are
 * secret by the name beside them: their place does not tell.
 */
export type DocumentRedaction = (value: Json, at: Spot, paired: string[]) => Json;

export function createDocumentRedaction({
  isSecretHeader,
  replacementOf,
  text,
}: DocumentRedactionDeps): DocumentRedaction {
  return function redact(value: Json, at: Spot, paired: string[]): Json {
    if (isSecret(at)) return replacementOf(textOf(value));
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map((item: Json) => redact(item, at.member(item), paired));
    if (!isObject(value)) return value;
    const members = [...value];
    const namesSecret = members.some(
      ([name, item]) => PAIR_NAME.test(name) && typeof item === 'string' && isSecretHeader(item),
    );
    const isHidden = (name: string) => isSecretName(name) || (namesSecret && isPairedValue(name));
    for (const [name, item] of members)
      if (namesSecret && isPairedValue(name)) paired.push(...leavesOf(item).map(preview));
    return new Map(
      members.map(([name, item]) => [
        text(name),
        isHidden(name) ? replacementOf(textOf(item)) : redact(item, at.child(name, item), paired),
      ]),
    );
  };
}

/** Whether a member of this name is the value where another one beside it is the name. */
export function isPairedValue(name: string | undefined): boolean {
  return name !== undefined && PAIR_VALUE.test(name);
}

/** Whether the configuration says that what is at this place is secret. */
export function isSecret({ rules }: Spot): boolean {
  return rules.ignored !== undefined;
}

function isObject(value: Json): value is JsonObject {
  return value instanceof Map;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : writeJson(value);
}

/** All single values in it. */
function leavesOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return isObject(value) ? [...value.values()].flatMap(leavesOf) : [value];
}
