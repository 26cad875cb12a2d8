// The cookies of the operator's port: a session's, and that of a login under way at an OpenID provider.
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { OperatorContext } from '../context.ts';
import { LOGIN_MS } from './oidc.ts';
import { isSecure, type Reached } from './origin.ts';

/** Lax for the login: the provider sends the browser back from its own site, and a strict cookie would stay behind. */
const COOKIES = {
  session: { name: 'banyan-session', sameSite: 'Strict', maxAge: undefined },
  login: { name: 'banyan-login', sameSite: 'Lax', maxAge: LOGIN_MS / 1_000 },
} as const;

export type CookieName = keyof typeof COOKIES;

export function readCookie(c: OperatorContext, which: CookieName, reached: Reached): string | undefined {
  const { name } = COOKIES[which];
  return isSecure(reached) ? getCookie(c, name, 'host') : getCookie(c, name);
}

/** With TLS the name says that no other host can have set it (`__Host-`, RFC 6265bis section 4.1.3.2). */
export function writeCookie(c: OperatorContext, which: CookieName, value: string, reached: Reached): void {
  const { name, sameSite, maxAge } = COOKIES[which];
  const age = maxAge === undefined ? {} : { maxAge };
  const options = { path: '/', httpOnly: true, sameSite, ...age };
  if (isSecure(reached)) setCookie(c, name, value, { ...options, secure: true, prefix: 'host' });
  else setCookie(c, name, value, options);
}

export function clearCookie(c: OperatorContext, which: CookieName, reached: Reached): void {
  const { name } = COOKIES[which];
  const secure = isSecure(reached);
  deleteCookie(c, name, { path: '/', secure, ...(secure ? { prefix: 'host' } : {}) });
}
