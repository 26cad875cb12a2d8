// Pins: a tester's own side. Signed, so that nobody else can choose one, and not for ever.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { headerValue, PIN_COOKIE } from '../proxy/headers.ts';
import type { Decision } from './decide.ts';
import { cookieValue } from './identity.ts';
import { otherSide, type Side } from './side.ts';

/** What a client sends a pin in, or the cookie PIN_COOKIE. Neither gets past the edge (proxy/headers.ts). */
export const PIN_HEADER = 'x-banyan-pin';
/** The route of a pin for all of them. */
export const PIN_ALL_ROUTES = '*';

export interface Pin {
  readonly side: Side;
  /** A route's id, or PIN_ALL_ROUTES. */
  readonly route: string;
  readonly expiresAtMs: number;
}

const PIN = /^(v1\.(legacy|new)\.(\d{1,12})\.([A-Za-z0-9_-]{1,400}))\.([A-Za-z0-9_-]{43})$/;

/** A pin as a client sends it: `v1.SIDE.EXPIRES.ROUTE.MAC`, the time in seconds, the route and the MAC in base64url. */
export function signPin(key: string, { side, route, expiresAtMs }: Pin): string {
  const signed = `v1.${side}.${Math.floor(expiresAtMs / 1_000)}.${Buffer.from(route).toString('base64url')}`;
  return `${signed}.${macOf(key, signed).toString('base64url')}`;
}

/** Undefined for one that is not signed with the key, or has expired. */
export function readPin(key: string, text: string, nowMs: number): Pin | undefined {
  const [, signed = '', side, expires, route = '', mac = ''] = PIN.exec(text) ?? [];
  if (signed === '' || !timingSafeEqual(macOf(key, signed), Buffer.from(mac, 'base64url'))) return undefined;
  const expiresAtMs = Number(expires) * 1_000;
  if (expiresAtMs <= nowMs) return undefined;
  return { side: side === 'new' ? 'new' : 'legacy', route: Buffer.from(route, 'base64url').toString(), expiresAtMs };
}

/** The side to which a request with these fields is pinned on a route. */
export type PinReader = (pairs: readonly string[], routeId: string) => Side | undefined;

/** Undefined without a key: then nothing is pinned, and no request is looked at for it. */
export function compilePins(key: string | undefined, nowMs: () => number = Date.now): PinReader | undefined {
  if (key === undefined) return undefined;
  return (pairs, routeId) => {
    const text = headerValue(pairs, PIN_HEADER) ?? cookieValue(headerValue(pairs, 'cookie'), PIN_COOKIE);
    const pin = text === undefined ? undefined : readPin(key, text, nowMs());
    return pin && (pin.route === routeId || pin.route === PIN_ALL_ROUTES) ? pin.side : undefined;
  };
}

/** A decision where a pin counts: over the flags, and under every override. The mirror's flag goes on to say who is copied. */
export function withPin(decision: Decision, pinned: Side | undefined): Decision {
  const { reason, shadow } = decision;
  if (pinned === undefined || reason === 'override-all' || reason === 'override-route') return decision;
  return { side: pinned, shadow: shadow && otherSide(pinned), reason: 'pin' };
}

function macOf(key: string, signed: string): Buffer {
  return createHmac('sha256', key).update(`banyan-pin\n${signed}`).digest();
}
