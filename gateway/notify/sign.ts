// The signature of a webhook as Standard Webhooks 1.0 says (github.com/standard-webhooks/standard-webhooks). Pure.
import { createHmac } from 'node:crypto';

export interface Signed {
  /** The message's own id, the same for every attempt. */
  readonly id: string;
  readonly body: string;
}

/** The fields that a receiver verifies: one signature for each key, so that keys can be changed without a gap. */
export function signatureFields({ id, body }: Signed, keys: readonly Buffer[], nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
