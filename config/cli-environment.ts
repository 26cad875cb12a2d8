// What the command line takes from its environment: where the gateway is, and as whom to call it.
import { existsSync, readFileSync } from 'node:fs';
import { readSecret, type Secret } from './secret.ts';

export const DEFAULT_OPERATOR_URL = 'http://127.0.0.1:8081';
/** Where the sandbox keeps the token it made. */
const SANDBOX_TOKEN_FILE = '.data/operator.token';

export function operatorUrl(): string {
  return process.env.BANYAN_URL || DEFAULT_OPERATOR_URL;
}

/** The operator's token: from the file named, from BANYAN_OPERATOR_TOKEN (or _FILE), or from the sandbox's own file. */
export function operatorToken(file: string | undefined): Secret {
  if (file === undefined && !process.env.BANYAN_OPERATOR_TOKEN && !process.env.BANYAN_OPERATOR_TOKEN_FILE) {
    if (existsSync(SANDBOX_TOKEN_FILE)) return readTokenFile(SANDBOX_TOKEN_FILE);
  }
  return file === undefined ? readSecret('BANYAN_OPERATOR_TOKEN') : readTokenFile(file);
}

function readTokenFile(file: string): Secret {
  try {
    return { ok: true, value: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    return { ok: false, message: `the token file cannot be read: ${(error as Error).message}` };
  }
}
