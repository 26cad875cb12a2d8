// `banyan token`: makes a token for the operator API, and what the configuration has to know of it.
import { createHash, randomBytes } from 'node:crypto';

/** 256 bits: nobody guesses it, so a plain SHA-256 of it needs neither salt nor slowness. */
const TOKEN_BYTES = 32;

export function makeToken(): { readonly token: string; readonly tokenSha256: string } {
  const token = `banyan_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token, tokenSha256: createHash('sha256').update(token).digest('hex') };
}
