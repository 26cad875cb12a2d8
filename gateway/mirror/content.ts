// What a body is: how its Content-Type says that it is to be read.

/** `lines` is text without a structure that we know; `bytes` is anything else. */
export type Format = 'json' | 'json-lines' | 'form' | 'lines' | 'bytes';

export interface MediaType {
  /** Lower case, without parameters; empty when there is none. */
  readonly name: string;
  /** Lower case; UTF-8 where nothing else is said. */
  readonly charset: string;
}

const JSON_NAME = /^application\/(?:[\w.-]+\+)?json$/;
const JSON_LINES_NAME = /^(?:application|text)\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines)$/;
const TEXT_NAME =
  /^text\/|^application\/(?:(?:x-)?(?:yaml|javascript|csv|toml)|xml|xml-dtd|graphql|sql)$|\+(?:xml|yaml)$/;
/** A parameter (RFC 9110 section 5.6.6). */
const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;

export function readMediaType(contentType: string | undefined): MediaType {
  return {
    name: nameOf(contentType),
    charset: new Map(parametersOf(contentType)).get('charset')?.toLowerCase() ?? 'utf-8',
  };
}

export function formatOf({ name }: MediaType): Format {
  if (JSON_NAME.test(name)) return 'json';
  if (JSON_LINES_NAME.test(name)) return 'json-lines';
  if (name === 'application/x-www-form-urlencoded') return 'form';
  return TEXT_NAME.test(name) ? 'lines' : 'bytes';
}

/**
 * One spelling of a Content-Type: case and blanks do not matter (RFC 9110 section 8.3.1), and UTF-8 is what JSON is in
 * whether or not it is said (RFC 8259 section 11).
 */
export function canonicalContentType(contentType: string): string {
  const name = nameOf(contentType);
  const parameters = parametersOf(contentType)
    .map(([key, value]) => [key, key === 'charset' ? value.toLowerCase() : value] as const)
    .filter(([key, value]) => !(key === 'charset' && value === 'utf-8' && JSON_NAME.test(name)))
    .map(([key, value]) => `;${key}=${JSON.stringify(value)}`);
  return name + parameters.sort().join('');
}

/** The text of a body, or undefined when it is not in its charset, or nobody knows that charset. */
export function decodeText(body: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

function nameOf(contentType = ''): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

function parametersOf(contentType = ''): (readonly [name: string, value: string])[] {
  return [...contentType.matchAll(PARAMETER)].map(([, name = '', quoted, plain = '']) => [
    name.toLowerCase(),
    quoted?.replace(/\\(.)/g, '$1') ?? plain,
  ]);
}
