// Bearer tokens: whose each is. Only their digests are kept.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { OperatorConfig } from '../../../config/operator-schema.ts';
import type { Caller } from './caller.ts';

export interface KnownToken {
  readonly caller: Caller;
  /** SHA-256, in hexadecimal digits. */
  readonly digest: string;
}

export interface Tokens {
  /** Whose this token is, or undefined. */
  find(token: string): KnownToken | undefined;
  /** Who a digest that `find` has answered belongs to now. */
  holder(digest: string): Caller | undefined;
}

/**
 * Compiles the tokens. Each is compared in constant time and to the end of the list, so that neither a wrong token's text
 * nor its place can be found out by timing.
 */
export function compileTokens(configured: OperatorConfig['tokens'], secrets: ReadonlyMap<string, string>): Tokens {
  const known = configured.flatMap(({ name, role, tokenEnv, tokenSha256 }) => {
    const secret = tokenEnv === undefined ? undefined : secrets.get(tokenEnv);
    const digest = tokenSha256 ?? (secret ? digestOf(secret).toString('hex') : undefined);
    return digest === undefined ? [] : [{ caller: { name, role }, digest, bytes: Buffer.from(digest, 'hex') }];
  });
  const holders = new Map(known.map(({ digest, caller }) => [digest, caller]));
  return {
    find(token) {
      const digest = digestOf(token);
      let found: KnownToken | undefined;
      for (const each of known) if (timingSafeEqual(each.bytes, digest)) found = each;
      return found && { caller: found.caller, digest: found.digest };
    },
    holder: (digest) => holders.get(digest),
  };
}

/** The token of an Authorization field (RFC 6750 section 2.1), or undefined. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1];
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
