// What tells the messages of a stream apart: the key by which those of both sides are paired.
import { createHash } from 'node:crypto';
import { parseComparePath } from '../../config/compare-path.ts';
import { type Json, parseJson, writeJson } from './json.ts';

/** A message as it was heard, of an event stream or a WebSocket. */
export interface HeardMessage {
  readonly body: Buffer;
  readonly contentType: 'application/json' | 'text/plain' | 'application/octet-stream';
  /** The name and id of an event; WebSockets have none. */
  readonly event: string | undefined;
  readonly id: string | undefined;
}

export type KeyOf = (message: HeardMessage) => string;

/** Longer keys are digested: each message that waits holds one. */
const KEY_CHARS_MAX = 200;

/**
 * By the values at `paths`, exactly as they are written; a message that has none of them, like every one without paths, by
 * its id, and without an id by its content. Events of different names are never the same.
 */
export function compileKey(paths: readonly string[] | undefined): KeyOf {
  const places = (paths ?? []).map(namesOf);
  return ({ body, contentType, event = '', id }) => {
    const values = contentType === 'application/json' && places.length > 0 ? valuesAt(body, places) : undefined;
    const key = values ?? (id === undefined ? `=${digest(body)}` : `#${id}`);
    return `${event} ${key.length > KEY_CHARS_MAX ? digest(Buffer.from(key)) : key}`;
  };
}

/** The content type of a message that does not say it: JSON documents here are objects or arrays. */
export function contentTypeOf(body: Buffer): 'application/json' | 'text/plain' {
  const first = body.find((byte) => !BLANKS.has(byte));
  return first === OBJECT || first === ARRAY ? 'application/json' : 'text/plain';
}

const BLANKS: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n'));
const [OBJECT, ARRAY] = [0x7b, 0x5b] as const;

function namesOf(text: string): readonly string[] {
  const path = parseComparePath(text);
  if (path.part !== 'body') return [];
  return path.steps.flatMap(({ selectors: [selector] }) => (selector?.kind === 'name' ? [selector.name] : []));
}

function valuesAt(body: Buffer, places: readonly (readonly string[])[]): string | undefined {
  let document: Json;
  try {
    document = parseJson(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const values = places.map((names) => valueAt(document, names));
  if (values.every((value) => value === undefined)) return undefined;
  return values.map((value) => (value === undefined ? '' : writeJson(value))).join();
}

function valueAt(document: Json, names: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const name of names) value = value instanceof Map ? value.get(name) : undefined;
  return value;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url');
}
