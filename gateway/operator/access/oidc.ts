// Signing in by an OpenID provider: the authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0
// section 3.1, RFC 7636). The provider is asked when somebody signs in; starting up asks nobody.
import { createHash, randomBytes } from 'node:crypto';
import type { Configuration } from 'openid-client';
import type { OidcConfig } from '../../../config/operator-schema.ts';
import type { Credential } from './caller.ts';
import type { Operators } from './operators.ts';

/** Logins begun and not finished; the oldest makes room. */
export const LOGINS_MAX = 500;
/** How long a person may take at the provider. */
export const LOGIN_MS = 10 * 60_000;
/** How long what the provider says of itself is believed. */
const DISCOVERED_MS = 3_600_000;
const TIMEOUT_SECONDS = 10;

/** The login cannot go on; `message` says why. `unreachable`: the provider did not answer as one does. */
export class LoginError extends Error {
  readonly kind: 'unreachable' | 'refused';

  constructor(kind: LoginError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LoginError';
    this.kind = kind;
  }
}

export interface OidcLogins {
  /** Answers where to send the browser, and the secret that its cookie has to bring back. @throws {LoginError} */
  begin(redirectUri: string, next: string): Promise<{ readonly location: string; readonly secret: string }>;
  /** Who has signed in, when the browser comes back to `url`, and where it wanted to go. @throws {LoginError} */
  finish(secret: string, url: URL): Promise<{ readonly credential: Credential; readonly next: string }>;
}

interface Login {
  readonly begunMs: number;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly next: string;
}

export function createOidcLogins(operators: Operators, nowMs: () => number): OidcLogins {
  const logins = new Map<string, Login>(); // LOGINS_MAX at most, the oldest first.
  let discovered: { readonly config: OidcConfig; readonly atMs: number; readonly found: Configuration } | undefined;

  /** Loaded when it is first needed: most gateways never do. */
  const library = () => import('openid-client');

  async function discover(config: OidcConfig): Promise<Configuration> {
    if (discovered?.config === config && nowMs() - discovered.atMs < DISCOVERED_MS) return discovered.found;
    const client = await library();
    const issuer = new URL(config.issuer);
    const secret = operators.clientSecret;
    const execute = [client.enableNonRepudiationChecks];
    // The configuration lets only a provider of this machine be without TLS.
    if (issuer.protocol === 'http:') execute.push(client.allowInsecureRequests);
    const how = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
    const found = await client.discovery(issuer, config.clientId, undefined, how, {
      execute,
      timeout: TIMEOUT_SECONDS,
    });
    discovered = { config, atMs: nowMs(), found };
    return found;
  }

  function configured(): OidcConfig {
    if (operators.config.oidc) return operators.config.oidc;
    throw new LoginError('refused', 'operator.oidc is not configured; sign in with a token');
  }

  return {
    async begin(redirectUri, next) {
      const config = configured();
      const provider = await discover(config).catch((error: unknown) => {
        const problem = `the OpenID provider ${config.issuer} cannot be asked: ${(error as Error).message}`;
        throw new LoginError('unreachable', problem, { cause: error });
      });
      const client = await library();
      const login: Login = {
        ...{ begunMs: nowMs(), redirectUri, next },
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
      };
      const secret = randomBytes(32).toString('base64url');
      const [oldest] = logins.keys();
      if (logins.size >= LOGINS_MAX && oldest !== undefined) logins.delete(oldest);
      logins.set(keyOf(secret), login);
      const location = client.buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: config.scopes.join(' '),
        state: login.state,
        nonce: login.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(login.codeVerifier),
        code_challenge_method: 'S256',
      });
      return { location: location.href, secret };
    },
    async finish(secret, { search }) {
      const config = configured();
      const login = logins.get(keyOf(secret));
      logins.delete(keyOf(secret)); // Once: who comes back twice begins anew.
      if (!login || nowMs() - login.begunMs > LOGIN_MS) {
        throw new LoginError('refused', 'this login was not begun here, or too long ago; sign in again');
      }
      const client = await library();
      // The provider has sent the browser to the address that it was given; what this process is called inside does not count.
      const url = new URL(search, login.redirectUri);
      try {
        const tokens = await client.authorizationCodeGrant(await discover(config), url, {
          pkceCodeVerifier: login.codeVerifier,
          expectedState: login.state,
          expectedNonce: login.nonce,
          idTokenExpected: true,
        });
        return { credential: credentialOf(tokens.claims() ?? {}, config), next: login.next };
      } catch (error) {
        const problem = `the OpenID provider's answer is refused: ${(error as Error).message}; sign in again`;
        throw new LoginError('refused', problem, { cause: error });
      }
    },
  };
}

function keyOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

type Claims = Readonly<Record<string, unknown>>;

/** Pure. @throws when the claims name nobody. */
export function credentialOf(claims: Claims, { nameClaim, roleClaim }: OidcConfig): Credential {
  const { sub } = claims;
  if (typeof sub !== 'string') throw new Error('the ID token names nobody');
  const name = claimAt(claims, nameClaim);
  const roles = claimAt(claims, roleClaim);
  return {
    kind: 'oidc',
    subject: sub,
    name: typeof name === 'string' && name !== '' ? name.slice(0, 100) : sub,
    roles: [roles].flat().filter((each) => typeof each === 'string'),
  };
}

/** A claim by its name, which may have dots in it, or by the way to it through objects. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((value, part) => {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, part)
      ? Reflect.get(value, part)
      : undefined;
  }, claims);
}
