// The targets of notifications with their secrets, which the configuration only names.
import { ConfigError, type ConfigProblem } from './load-gateway.ts';
import { type NotifyConfig, targetUrl } from './notify-schema.ts';
import { readSecret } from './secret.ts';

export interface NotifyTarget extends Pick<NotifyConfig, 'name' | 'kind' | 'severity' | 'events' | 'routes'> {
  /** A secret: who knows it may be able to write there. */
  readonly url: string;
  /** Keys that sign, the newest first; empty for a target that takes no signature. */
  readonly keys: readonly Buffer[];
}

/** One in use, and one that comes or goes. */
const SECRETS_MAX = 2;
/** Standard Webhooks: base64 behind a prefix, of 24 to 64 bytes. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

/** `file` is only what problems name. @throws {ConfigError} naming each that cannot be used; it never holds any part of a secret. */
export function readNotifyTargets(configured: readonly NotifyConfig[], file: string): readonly NotifyTarget[] {
  const problems: ConfigProblem[] = [];
  const targets = configured.map((config, index): NotifyTarget => {
    const refuse = (key: string, message: string) =>
      void problems.push({ file, line: 1, column: 1, at: `notifications[${index}].${key}`, message });
    const { name, kind, severity, events, routes } = config;
    const url = config.url ?? readUrl(config.urlEnv ?? '', (message) => refuse('urlEnv', message));
    const keys = kind === 'webhook' ? readKeys(config.secretEnv, (message) => refuse('secretEnv', message)) : [];
    return { name, kind, severity, events, routes, url, keys };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return targets;
}

function readUrl(variable: string, refuse: (message: string) => void): string {
  const secret = readSecret(variable);
  if (!secret.ok) refuse(secret.message);
  else if (targetUrl.safeParse(secret.value).success) return secret.value;
  else refuse(`${variable} is no URL such as https://hooks.example/banyan, without credentials`);
  return '';
}

function readKeys(variable: string, refuse: (message: string) => void): Buffer[] {
  const secret = readSecret(variable);
  if (!secret.ok) {
    refuse(secret.message);
    return [];
  }
  const keys = secret.value.split(/[\s,]+/).map((text) => Buffer.from(SECRET.exec(text)?.[1] ?? '', 'base64'));
  const isUsable = (key: Buffer) => key.length >= KEY_BYTES_MIN && key.length <= KEY_BYTES_MAX;
  if (!keys.every(isUsable)) {
    refuse(
      `${variable}: expected whsec_ and ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes in base64; make one with: echo "whsec_$(openssl rand -base64 32)"`,
    );
  } else if (keys.length > SECRETS_MAX) refuse(`${variable} has more than ${SECRETS_MAX} secrets`);
  return keys;
}
