// What of an answer may be kept as a sample: never a secret or somebody's personal data.
import { headerValue } from '../proxy/headers.ts';
import type { Difference } from './compare-json.ts';
import { type Json, JsonNumber, parseJson } from './json.ts';

export const REDACTED = '[redacted]';
/** Longer bodies are cut in samples. */
const BODY_TEXT_MAX = 16_384;

const SECRET_HEADER =
  /^(?:authorization|cookie|set-cookie|proxy-.*|x-api-key|x-mexc-apikey|.*(?:token|secret|session|csrf).*)$/i;
/** `token` alone may be a secret; `token_address` and its like are what a trading system talks about. */
const SECRET_NAME = new RegExp(
  [
    'pass(?:word|phrase|wd)|secret|(?:access|refresh|auth|bearer|csrf|id|session)_?token|^token$|api_?-?key|authorization',
    'cookie|session|credential|signature|private|mnemonic|seed_?phrase|otp|cvv|ssn|iban|card_?number|email|phone',
  ].join('|'),
  'i',
);

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function redactHeaders(pairs: readonly string[]): string[][] {
  const kept: string[][] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    kept.push([name, SECRET_HEADER.test(name) ? REDACTED : (pairs[i + 1] as string)]);
  }
  return kept;
}

/** A request target with the values of secret query parameters replaced. */
export function redactTarget(target: string): string {
  const query = target.indexOf('?');
  if (query < 0) return target;
  const parameters = target.slice(query + 1).split('&');
  return `${target.slice(0, query)}?${parameters.map(redactParameter).join('&')}`;
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals > 0 && isSecretName(parameter.slice(0, equals))
    ? `${parameter.slice(0, equals)}=${REDACTED}`
    : parameter;
}

/** Differences whose place names a secret keep the place and lose the values. */
export function redactDifference(difference: Difference): Difference {
  if (!difference.path.split(/[^\w-]+/).some(isSecretName)) return difference;
  const hide = (value: string | undefined) => (value === undefined ? undefined : REDACTED);
  return { ...difference, legacy: hide(difference.legacy), new: hide(difference.new) };
}

/** A body as text, secret members replaced. A body that is not JSON is only described: nobody knows what is in it. */
export function redactBody(body: Buffer | undefined, headers: readonly string[]): string {
  if (!body) return 'not kept';
  if (body.length === 0) return '';
  const type = headerValue(headers, 'content-type') ?? 'no content-type';
  if (!/json/i.test(type) || headerValue(headers, 'content-encoding')) return `${body.length} bytes, ${type}`;
  try {
    const text = textOf(parseJson(body.toString('utf8')));
    return text.length > BODY_TEXT_MAX ? `${text.slice(0, BODY_TEXT_MAX)}…` : text;
  } catch {
    return `${body.length} bytes that are not JSON, ${type}`;
  }
}

function textOf(value: Json): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const members = [...value].map(
    ([name, item]) => `${JSON.stringify(name)}:${isSecretName(name) ? JSON.stringify(REDACTED) : textOf(item)}`,
  );
  return `{${members.join()}}`;
}
