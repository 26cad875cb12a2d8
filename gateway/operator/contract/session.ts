// Who calls, and how people sign in.
import { z } from 'zod';
import { OPERATOR_ROLES } from '../../../config/operator-schema.ts';
import { instant, named } from './named.ts';

export const session = named(
  'Session',
  z.strictObject({
    environment: z.string(),
    caller: z
      .strictObject({ name: z.string(), role: z.enum(OPERATOR_ROLES) })
      .nullable()
      .describe('Null for whoever has shown neither a token nor a session.'),
    session: z
      .strictObject({ endsAt: instant, idleEndsAt: instant })
      .nullable()
      .describe('Null for a bearer token, which has no session.'),
    login: z
      .strictObject({ token: z.boolean(), oidc: z.boolean() })
      .describe('The ways to sign in: POST a token, or go to /api/session/login.'),
    links: z
      .strictObject({ trace: z.string().nullable(), log: z.string().nullable() })
      .describe('Where to look a request up, with {requestId} in its place; null for whoever is not signed in.'),
  }),
);
export type SessionAnswer = z.output<typeof session>;

export const loginBody = named('Login', z.strictObject({ token: z.string().min(1).max(8_192) }));
/** A way on this origin, which no browser takes for another's: neither `//host` nor `/\host`. */
export const loginQuery = z.strictObject({
  next: z
    .string()
    .regex(/^\/(?![/\\])[^\s\\]*$/, 'expected a path of this origin')
    .max(2_048)
    .default('/')
    .describe('Where to go afterwards.'),
});
