// The keys that sign copies of writes, in the one form in which the gateway and the backends get them.
import { readSecret } from './secret.ts';

export interface ShadowKey {
  /** Names the key in the header, so that a verifier knows which one to take. */
  readonly id: string;
  /** The text itself is the HMAC's key, as bytes; nothing is decoded. */
  readonly secret: string;
}

/** The first one signs, every one verifies. */
export type ShadowKeys = readonly [signing: ShadowKey, ...others: ShadowKey[]];

/** One in use, and one that comes or goes. */
const KEYS_MAX = 2;
const KEY = /^([A-Za-z0-9._-]{1,64}):([\x21-\x2b\x2d-\x7e]{32,512})$/;

export type ParsedShadowKeys =
  | { readonly ok: true; readonly value: ShadowKeys }
  | { readonly ok: false; readonly message: string };

/** Reads `ID:SECRET`, or two of them with a comma or white space between. A message never holds any part of a secret. */
export function parseShadowKeys(text: string): ParsedShadowKeys {
  const keys: ShadowKey[] = [];
  for (const part of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const [, id, secret] = KEY.exec(part) ?? [];
    if (id === undefined || secret === undefined) {
      const which = `key ${keys.length + 1}`;
      return { ok: false, message: `${which} is not ID:SECRET with a secret of 32 to 512 visible ASCII characters` };
    }
    if (keys.some((key) => key.id === id)) return { ok: false, message: `two keys are called ${id}` };
    keys.push({ id, secret });
  }
  const [signing, ...others] = keys;
  if (!signing) return { ok: false, message: 'there is no key' };
  if (keys.length > KEYS_MAX) return { ok: false, message: `there are more than ${KEYS_MAX} keys` };
  return { ok: true, value: [signing, ...others] };
}

/** Reads the keys from the environment variable `name`, or from the file that NAME_FILE names. */
export function readShadowKeys(name: string): ParsedShadowKeys {
  const secret = readSecret(name);
  if (!secret.ok) return secret;
  const parsed = parseShadowKeys(secret.value);
  return parsed.ok ? parsed : { ok: false, message: `${name}: ${parsed.message}` };
}
