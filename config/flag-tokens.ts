// The tokens of an Unleash server, as the configuration names them.

import type { UnleashConfig } from './flags-schema.ts';
import { ConfigError } from './load-gateway.ts';
import { readSecret } from './secret.ts';

export interface FlagTokens {
  readonly client: string;
  /** Undefined where flags are moved in Unleash only. */
  readonly admin: string | undefined;
}

/** Unleash's own form of a token: PROJECT:ENVIRONMENT.SECRET. */
const TOKEN_FORM = /^[^:]+:([^.]+)\..+$/;

/** Reads the tokens. `file` is only what problems name. @throws {ConfigError} naming each that cannot be used. */
export function readFlagTokens(config: UnleashConfig, file: string): FlagTokens {
  const problems: { key: string; message: string }[] = [];
  const read = (key: 'tokenEnv' | 'adminTokenEnv', name: string): string => {
    const secret = readSecret(name);
    if (secret.ok && !/[^\x21-\x7e]/.test(secret.value)) return secret.value;
    problems.push({ key, message: secret.ok ? `${name}: a token has neither spaces nor line ends` : secret.message });
    return '';
  };
  const client = read('tokenEnv', config.tokenEnv);
  const admin = config.adminTokenEnv === undefined ? undefined : read('adminTokenEnv', config.adminTokenEnv);
  const environment = TOKEN_FORM.exec(client)?.[1];
  if (environment !== undefined && environment !== config.environment) {
    const message = `${config.tokenEnv} is a token of the environment ${environment}, not of ${config.environment}; use that one's client token`;
    problems.push({ key: 'tokenEnv', message });
  }
  if (problems.length === 0) return { client, admin };
  throw new ConfigError(
    problems.map(({ key, message }) => ({ file, line: 1, column: 1, at: `flags.${key}`, message })),
  );
}
