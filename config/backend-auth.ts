// How the new backend knows who calls it: JSON Web Tokens, API tokens, both, or nobody asked.
import { z } from 'zod';

/** viewer: reads everybody's. trader: its own user's, reading and trading. operator: everybody's, and trading states. admin: limits too. */
export const ROLES = ['trader', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const TOKEN_CHARS_MIN = 24;
const SECRET_BYTES_MIN = 32;

const apiToken = z
  .strictObject({
    name: z.string().min(1).max(100),
    role: z.enum(ROLES),
    /** The only user that a trader's token acts for. */
    user: z.string().min(1).max(128).optional(),
    token: z.string().min(TOKEN_CHARS_MIN, `has a token of less than ${TOKEN_CHARS_MIN} characters`).max(1024),
  })
  .refine(({ role, user }) => (role === 'trader') === (user !== undefined), 'a trader has a user, nobody else has');
export type ApiToken = z.infer<typeof apiToken>;

/** Algorithms of one kind of key only: a public key must never be taken for a shared secret. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
] as const;

export type JwtSettings = {
  readonly key: { readonly kind: 'secret'; readonly secret: string } | { readonly kind: 'jwks'; readonly url: string };
  readonly algorithms: readonly string[];
  readonly issuer: string;
  readonly audience: string;
};

/** Undefined parts are off; with both off nobody is asked who they are. */
export type AuthSettings = { readonly jwt: JwtSettings | undefined; readonly tokens: readonly ApiToken[] };

const text = (name: string, least = 1) => z.string().min(least, `${name} is too short`).max(2048).optional();

export const authVariables = {
  AUTH_JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= SECRET_BYTES_MIN, `is shorter than ${SECRET_BYTES_MIN} bytes`)
    .optional()
    .describe('give the secret that JWTs are signed with, or AUTH_JWT_SECRET_FILE naming a file with it'),
  AUTH_JWT_JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'is not an http or https URL' })
    .optional()
    .describe("give the URL of the issuer's key set, and no AUTH_JWT_SECRET beside it"),
  AUTH_JWT_ALGORITHMS: text('AUTH_JWT_ALGORITHMS').describe(
    `name algorithms with commas between: of ${SECRET_ALGORITHMS.join(', ')} for a secret, of ${PUBLIC_KEY_ALGORITHMS.join(', ')} for a key set`,
  ),
  AUTH_JWT_ISSUER: text('AUTH_JWT_ISSUER').describe('give the "iss" that a JWT must have'),
  AUTH_JWT_AUDIENCE: text('AUTH_JWT_AUDIENCE').describe('give the "aud" that a JWT must have'),
  AUTH_TOKENS: z
    .string()
    .transform((given, context): ApiToken[] => {
      try {
        const tokens = z.array(apiToken).max(1000).safeParse(JSON.parse(given));
        if (tokens.success) return tokens.data;
        context.addIssue(tokens.error.issues[0]?.message ?? 'is not a list of tokens');
      } catch {
        context.addIssue('is not JSON');
      }
      return z.NEVER;
    })
    .optional()
    .describe(
      'give JSON such as [{"name":"desk","role":"operator","token":"..."},{"name":"bot","role":"trader","user":"u1","token":"..."}], or AUTH_TOKENS_FILE naming a file with it',
    ),
};

type Read = { readonly [Name in keyof typeof authVariables]?: z.infer<(typeof authVariables)[Name]> };
type Problem = { readonly variable: string; readonly problem: string; readonly remedy: string };

const remedyOf = (variable: keyof typeof authVariables): string => authVariables[variable].meta()?.description ?? '';

/** What the variables say together, or what is wrong with that. */
export function readAuth(read: Read): { readonly value: AuthSettings; readonly problems: readonly Problem[] } {
  const tokens = read.AUTH_TOKENS ?? [];
  const problems: Problem[] = [];
  const wrong = (variable: keyof typeof authVariables, problem: string) =>
    problems.push({ variable, problem, remedy: remedyOf(variable) });
  const { AUTH_JWT_SECRET: secret, AUTH_JWT_JWKS_URL: url } = read;
  if (secret === undefined && url === undefined) return { value: { jwt: undefined, tokens }, problems };
  if (secret !== undefined && url !== undefined) wrong('AUTH_JWT_JWKS_URL', 'AUTH_JWT_SECRET is set too');
  const allowed: readonly string[] = url === undefined ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS;
  const algorithms = read.AUTH_JWT_ALGORITHMS?.split(',').map((name) => name.trim()) ?? [
    url === undefined ? 'HS256' : 'RS256',
  ];
  const strange = algorithms.find((name) => !allowed.includes(name));
  if (strange !== undefined) wrong('AUTH_JWT_ALGORITHMS', `has ${strange}, which is not for this kind of key`);
  if (read.AUTH_JWT_ISSUER === undefined) wrong('AUTH_JWT_ISSUER', 'is not set');
  if (read.AUTH_JWT_AUDIENCE === undefined) wrong('AUTH_JWT_AUDIENCE', 'is not set');
  const key = url === undefined ? { kind: 'secret' as const, secret: secret ?? '' } : { kind: 'jwks' as const, url };
  const jwt = { key, algorithms, issuer: read.AUTH_JWT_ISSUER ?? '', audience: read.AUTH_JWT_AUDIENCE ?? '' };
  return { value: { jwt, tokens }, problems };
}

/** Whether only this machine can reach the address: elsewhere nobody may trade without saying who they are. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
