// A small OpenID provider on loopback: discovery, the authorization code flow with PKCE, signed ID tokens. It checks what
// a provider has to check, and can be told to lie where a client has to notice.
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OidcProvider {
  readonly issuer: string;
  /** Who signs in next: the claims of the ID token beside those that every one has. */
  claims: Record<string, unknown>;
  /** What the next ID token claims falsely. */
  lie: Record<string, unknown>;
  /** Signs with a key that is not the one it publishes. */
  forged: boolean;
  /** Requests so far, by path. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

export const CLIENT = { id: 'banyan', secret: 'the-secret-of-the-client' } as const;

export async function startOidcProvider(): Promise<OidcProvider> {
  const real = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const grants = new Map<string, Grant>();
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', provider.issuer);
    asked.push(url.pathname);
    const answer = handlers[url.pathname];
    if (answer) void answer(incoming, outgoing, url.searchParams);
    else send(outgoing, 404, {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: OidcProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ claims: { sub: 'user-1' }, lie: {}, forged: false, asked },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };

  type Handler = (incoming: IncomingMessage, outgoing: ServerResponse, query: URLSearchParams) => void | Promise<void>;
  const handlers: Readonly<Record<string, Handler>> = {
    '/.well-known/openid-configuration': (_, outgoing) =>
      send(outgoing, 200, {
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/authorize`,
        token_endpoint: `${provider.issuer}/token`,
        jwks_uri: `${provider.issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        code_challenge_methods_supported: ['S256'],
      }),
    '/jwks': (_, outgoing) =>
      send(outgoing, 200, {
        keys: [{ ...real.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }],
      }),
    '/authorize'(_, outgoing, query) {
      const given = (name: string) => query.get(name) ?? '';
      const isAsked = given('response_type') === 'code' && given('client_id') === CLIENT.id;
      if (!isAsked || given('code_challenge_method') !== 'S256' || !given('scope').includes('openid')) {
        return send(outgoing, 400, { error: 'invalid_request' });
      }
      const code = randomUUID();
      const redirectUri = given('redirect_uri');
      grants.set(code, { challenge: given('code_challenge'), nonce: given('nonce'), redirectUri });
      const back = new URL(redirectUri);
      back.searchParams.set('code', code);
      back.searchParams.set('state', given('state'));
      outgoing.writeHead(302, { location: back.href });
      outgoing.end();
    },
    async '/token'(incoming, outgoing) {
      const body = new URLSearchParams(await textOf(incoming));
      const expected = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
      const decoded = decodeURIComponent(
        Buffer.from(incoming.headers.authorization?.slice(6) ?? '', 'base64').toString(),
      );
      if (`Basic ${Buffer.from(decoded).toString('base64')}` !== expected) {
        return send(outgoing, 401, { error: 'invalid_client' });
      }
      const grant = grants.get(body.get('code') ?? '');
      grants.delete(body.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(body.get('code_verifier') ?? '')
        .digest('base64url');
      if (!grant || grant.challenge !== challenge || grant.redirectUri !== body.get('redirect_uri')) {
        return send(outgoing, 400, { error: 'invalid_grant' });
      }
      const now = Math.floor(Date.now() / 1000);
      const standard = { iss: provider.issuer, aud: CLIENT.id, iat: now, exp: now + 300, nonce: grant.nonce };
      const key = provider.forged ? other.privateKey : real.privateKey;
      const idToken = jwt({ ...standard, ...provider.claims, ...provider.lie }, key);
      send(outgoing, 200, { access_token: randomUUID(), token_type: 'Bearer', expires_in: 300, id_token: idToken });
    },
  };
  return provider;
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify(body));
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += chunk;
  return text;
}

/** A JWS in its compact form (RFC 7515 section 7.1). */
function jwt(claims: object, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
