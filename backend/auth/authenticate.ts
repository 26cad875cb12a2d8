// Who calls: by a JSON Web Token or an API token, both as bearers (RFC 6750).
import { createHash, timingSafeEqual } from 'node:crypto';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import { type AuthSettings, type JwtSettings, ROLES, type Role } from '../../config/backend-auth.ts';
import type { Clock } from '../domain/ids.ts';
import { type Problem, problem } from '../errors.ts';

/** `subject` is a trader's user, and of others their name. */
export type Identity = { readonly subject: string; readonly role: Role };

/** Rejects for nothing: a caller that cannot be told is a problem. */
export type Authenticate = (authorization: string | undefined) => Promise<Identity | Problem>;

/** Verified tokens remembered: verifying one again would cost more than most answers. */
const REMEMBERED_MAX = 10_000;
/** And for how long at most, so that a key that is withdrawn stops working soon, ms. */
const REMEMBERED_MS = 30_000;
const CLOCK_TOLERANCE_S = 5;
const JWKS_TIMEOUT_MS = 3000;
/** The longest token looked at. */
const TOKEN_CHARS_MAX = 8192;

const claims = z.object({
  sub: z.string().regex(/^[A-Za-z0-9_.@:-]{1,128}$/),
  exp: z.number(),
  role: z.enum(ROLES).default('trader'),
});

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
export const isProblem = (result: Identity | Problem): result is Problem => 'code' in result;
const refused = (why: string): Problem => problem('unauthenticated', why);

/** Only digests are kept, and each is compared in constant time and to the end of the list. */
function createTokenLookup(tokens: AuthSettings['tokens']): (token: string) => Identity | undefined {
  const known = tokens.map(({ name, role, user, token }) => ({
    identity: { subject: user ?? name, role },
    digest: digestOf(token),
  }));
  return (token) => {
    const digest = digestOf(token);
    let found: Identity | undefined;
    for (const each of known) if (timingSafeEqual(each.digest, digest)) found = each.identity;
    return found;
  };
}

type Verified = { readonly identity: Identity; readonly untilMs: number };

function identityOf(payload: JWTPayload, nowMs: number): Verified | Problem {
  const parsed = claims.safeParse(payload);
  if (!parsed.success) return refused('the token does not say whose it is');
  const { sub, role, exp } = parsed.data;
  return { identity: { subject: sub, role }, untilMs: Math.min(exp * 1000, nowMs + REMEMBERED_MS) };
}

/** What a failure of verifying says: about the token, or that nobody can say. */
function problemOf(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return refused('the token has expired');
  const isOfToken =
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC';
  return isOfToken
    ? refused('the token is not valid')
    : problem('auth_unavailable', 'the keys that tokens are verified with cannot be had now');
}

function createJwtVerifier(settings: JwtSettings, now: Clock): (token: string) => Promise<Verified | Problem> {
  const options = (): JWTVerifyOptions => ({
    algorithms: [...settings.algorithms],
    issuer: settings.issuer,
    audience: settings.audience,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: CLOCK_TOLERANCE_S,
    currentDate: new Date(now()),
  });
  const { key } = settings;
  if (key.kind === 'secret') {
    const secret = new TextEncoder().encode(key.secret);
    return async (token) => identityOf((await jwtVerify(token, secret, options())).payload, now());
  }
  const keys = createRemoteJWKSet(new URL(key.url), { timeoutDuration: JWKS_TIMEOUT_MS });
  return async (token) => identityOf((await jwtVerify(token, keys, options())).payload, now());
}

/** Undefined when nobody is to be asked: neither JWTs nor tokens are set up. */
export function createAuthenticate({ jwt, tokens }: AuthSettings, now: Clock): Authenticate | undefined {
  if (jwt === undefined && tokens.length === 0) return undefined;
  const lookup = createTokenLookup(tokens);
  const verify = jwt && createJwtVerifier(jwt, now);
  const remembered = new Map<string, Verified>();

  async function verified(token: string): Promise<Identity | Problem> {
    const known = remembered.get(token);
    if (known && now() < known.untilMs) return known.identity;
    if (known) remembered.delete(token);
    if (!verify) return refused('the token is not valid');
    try {
      const result = await verify(token);
      if ('code' in result) return result;
      const oldest = remembered.keys().next().value;
      if (remembered.size >= REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
      remembered.set(token, result);
      return result.identity;
    } catch (error) {
      return problemOf(error);
    }
  }

  return async function authenticate(authorization) {
    if (authorization === undefined) return refused('Authorization is required: a bearer token');
    const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization.slice(0, TOKEN_CHARS_MAX))?.[1];
    if (token === undefined) return refused('Authorization must be a bearer token');
    return lookup(token) ?? verified(token);
  };
}

/** What a caller may do. Made for each request; without an identity (nobody was asked) everything. */
export type Caller = {
  readonly identity: Identity | undefined;
  /** Why the caller must not read, or act for, this user; undefined when it may. */
  readonly mayRead: (userId: string) => Problem | undefined;
  readonly mayActFor: (userId: string) => Problem | undefined;
  readonly has: (role: 'operator' | 'admin') => Problem | undefined;
};

const forbidden = (why: string): Problem => problem('forbidden', why);

export function callerOf(identity: Identity | undefined): Caller {
  if (!identity) return { identity, mayRead: () => undefined, mayActFor: () => undefined, has: () => undefined };
  const { role, subject } = identity;
  const isOwn = (userId: string) => role === 'trader' && userId === subject;
  const isOperator = role === 'operator' || role === 'admin';
  return {
    identity,
    mayRead: (userId) =>
      isOwn(userId) || isOperator || role === 'viewer' ? undefined : forbidden('this is another user’s'),
    mayActFor: (userId) =>
      isOwn(userId) || isOperator ? undefined : forbidden('this token does not act for this user'),
    has: (needed) =>
      role === 'admin' || role === needed
        ? undefined
        : forbidden(`this takes the role ${needed}, the token has ${role}`),
  };
}
