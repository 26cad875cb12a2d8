// Who calls the operator's API: bearer tokens with roles.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { GatewayConfig, OperatorRole } from '../../config/gateway-schema.ts';

export interface Caller {
  readonly name: string;
  readonly role: OperatorRole;
}

const RANK: Readonly<Record<OperatorRole, number>> = { viewer: 0, operator: 1, admin: 2 };

export function mayAct(caller: Caller, needed: OperatorRole): boolean {
  return RANK[caller.role] >= RANK[needed];
}

/** Answers who an Authorization field's token belongs to, or undefined. */
export type Authenticate = (authorization: string | undefined) => Caller | undefined;

/**
 * Compiles the tokens. Only their digests are kept, and each is compared in constant time and to the end of the list,
 * so that neither a wrong token's text nor its place can be found out by timing.
 */
export function compileTokens(
  configured: GatewayConfig['operator']['tokens'],
  secrets: ReadonlyMap<string, string>,
): Authenticate {
  const known = configured.flatMap(({ name, role, tokenEnv }) => {
    const secret = secrets.get(tokenEnv);
    return secret ? [{ caller: { name, role }, digest: digestOf(secret) }] : [];
  });
  return (authorization) => {
    const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    let found: Caller | undefined;
    for (const each of known) if (timingSafeEqual(each.digest, digest)) found = each.caller;
    return found;
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
