// Who calls: a bearer token, or the session of a browser that has signed in. Whether he may is authorise.ts's matter.
import type { MiddlewareHandler } from 'hono';
import type { GatewayMetrics } from '../../metrics.ts';
import { compileForwarded } from '../../proxy/forwarded.ts';
import type { CurrentSettings } from '../../settings.ts';
import { type OperatorContext, type OperatorEnv, Refusal } from '../context.ts';
import { readCookie } from './cookies.ts';
import { createFailedLogins } from './failed-logins.ts';
import { createOidcLogins, type OidcLogins } from './oidc.ts';
import type { Operators } from './operators.ts';
import { addressOf, isForeign, isKnownHost } from './origin.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { bearerToken, type KnownToken } from './tokens.ts';

export interface Access {
  readonly operators: Operators;
  readonly sessions: Sessions;
  readonly oidc: OidcLogins;
  /** Refuses requests by names that are not this host's. */
  readonly knownHost: MiddlewareHandler<OperatorEnv>;
  /** Sets who calls, where he has shown it. Refuses what is shown and wrong. */
  readonly authenticate: MiddlewareHandler<OperatorEnv>;
  /** The token that is shown to sign in with. @throws {Refusal} 401, or 429 after too many failures */
  readonly login: (c: OperatorContext, token: string) => Promise<KnownToken>;
}

export interface AccessDeps {
  readonly operators: Operators;
  readonly settings: CurrentSettings;
  readonly metrics: Pick<GatewayMetrics, 'loginsFailed'>;
  readonly now: () => Date;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Fields that a page of another origin cannot send without being asked about it first (Fetch standard, CORS preflight). */
const PROOF = 'x-banyan-client';

export function createAccess({ operators, settings, metrics, now }: AccessDeps): Access {
  const nowMs = () => now().getTime();
  const failures = createFailedLogins();
  const sessions = createSessions({
    callerOf: operators.callerOf,
    limits: () => operators.config.sessions,
    nowMs,
  });

  async function login(c: OperatorContext, token: string): Promise<KnownToken> {
    const { forwarded, trustedProxies } = settings.current.config;
    const address = addressOf(c, compileForwarded(forwarded, trustedProxies));
    const waitMs = await failures.waitMs(address);
    if (waitMs !== undefined) {
      metrics.loginsFailed.inc();
      throw tooManyFailures(waitMs);
    }
    const found = operators.withToken(token);
    if (found) {
      failures.succeeded(address);
      return found;
    }
    metrics.loginsFailed.inc();
    await failures.failed(address);
    throw unauthorised('the token is not one of those configured');
  }

  return {
    operators,
    sessions,
    oidc: createOidcLogins(operators, nowMs),
    login,
    async knownHost(c, next) {
      if (!isKnownHost(c, operators.config)) {
        throw new Refusal(421, 'this port answers by the name localhost only; set operator.publicUrl for another');
      }
      await next();
    },
    async authenticate(c, next) {
      const authorization = c.req.header('authorization');
      if (authorization !== undefined) {
        const token = bearerToken(authorization);
        if (token === undefined) throw unauthorised('expected Authorization: Bearer TOKEN');
        const { caller, digest } = await login(c, token);
        c.set('caller', caller);
        c.set('isStillKnown', () => operators.callerOf({ kind: 'token', digest }) !== undefined);
      } else useSession(c);
      await next();
    },
  };

  function useSession(c: OperatorContext): void {
    const secret = readCookie(c, 'session', operators.config);
    const session = secret === undefined ? undefined : sessions.find(secret);
    if (secret === undefined || !session) return;
    if (!SAFE.has(c.req.method)) refuseForeign(c);
    c.set('caller', session.caller);
    c.set('session', { secret, ...session });
    c.set('isStillKnown', () => sessions.find(secret) !== undefined);
  }

  /** A browser sends its cookie whoever made it ask: what changes something has to come from the console's own pages. */
  function refuseForeign(c: OperatorContext): void {
    if (isForeign(c, operators.config)) {
      throw new Refusal(
        403,
        'a session changes things from the pages of this origin only; send a bearer token instead',
      );
    }
    const isJson = /^application\/json\b/i.test(c.req.header('content-type') ?? '');
    if (!isJson && c.req.header(PROOF) === undefined) {
      throw new Refusal(415, `send content-type: application/json, or without a body ${PROOF}: console`);
    }
  }
}

export function unauthorised(detail: string): Refusal {
  return new Refusal(401, detail, { headers: { 'www-authenticate': 'Bearer realm="banyan"' } });
}

function tooManyFailures(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000);
  const detail = `too many failed logins; try again in ${seconds} s`;
  return new Refusal(429, detail, { headers: { 'retry-after': String(seconds) } });
}
