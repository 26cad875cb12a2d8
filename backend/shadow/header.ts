// Whether a request's x-banyan-shadow is genuine: its form, its key, its time, its MAC. docs/shadow-header.md is the format,
// and this an implementation of it apart from the gateway's, which is a peer across the network. Pure.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ShadowKeys } from '../../config/shadow-keys.ts';

/** How far a signature's time may be from the clock here, either way, ms. */
export const WINDOW_MS = 30_000;

const FORM =
  /^v1;key=([A-Za-z0-9._-]{1,64});ts=([1-9][0-9]{0,15});nonce=([0-9a-f]{32});route=([a-z0-9][a-z0-9._-]{0,99});mac=([0-9a-f]{64})$/;

/** Why a header is not taken. `not_configured`: there are no keys here to verify with. */
export type Refusal = 'not_configured' | 'malformed' | 'unknown_key' | 'expired' | 'forged';

/** A header's parts, of a known key and a time within the window; the MAC is still to be looked at. */
export type Claimed = {
  readonly secret: string;
  readonly keyId: string;
  readonly timestamp: string;
  readonly timestampMs: number;
  readonly nonce: string;
  readonly routeId: string;
  readonly mac: string;
};

/** The request as it was received: the target's bytes as one character each, the body's after its framing. */
export type Received = { readonly method: string; readonly target: string; readonly body: Uint8Array };

/** What can be said of a header before the body is read. */
export function readHeader(
  value: string,
  keys: ShadowKeys | undefined,
  nowMs: number,
): { readonly ok: true; readonly claimed: Claimed } | { readonly ok: false; readonly refusal: Refusal } {
  if (!keys) return { ok: false, refusal: 'not_configured' };
  const [, keyId = '', timestamp = '', nonce = '', routeId = '', mac = ''] = FORM.exec(value) ?? [];
  if (mac === '') return { ok: false, refusal: 'malformed' };
  const key = keys.find(({ id }) => id === keyId);
  if (!key) return { ok: false, refusal: 'unknown_key' };
  const timestampMs = Number(timestamp);
  if (isExpired({ timestampMs }, nowMs)) return { ok: false, refusal: 'expired' };
  return { ok: true, claimed: { secret: key.secret, keyId, timestamp, timestampMs, nonce, routeId, mac } };
}

/** To be asked again once the body is there: nonces are remembered no longer than this. */
export function isExpired({ timestampMs }: Pick<Claimed, 'timestampMs'>, nowMs: number): boolean {
  return Math.abs(nowMs - timestampMs) > WINDOW_MS;
}

/** Whether the MAC is that of this very request, compared in constant time. */
export function isGenuine(claimed: Claimed, { method, target, body }: Received): boolean {
  const { secret, keyId, timestamp, nonce, routeId, mac } = claimed;
  const digest = createHash('sha256').update(body).digest('hex');
  const signed = ['banyan-shadow-v1', keyId, timestamp, nonce, routeId, method, target, digest].join('\n');
  const expected = createHmac('sha256', secret).update(signed, 'latin1').digest();
  return timingSafeEqual(expected, Buffer.from(mac, 'hex'));
}
