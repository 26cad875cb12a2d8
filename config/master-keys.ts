// The keys that users' exchange keys are encrypted with, as text: ID:BASE64 of 32 bytes, one a line or between commas. The first
// is the one in use; a second one opens what was sealed before it.

export type MasterKey = { readonly id: string; readonly key: Buffer };
export type MasterKeyList = readonly [MasterKey, ...MasterKey[]];

const KEYS_MAX = 2;
const KEY_BYTES = 32;
const FORM = /^([A-Za-z0-9_.-]{1,64}):([A-Za-z0-9+/]{43}=)$/;

type Parsed = { readonly ok: true; readonly value: MasterKeyList } | { readonly ok: false; readonly message: string };

/** The message of a failure never holds any part of a key. */
export function parseMasterKeys(text: string): Parsed {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  const keys: MasterKey[] = [];
  for (const part of parts) {
    const [, id, encoded] = FORM.exec(part) ?? [];
    if (id === undefined || encoded === undefined)
      return { ok: false, message: `each is ID:KEY, the key ${KEY_BYTES} bytes in base64` };
    if (keys.some((known) => known.id === id)) return { ok: false, message: `two have the id ${id}` };
    keys.push({ id, key: Buffer.from(encoded, 'base64') });
  }
  const [first, ...rest] = keys;
  if (!first) return { ok: false, message: 'there is no key in it' };
  if (keys.length > KEYS_MAX) return { ok: false, message: `there are more than ${KEYS_MAX}` };
  return { ok: true, value: [first, ...rest] };
}
