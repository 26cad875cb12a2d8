// Keys of HMACs that the gateway's configuration names: of testers' pins, of data jobs' certificates.
import type { GatewayConfig } from './gateway-schema.ts';
import { ConfigError } from './load-gateway.ts';
import { readSecret } from './secret.ts';

/** As many as an HMAC of SHA-256 has bytes: a shorter key could be guessed sooner (RFC 2104 section 3). */
const KEY_CHARS_MIN = 32;

/** Undefined where no pins are configured. `file` is only what problems name. @throws {ConfigError} when it cannot be used. */
export function readPinKey({ pins }: Pick<GatewayConfig, 'pins'>, file: string): string | undefined {
  return pins && readKey(pins.keyEnv, 'pins.keyEnv', file);
}

/** Undefined where signatures are not asked for. Otherwise as `readPinKey`. */
export function readCertificatesKey(
  { certificatesKeyEnv }: Pick<GatewayConfig, 'certificatesKeyEnv'>,
  file: string,
): string | undefined {
  return certificatesKeyEnv && readKey(certificatesKeyEnv, 'certificatesKeyEnv', file);
}

function readKey(name: string, at: string, file: string): string {
  const secret = readSecret(name);
  if (secret.ok && secret.value.length >= KEY_CHARS_MIN) return secret.value;
  const message = secret.ok
    ? `${name} has fewer than ${KEY_CHARS_MIN} characters; make a key with: openssl rand -hex 32`
    : secret.message;
  throw new ConfigError([{ file, line: 1, column: 1, at, message }]);
}
