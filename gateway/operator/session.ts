// The API of sessions: signing in by a token or at an OpenID provider, signing out, and who calls.
import { Hono } from 'hono';
import { type Access, unauthorised } from './access/access.ts';
import type { Caller, Credential } from './access/caller.ts';
import { clearCookie, readCookie, writeCookie } from './access/cookies.ts';
import { isForeign, ownOrigin } from './access/origin.ts';
import type { Session } from './access/sessions.ts';
import { type OperatorContext, type OperatorDeps, type OperatorEnv, Refusal, readBody, readQuery } from './context.ts';
import { loginBody, loginQuery, type SessionAnswer } from './contract/session.ts';

export function sessionApi(deps: OperatorDeps, access: Access): Hono<OperatorEnv> {
  const { operators, sessions, oidc } = access;
  const reached = () => operators.config;

  function answer(caller: Caller | undefined, session: Session | undefined): SessionAnswer {
    const { tokens, oidc: provider, links } = operators.config;
    // Addresses of inner tools are for operators only.
    const { trace = null, log = null } = caller ? links : {};
    return {
      environment: deps.settings.current.config.environment,
      caller: caller ?? null,
      session: session ? { endsAt: isoOf(session.endsMs), idleEndsAt: isoOf(session.idleEndsMs) } : null,
      login: { token: tokens.length > 0, oidc: provider !== undefined },
      links: { trace, log },
    };
  }

  /** Begins a session in the place of one that the browser may have. */
  function start(c: OperatorContext, credential: Credential): Session {
    const before = readCookie(c, 'session', reached());
    if (before !== undefined) sessions.end(before);
    const secret = sessions.start(credential);
    const session = sessions.find(secret);
    if (!session)
      throw new Refusal(403, 'you have signed in, but none of your roles is one that operator.oidc.roles names');
    writeCookie(c, 'session', secret, reached());
    deps.log.info({ name: session.caller.name, role: session.caller.role, by: credential.kind }, 'signed in');
    return session;
  }

  const callback = (c: OperatorContext) => new URL('/api/session/callback', ownOrigin(c, reached())).href;

  return new Hono<OperatorEnv>()
    .get('/', (c) => c.json(answer(c.get('caller'), c.get('session'))))
    .post('/', async (c) => {
      refuseForeignPage(c, reached());
      const { token } = await readBody(c, loginBody);
      const { digest } = await access.login(c, token);
      const session = start(c, { kind: 'token', digest });
      return c.json(answer(session.caller, session));
    })
    .delete('/', (c) => {
      const session = c.get('session');
      if (session) sessions.end(session.secret);
      clearCookie(c, 'session', reached());
      return c.body(null, 204);
    })
    .get('/login', async (c) => {
      const { next } = readQuery(c, loginQuery);
      const { location, secret } = await oidc.begin(callback(c), next);
      writeCookie(c, 'login', secret, reached());
      return c.redirect(location, 302);
    })
    .get('/callback', async (c) => {
      const secret = readCookie(c, 'login', reached());
      if (secret === undefined) throw unauthorised('this login was not begun in this browser; sign in again');
      const { credential, next } = await oidc.finish(secret, new URL(c.req.url));
      clearCookie(c, 'login', reached());
      start(c, credential);
      return c.html(onwards(next));
    });
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** A page of another origin must not sign its visitor in as somebody else. Who is no browser has no origin, and no visitor. */
function refuseForeignPage(c: OperatorContext, reached: Parameters<typeof isForeign>[1]): void {
  const isPage = c.req.header('origin') !== undefined || c.req.header('sec-fetch-site') !== undefined;
  if (isPage && isForeign(c, reached)) throw new Refusal(403, 'sign in from the pages of this origin');
}

/** A redirection would still be the provider's doing, and leave the session's cookie behind, which is strict; a page's is ours. */
function onwards(next: string): string {
  const escaped = next.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const refresh = `<meta http-equiv="refresh" content="0; url=${escaped}">`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Banyan</title>${refresh}</head><body><p><a href="${escaped}">You have signed in.</a></p></body></html>`;
}
