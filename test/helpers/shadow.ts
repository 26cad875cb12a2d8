import type { ShadowKeys } from '../../config/shadow-keys.ts';
import { type SignedWrite, shadowHeader } from '../../gateway/mirror/dry-run.ts';

export const SHADOW_KEYS: ShadowKeys = [{ id: 'k1', secret: 'the-first-secret-of-tests-0123456789' }];
export const OTHER_KEYS: ShadowKeys = [{ id: 'k2', secret: 'the-second-secret-of-tests-987654321' }];

let serial = 0;

/** A header for a write, signed as the gateway signs; each with a nonce of its own. */
export function signed(
  write: { method: string; target: string; body?: string; routeId?: string },
  { nowMs, keys = SHADOW_KEYS }: { nowMs: number; keys?: ShadowKeys },
): { 'x-banyan-shadow': string } {
  serial += 1;
  const { method, target, body = '', routeId = 'trade.order.create' } = write;
  const copy: SignedWrite = { routeId, method, target, body: Buffer.from(body) };
  const moment = { timestampMs: nowMs, nonce: serial.toString(16).padStart(32, '0') };
  return { 'x-banyan-shadow': shadowHeader(keys, copy, moment) };
}
