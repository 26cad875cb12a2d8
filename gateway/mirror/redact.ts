// What of a request and its answers may be kept as a sample: never a secret or somebody's personal data.
import { createHmac } from 'node:crypto';
import { type PathStep, parseComparePath } from '../../config/compare-path.ts';
import type { RedactConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Difference } from './difference.ts';
import { parseJson, writeJson } from './json.ts';
import { createDocumentRedaction, isPairedValue, isSecret } from './redact-document.ts';
import { isSecretName, namesIn, secretNamesIn, withoutNames, withoutSecrets } from './secrets.ts';
import { Spot } from './spot.ts';

export const REDACTED = '[redacted]';
/** Longer bodies are cut in samples. */
const BODY_TEXT_MAX = 16_384;
/** Enough that two values of one route's samples do not meet by chance, too little to be more than a mark. */
const HASH_CHARS = 16;
const HASH = new RegExp(`\\[hmac:[0-9a-f]{${HASH_CHARS}}\\]`, 'g');
/** Places remembered: every request has its differences at the same few. */
const PLACES_MAX = 2_000;

const SECRET_HEADER =
  /^(?:authorization|cookie|set-cookie|proxy-.*|x-api-key|x-mexc-apikey|.*(?:token|secret|session|csrf).*)$/i;

/** A body as a sample keeps it. */
export interface RedactedBody {
  readonly text: string;
  /** Whether the text says all that the body said. */
  readonly isWhole: boolean;
  /** Of values that are secret by the name that stands beside them, how differences show them: their place does not tell. */
  readonly paired: readonly string[];
}

/** One route's way of redacting. */
export interface Redaction {
  /** Pairs of name and value, the values of secret fields replaced. */
  headers(pairs: readonly string[]): string[][];
  /** A request target, or any other text, with what is secret in it replaced. */
  target(text: string): string;
  /** The difference without secrets in the names that lead to its place. To be applied before anything is counted by place. */
  place(difference: Difference): Difference;
  /** The same, and the values gone where the place names a secret, or where they are among `paired`. */
  difference(difference: Difference, paired?: readonly string[]): Difference;
  /**
   * A body as text, secret members replaced, cut to `textMax` characters. A body that is not JSON is only described: nobody
   * knows what is in it.
   */
  body(body: Buffer | undefined, headers: readonly string[], textMax?: number): RedactedBody;
}

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
  const root = secretPlaces(paths);
  const inDifferences = secretPlaces(paths.map(withoutFilters));

  const isSecretHeader = (name: string) =>
    SECRET_HEADER.test(name) || isSecretName(name) || named.has(name.toLowerCase());
  const replacementOf = (value: string) =>
    hashKey ? `[hmac:${createHmac('sha256', hashKey).update(value).digest('hex').slice(0, HASH_CHARS)}]` : REDACTED;
  const target = (text: string) => withoutSecrets(text, replacementOf);
  /** The first step on the way to a difference's place that is secret; -1 where none is. */
  const secretStep = (path: string) => {
    let at = inDifferences;
    return namesIn(path).findIndex((name) => {
      at = name === undefined ? at.member(null) : at.child(name, null);
      return isSecret(at) || (name !== undefined && isSecretName(name));
    });
  };
  const places = new Map<string, readonly boolean[] | undefined>();
  const place = (difference: Difference) => {
    const { path } = difference;
    const hidden = places.has(path) ? places.get(path) : secretNamesIn(path, secretStep(path));
    if (places.size < PLACES_MAX) places.set(path, hidden);
    return hidden ? withoutNames(difference, hidden) : difference;
  };

  const redact = createDocumentRedaction({ isSecretHeader, replacementOf, text: target });

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
    place,
    difference(difference, paired = []) {
      const { path } = difference;
      const header = /^header:(.*)$/.exec(path)?.[1];
      const isHidden =
        header === undefined
          ? path.split(/[^\w-]+/).some(isSecretName) || isSecret(inDifferences) || secretStep(path) >= 0
          : isSecretHeader(header);
      const isPaired = (value: string) => paired.includes(value) && namesIn(path).some(isPairedValue);
      const kept = (value: string | undefined) =>
        value === undefined ? undefined : isHidden || isPaired(value) ? replacementOf(value) : target(value);
      return { ...place(difference), legacy: kept(difference.legacy), new: kept(difference.new) };
    },
    body(body, headers, textMax = BODY_TEXT_MAX) {
      if (!body) return { text: 'not kept', isWhole: false, paired: [] };
      if (body.length === 0) return { text: '', isWhole: true, paired: [] };
      const type = headerValue(headers, 'content-type') ?? 'no content-type';
      if (!/json/i.test(type) || headerValue(headers, 'content-encoding')) {
        return { text: `${body.length} bytes, ${type}`, isWhole: false, paired: [] };
      }
      try {
        const document = parseJson(body.toString('utf8'));
        const paired: string[] = [];
        const text = writeJson(redact(document, root, paired));
        if (text.length > textMax) return { text: `${text.slice(0, textMax)}…`, isWhole: false, paired };
        return { text, isWhole: text === writeJson(document), paired };
      } catch {
        return { text: `${body.length} bytes that are not JSON, ${type}`, isWhole: false, paired: [] };
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

/** Places at and below these paths; what follows rules down a document follows these too. */
function secretPlaces(paths: readonly (readonly PathStep[])[]): Spot {
  return Spot.root(paths.map((steps) => ({ steps, effect: { kind: 'ignore', name: REDACTED } })));
}

/** A difference does not have the values that a filter looks at: then every member may be one that it lets through. */
function withoutFilters(steps: readonly PathStep[]): readonly PathStep[] {
  return steps.map(({ selectors, deep }) => ({
    selectors: selectors.map((selector) => (selector.kind === 'filter' ? ({ kind: 'any' } as const) : selector)),
    deep,
  }));
}
