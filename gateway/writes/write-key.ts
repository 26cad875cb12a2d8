// What names a write to those who have to repeat it on the other side. Pure.
import { isPlace, parseComparePath } from '../../config/compare-path.ts';
import type { RouteConfig } from '../../config/gateway-schema.ts';
import { parameterOf } from '../../config/route-schema.ts';
import { writeKeyHeader, writeKeyParameter } from '../../config/writes-schema.ts';
import { compileRedaction, type Redaction } from '../mirror/redact.ts';
import { headerValue } from '../proxy/headers.ts';
import { matchingPath } from '../routing/target.ts';

/** A longer key is cut: it would not tell more. */
const KEY_CHARS_MAX = 200;

/** A request that is a write, and its answer. */
export interface Write {
  /** In origin-form. */
  readonly path: string;
  readonly pairs: readonly string[];
  readonly requestId: string;
  /** The fields of the answer. */
  readonly headers: readonly string[];
  /** The answer's body with its content coding undone; undefined where it was not kept. */
  readonly body: Buffer | undefined;
}

export interface WriteKeys {
  /** Whether a key is looked for in the answer's body. */
  readonly needsBody: boolean;
  /** `order_id=7`, secrets replaced; the request's id where nothing else is found. */
  of(write: Write): string;
}

type Part = (write: Write, redaction: Redaction) => string | undefined;

export function compileWriteKeys({ match, mirror, writes, redact }: RouteConfig): WriteKeys {
  const redaction = compileRedaction(redact);
  const parameters = match.path.split('/').flatMap((segment) => parameterOf(segment) ?? []);
  const learned = mirror.ids.flatMap(({ path }) => (path !== undefined && isPlace(path) ? [path] : []));
  const wanted = writes.key ?? (parameters.length > 0 ? parameters.map((name) => `param:${name}`) : learned);
  const parts = wanted.map((text) => partOf(text, match.path));
  return {
    needsBody: wanted.some(isPlace),
    of(write) {
      const found = parts.flatMap((part) => part(write, redaction) ?? []);
      const key = found.length > 0 ? found.join(' ') : `request-id=${write.requestId}`;
      return key.length > KEY_CHARS_MAX ? `${key.slice(0, KEY_CHARS_MAX)}…` : key;
    },
  };
}

function partOf(text: string, pattern: string): Part {
  const parameter = writeKeyParameter(text);
  if (parameter !== undefined) {
    const index = pattern.split('/').findIndex((segment) => parameterOf(segment) === parameter);
    return ({ path }, redaction) => named(parameter, decoded(matchingPath(path)?.split('/')[index]), redaction);
  }
  const header = writeKeyHeader(text)?.toLowerCase();
  if (header !== undefined) {
    return ({ pairs }, redaction) => {
      const value = headerValue(pairs, header);
      const [[, shown] = []] = value === undefined ? [] : redaction.headers([header, value]);
      return shown === undefined ? undefined : `${header}=${shown}`;
    };
  }
  const path = parseComparePath(text);
  const names =
    path.part === 'body'
      ? path.steps.flatMap(({ selectors: [only] }) => (only?.kind === 'name' ? [only.name] : []))
      : [];
  return ({ body, headers }, redaction) => {
    const shown = redaction.body(body, withoutCoding(headers), Number.POSITIVE_INFINITY).text;
    const value = memberAt(parsed(shown), names);
    return named(names.at(-1) ?? '', value, redaction);
  };
}

function named(name: string, value: string | undefined, redaction: Redaction): string | undefined {
  return value === undefined || value === '' ? undefined : redaction.target(`${name}=${value}`);
}

/** The plain value at the end of these names. */
function memberAt(document: unknown, names: readonly string[]): string | undefined {
  let at = document;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return typeof at === 'string' || typeof at === 'number' ? String(at) : undefined;
}

function parsed(text: string): unknown {
  try {
    // Ids may be numbers of more digits than JavaScript's have: they are read as they are written.
    return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' ? (context?.source ?? value) : value,
    );
  } catch {
    return undefined;
  }
}

function decoded(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The body is decoded already. */
function withoutCoding(headers: readonly string[]): readonly string[] {
  return headers.flatMap((text, i) => {
    const name = headers[i - (i % 2)];
    return name?.toLowerCase() === 'content-encoding' ? [] : [text];
  });
}
