// What of a request and its answers may be kept as a sample: never a secret or somebody's personal data.
import { createHmac } from 'node:crypto';
import { parseComparePath } from '../../config/compare-path.ts';
import type { RedactConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Difference } from './difference.ts';
import { type Json, type JsonObject, parseJson, writeJson } from './json.ts';
import { createReach } from './reach.ts';
import { Spot } from './spot.ts';

export const REDACTED = '[redacted]';
/** Longer bodies are cut in samples. */
const BODY_TEXT_MAX = 16_384;
/** Enough that two values of one route's samples do not meet by chance, too little to be more than a mark. */
const HASH_CHARS = 16;
const HASH = new RegExp(`\\[hmac:[0-9a-f]{${HASH_CHARS}}\\]`, 'g');

const SECRET_HEADER =
  /^(?:authorization|cookie|set-cookie|proxy-.*|x-api-key|x-mexc-apikey|.*(?:token|secret|session|csrf).*)$/i;
/** `token` alone may be a secret; `token_address` and its like are what a trading system talks about. */
const SECRET_NAME = new RegExp(
  [
    'pass(?:word|phrase|wd)|secret|(?:access|refresh|auth|bearer|csrf|id|session)[_-]?token|^token$|api[_-]?key',
    'authorization|cookie|session|credential|signature|private|mnemonic|seed[_-]?phrase|otp|cvv|ssn|iban',
    'card[_-]?number|e-?mail|phone',
  ].join('|'),
  'i',
);

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A body as a sample keeps it. */
export interface RedactedBody {
  readonly text: string;
  /** Whether the text says all that the body said. */
  readonly isWhole: boolean;
}

/** One route's way of redacting. */
export interface Redaction {
  /** Pairs of name and value, the values of secret fields replaced. */
  headers(pairs: readonly string[]): string[][];
  /** A request target, or any text with URLs in it, with the values of secret parameters replaced. */
  target(text: string): string;
  /** Differences whose place names a secret keep the place and lose the values. */
  difference(difference: Difference): Difference;
  /**
   * A body as text, secret members replaced, cut to `textMax` characters. A body that is not JSON is only described: nobody
   * knows what is in it.
   */
  body(body: Buffer | undefined, headers: readonly string[], textMax?: number): RedactedBody;
}

/** A parameter in the query or the fragment of a target or a URL, wherever in a text that stands. */
const PARAMETER = /([?&#;])([^?&#;=\s"'<>\\]+)=([^?&#;\s"'<>\\]*)/g;

/**
 * What is secret by its name, and what the configuration names beside it. With a key a secret's value becomes a keyed hash
 * of itself (HMAC, RFC 2104), so that one can see whether two are equal and no more.
 */
export function compileRedaction(config: RedactConfig = { headers: [], paths: [] }, hashKey?: Buffer): Redaction {
  const named = new Set(config.headers.map((name) => name.toLowerCase()));
  const paths = config.paths.flatMap((text) => {
    const path = parseComparePath(text);
    return path.part === 'body' ? [path.steps] : [];
  });
  // What follows rules down a document follows these paths too.
  const root = Spot.root(paths.map((steps) => ({ steps, effect: { kind: 'ignore', name: REDACTED } })));
  // A difference does not have the values that a filter looks at.
  const isNamed = createReach(config.paths);

  const isSecretHeader = (name: string) =>
    SECRET_HEADER.test(name) || isSecretName(name) || named.has(name.toLowerCase());
  const replacementOf = (value: string) =>
    hashKey ? `[hmac:${createHmac('sha256', hashKey).update(value).digest('hex').slice(0, HASH_CHARS)}]` : REDACTED;
  const target = (text: string) =>
    text.replace(PARAMETER, (parameter, before: string, name: string, value: string) =>
      isSecretName(decodedName(name)) ? `${before}${name}=${replacementOf(value)}` : parameter,
    );

  const redact = (value: Json, at: Spot): Json => {
    if (isSecret(at)) return replacementOf(textOf(value));
    if (typeof value === 'string') return target(value);
    if (Array.isArray(value)) return value.map((item: Json) => redact(item, at.member(item)));
    if (!isObject(value)) return value;
    return new Map(
      [...value].map(([name, item]) => [
        name,
        isSecretName(name) ? replacementOf(textOf(item)) : redact(item, at.child(name, item)),
      ]),
    );
  };

  return {
    headers(pairs) {
      const kept: string[][] = [];
      for (let i = 0; i < pairs.length; i += 2) {
        const [name = '', value = ''] = [pairs[i], pairs[i + 1]];
        kept.push([name, isSecretHeader(name) ? replacementOf(value) : target(value)]);
      }
      return kept;
    },
    target,
    difference(difference) {
      const { path } = difference;
      const header = /^header:(.*)$/.exec(path)?.[1];
      const isHidden =
        header === undefined ? path.split(/[^\w-]+/).some(isSecretName) || isNamed(path) : isSecretHeader(header);
      const kept = (value: string | undefined) =>
        value === undefined ? undefined : isHidden ? replacementOf(value) : target(value);
      return { ...difference, legacy: kept(difference.legacy), new: kept(difference.new) };
    },
    body(body, headers, textMax = BODY_TEXT_MAX) {
      if (!body) return { text: 'not kept', isWhole: false };
      if (body.length === 0) return { text: '', isWhole: true };
      const type = headerValue(headers, 'content-type') ?? 'no content-type';
      if (!/json/i.test(type) || headerValue(headers, 'content-encoding')) {
        return { text: `${body.length} bytes, ${type}`, isWhole: false };
      }
      try {
        const document = parseJson(body.toString('utf8'));
        const text = writeJson(redact(document, root));
        if (text.length > textMax) return { text: `${text.slice(0, textMax)}…`, isWhole: false };
        return { text, isWhole: text === writeJson(document) };
      } catch {
        return { text: `${body.length} bytes that are not JSON, ${type}`, isWhole: false };
      }
    },
  };
}

/** Each route's redaction, by its configuration itself, so that a configuration read anew has its own. */
export function createRedactionBook(hashKey: Buffer | undefined): (config: RedactConfig | undefined) => Redaction {
  const unnamed = compileRedaction(undefined, hashKey);
  const book = new WeakMap<RedactConfig, Redaction>();
  return (config) => {
    if (!config) return unnamed;
    const redaction = book.get(config) ?? compileRedaction(config, hashKey);
    book.set(config, redaction);
    return redaction;
  };
}

/** A text that was kept, as it would have been without a key: for whoever does not have it. */
export function withoutHashes(kept: string): string {
  return kept.replace(HASH, REDACTED);
}

function isObject(value: Json): value is JsonObject {
  return value instanceof Map;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : writeJson(value);
}

function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isSecret({ rules }: Spot): boolean {
  return rules.ignored !== undefined;
}
