// The part of a gateway's configuration that is about its operators: where their API listens, and who may call it.
import { BlockList } from 'node:net';
import { z } from 'zod';
import { variableName } from './secret.ts';

export const OPERATOR_ROLES = ['viewer', 'operator', 'admin'] as const;
/** viewer: looks. operator: moves routes and rules. admin: passes over gates too. Each may what those before it may. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number];
const role = z.enum(OPERATOR_ROLES);

const HOST_PORT = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

export const hostPort = z.string().refine((text) => Number(HOST_PORT.exec(text)?.[1] ?? Number.NaN) <= 65_535, {
  message: 'expected HOST:PORT, such as 127.0.0.1:8080 (port 0 takes any free port)',
});

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a host, as a URL or HOST:PORT has it, can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || LOOPBACK.check(bare, bare.includes(':') ? 'ipv6' : 'ipv4');
}

/** The host of HOST:PORT. */
export function hostOf(hostPort: string): string {
  return hostPort.slice(0, hostPort.lastIndexOf(':'));
}

export const tls = z.strictObject({
  cert: z.string().min(1).describe('File with the certificate chain (PEM); read anew when it changes.'),
  key: z.string().min(1).describe('File with its private key (PEM).'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
});

/** An origin that is https, or of this machine: what is secret does not cross a network in the clear. */
const safeOrigin = z
  .url({ protocol: /^https?$/, message: 'expected a URL such as https://banyan.example' })
  .refine((text) => !URL.canParse(text) || isSafe(new URL(text)), 'expected https: secrets would cross the network');

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname);
}

const token = z
  .strictObject({
    name: z.string().min(1).max(100).describe('Who uses this token: the actor in the audit log.'),
    role,
    tokenEnv: variableName
      .optional()
      .describe('Environment variable with the token; NAME_FILE may name a file instead.'),
    tokenSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected the 64 hexadecimal digits that `banyan token` prints')
      .optional()
      .describe("The token's SHA-256, for a token that `banyan token` has made: then it is stored nowhere."),
  })
  .refine(({ tokenEnv, tokenSha256 }) => (tokenEnv === undefined) !== (tokenSha256 === undefined), {
    message: 'give tokenEnv or tokenSha256',
  });

const oidc = z.strictObject({
  issuer: safeOrigin.describe('The OpenID provider; asked for its endpoints when somebody signs in, not before.'),
  clientId: z.string().min(1),
  clientSecretEnv: variableName
    .optional()
    .describe(
      "Environment variable with the client's secret; NAME_FILE may name a file instead. Without it the client is public.",
    ),
  scopes: z.array(z.string().regex(/^\S+$/)).default(['openid', 'profile', 'email']),
  nameClaim: z
    .string()
    .min(1)
    .default('email')
    .describe('The claim of the ID token that names the actor in the audit log; where it is missing, sub does.'),
  roleClaim: z
    .string()
    .min(1)
    .default('groups')
    .describe('The claim with what roles follow from: a text or a list of them. A dot goes into an object.'),
  roles: z
    .record(z.string(), role)
    .describe('The role of each of these; of several the highest. Whoever has none of them is not let in.'),
});

const linkTemplate = z
  .string()
  .max(2_000)
  .refine((text) => {
    const url = URL.parse(text.replaceAll('{requestId}', 'x'));
    return text.includes('{requestId}') && (url?.protocol === 'https:' || url?.protocol === 'http:');
  }, 'expected an http or https URL with {requestId} in it');

const links = z.strictObject({
  trace: linkTemplate.optional().describe('Where a request is in your tracing.'),
  log: linkTemplate.optional().describe('Where a request is in your logs.'),
});

const sessions = z.strictObject({
  idleMinutes: z
    .number()
    .int()
    .min(1)
    .max(24 * 60)
    .default(60)
    .describe('A session ends when nothing was asked for so long, and no console is open on it.'),
  hoursMax: z
    .number()
    .int()
    .min(1)
    .max(7 * 24)
    .default(12)
    .describe('A session ends so long after its login in any case.'),
});

export const operator = z
  .strictObject({
    listen: hostPort.describe("Where the operator's API listens."),
    publicUrl: safeOrigin
      .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected an origin without a path')
      .optional()
      .describe('The address by which browsers reach it, where that is not listen: that of a proxy in front.'),
    tls: tls.optional().describe('Terminates TLS on listen.'),
    tokens: z.array(token).default([]).describe('Bearer tokens of the API.'),
    oidc: oidc.optional().describe('Lets people sign in to the console by an OpenID provider.'),
    sessions: sessions.prefault({}),
    links: links
      .prefault({})
      .describe('Where the console leads to from a request: addresses of your own tools, with {requestId} in them.'),
  })
  .superRefine(({ listen, publicUrl, tls, tokens, oidc }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (tokens.length === 0 && !oidc) refuse('tokens', 'nobody could sign in: give a token, or oidc');
    if (isLoopback(hostOf(listen))) return;
    if (!tls && publicUrl === undefined) {
      const ways = 'listen on 127.0.0.1, give operator.tls, or operator.publicUrl with the https address of a proxy';
      refuse('listen', `tokens would cross the network in the clear; ${ways}`);
    }
    if (oidc && publicUrl === undefined) refuse('publicUrl', 'missing; the OpenID provider sends browsers back to it');
  });

export type OperatorConfig = z.output<typeof operator>;
export type OidcConfig = z.output<typeof oidc>;
