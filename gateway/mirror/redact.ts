// What of an answer may be kept as a sample: never a secret or somebody's personal data.
import { headerValue } from '../proxy/headers.ts';
import type { Difference } from './compare-json.ts';
import { parseJson, type Rewriting, writeJson } from './json.ts';

export const REDACTED = '[redacted]';
/** Longer bodies are cut in samples. */
const BODY_TEXT_MAX = 16_384;

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

function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name) || isSecretName(name);
}

export function redactHeaders(pairs: readonly string[]): string[][] {
  const kept: string[][] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    kept.push([name, isSecretHeader(name) ? REDACTED : redactTarget(pairs[i + 1] as string)]);
  }
  return kept;
}

/** A parameter in the query or the fragment of a target or a URL, wherever in a text that stands. */
const PARAMETER = /([?&#;])([^?&#;=\s"'<>\\]+)=([^?&#;\s"'<>\\]*)/g;

/** A request target, or any text with URLs in it, with the values of secret parameters replaced. */
export function redactTarget(text: string): string {
  return text.replace(PARAMETER, (parameter, before: string, name: string) =>
    isSecretName(decodedName(name)) ? `${before}${name}=${REDACTED}` : parameter,
  );
}

function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Differences whose place names a secret keep the place and lose the values. */
export function redactDifference(difference: Difference): Difference {
  const header = /^header:(.*)$/.exec(difference.path)?.[1];
  const names = difference.path.split(/[^\w-]+/);
  const isSecret = header === undefined ? names.some(isSecretName) : isSecretHeader(header);
  const redact = (value: string | undefined) =>
    isSecret && value !== undefined ? REDACTED : value && redactTarget(value);
  return { ...difference, legacy: redact(difference.legacy), new: redact(difference.new) };
}

const REDACTING: Rewriting = {
  member: (name) => (isSecretName(name) ? REDACTED : undefined),
  text: redactTarget,
};

/** A body as text, secret members replaced. A body that is not JSON is only described: nobody knows what is in it. */
export function redactBody(body: Buffer | undefined, headers: readonly string[]): string {
  if (!body) return 'not kept';
  if (body.length === 0) return '';
  const type = headerValue(headers, 'content-type') ?? 'no content-type';
  if (!/json/i.test(type) || headerValue(headers, 'content-encoding')) return `${body.length} bytes, ${type}`;
  try {
    const text = writeJson(parseJson(body.toString('utf8')), REDACTING);
    return text.length > BODY_TEXT_MAX ? `${text.slice(0, BODY_TEXT_MAX)}…` : text;
  } catch {
    return `${body.length} bytes that are not JSON, ${type}`;
  }
}
