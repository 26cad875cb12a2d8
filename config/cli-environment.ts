// What the command line takes from its environment: where the gateway is, and as whom to call it.
import { existsSync } from 'node:fs';
import { readSecret, readSecretFile, type Secret } from './secret.ts';

export const DEFAULT_OPERATOR_URL = 'http://127.0.0.1:8081';
/** Where the sandbox keeps the token it made. */
const SANDBOX_TOKEN_FILE = '.data/operator.token';

export function operatorUrl(): string {
  return process.env.BANYAN_URL || DEFAULT_OPERATOR_URL;
}

/** The operator's token: from the file named, from BANYAN_OPERATOR_TOKEN (or _FILE), or from the sandbox's own file. */
export function operatorToken(file: string | undefined): Secret {
  if (file === undefined && !process.env.BANYAN_OPERATOR_TOKEN && !process.env.BANYAN_OPERATOR_TOKEN_FILE) {
    if (existsSync(SANDBOX_TOKEN_FILE)) return readSecretFile(SANDBOX_TOKEN_FILE);
  }
  return file === undefined ? readSecret('BANYAN_OPERATOR_TOKEN') : readSecretFile(file);
}
