// What is a secret by its name or by its look: in names, in texts, in the places of differences. Pure.
import type { Difference } from './difference.ts';

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

/** `name=value` in the query or the fragment of a target or a URL, in a form, in a cookie: wherever in a text that stands. */
const PARAMETER = /(^|[?&#;\s"'])([^?&#;=\s"'<>\\]+)=([^?&#;\s"'<>\\]*)/g;
/** The end of a member's name in JSON that stands in a text, its quotes escaped or not, and the text cut or not. */
const MEMBER_NAME = /(?<![\w.-])([\w.-]+)\\*["']\s*:/g;
/** What is a secret wherever it stands: a JWT (RFC 7519), credentials of a scheme (RFC 7617, RFC 6750), a URL's password. */
const CREDENTIALS = [
  /(?<![\w-])()(eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?)/g,
  /\b((?:bearer|basic)\s+)([\w.~+/=-]{16,})/gi,
  /(:\/\/[^\s/?#:@"']{0,256}:)([^\s/?#@"']{1,1024})(?=@)/g,
] as const;

/**
 * A text with what is secret in it replaced: the values of secret parameters, and credentials. One that holds JSON with a
 * secret member is replaced as a whole, since where in it that ends is not known.
 */
export function withoutSecrets(text: string, replacementOf: (secret: string) => string): string {
  if (hasSecretMember(text)) return replacementOf(text);
  const named = text.replace(PARAMETER, (parameter, before: string, name: string, value: string) =>
    isSecretName(decoded(name)) || hasSecretMember(decoded(value))
      ? `${before}${name}=${replacementOf(value)}`
      : parameter,
  );
  return CREDENTIALS.reduce(
    (left, pattern) => left.replace(pattern, (_, before: string, secret: string) => before + replacementOf(secret)),
    named,
  );
}

function hasSecretMember(text: string): boolean {
  for (const [, name = ''] of text.matchAll(MEMBER_NAME)) if (isSecretName(name)) return true;
  return false;
}

function decoded(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}

/** One step of a place in a body as differences print it (config/compare-path.ts). */
const STEP = /\.([A-Za-z_]\w*)|\['((?:[^'\\]|\\[\s\S])*)'\]|\[(?:\*|\?[^\]]*)\]/g;
/** Names that people give to things. A token, a number, an address is none. */
const WORD = /^[A-Za-z_-]{1,32}$/;

/** The names that lead to a difference's place; undefined where a member of an array is meant. */
export function namesIn(path: string): readonly (string | undefined)[] {
  return [...path.matchAll(STEP)].map(([, plain, quoted]) => plain ?? quoted?.replace(/\\([\s\S])/g, '$1'));
}

/**
 * Which steps of a place would tell a secret that serves as a name, as in `{"sessions": {"9f2c…": {}}}`: those below the
 * step at `secretStep` (-1 for none) that are no words, and credentials anywhere. Undefined for none.
 */
export function secretNamesIn(path: string, secretStep: number): readonly boolean[] | undefined {
  const isHidden = (name: string | undefined, step: number) =>
    name !== undefined && ((secretStep >= 0 && step > secretStep && !WORD.test(name)) || hasCredentials(name));
  const hidden = namesIn(path).map(isHidden);
  return hidden.includes(true) ? hidden : undefined;
}

/** The difference with `*` for these steps of its place. */
export function withoutNames(difference: Difference, hidden: readonly boolean[]): Difference {
  let step = 0;
  const path = difference.path.replace(STEP, (printed) => (hidden[step++] ? '.*' : printed));
  const tokens = difference.at.split('/').map((token, i) => (hidden[i - 1] ? '*' : token));
  return { ...difference, path, at: tokens.join('/') };
}

function hasCredentials(name: string): boolean {
  return CREDENTIALS.some((pattern) => name.search(pattern) >= 0);
}
