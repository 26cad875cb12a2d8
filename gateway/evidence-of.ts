// The evidence of what this process serves, redacted as the configuration says.
import { randomBytes } from 'node:crypto';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { readSecret } from '../config/secret.ts';
import { createEvidence, type Evidence } from './mirror/evidence.ts';
import { createRedactionBook } from './mirror/redact.ts';
import type { CurrentSettings } from './settings.ts';

const HASH_KEY_BYTES = 32;

/** @throws when the key of the hashes in samples is configured and not there. */
export function evidenceOf(settings: CurrentSettings, now: () => Date): Evidence {
  const { samples } = settings.current.config;
  const redactionFor = createRedactionBook(hashKeyOf(samples));
  return createEvidence(now, {
    sampleDays: samples.days,
    redactionOf: (route) => redactionFor(settings.current.table.byId(route)?.config.redact),
  });
}

function hashKeyOf({ secrets, keyEnv }: GatewayConfig['samples']): Buffer | undefined {
  if (secrets === 'remove') return undefined;
  if (keyEnv === undefined) return randomBytes(HASH_KEY_BYTES);
  const key = readSecret(keyEnv);
  if (!key.ok) throw new Error(`samples.keyEnv: ${key.message}`);
  return Buffer.from(key.value);
}
