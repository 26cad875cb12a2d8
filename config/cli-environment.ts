// What the command line takes from its environment: where the gateway is, and as whom to call it.
import { existsSync } from 'node:fs';
import { readContexts } from './cli-contexts.ts';
import { readSecret, readSecretFile, type Secret } from './secret.ts';

export const DEFAULT_OPERATOR_URL = 'http://127.0.0.1:8081';
/** Where the sandbox keeps the token it made. */
const SANDBOX_TOKEN_FILE = '.data/operator.token';

export interface TargetOptions {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly context?: string | undefined;
}

export interface Target {
  readonly url: string;
  readonly token: Secret;
  /** Where the address came from, for whoever wonders. */
  readonly from: string;
}

/**
 * The gateway that is meant, and the token for it: what is named on the command line, else in the environment, else the
 * context in use. A context's token goes to its own address alone. @throws {ContextsError}
 */
export function operatorTarget({ url, tokenFile, context }: TargetOptions): Target {
  const own = url === undefined && (context !== undefined || !process.env.BANYAN_URL) ? contextOf(context) : undefined;
  if (own)
    return { url: own.url, token: tokenFile === undefined ? own.token : readSecretFile(tokenFile), from: own.from };
  const token = operatorToken(tokenFile);
  if (url !== undefined) return { url, token, from: '--url' };
  if (process.env.BANYAN_URL) return { url: process.env.BANYAN_URL, token, from: 'BANYAN_URL' };
  return { url: DEFAULT_OPERATOR_URL, token, from: 'the default' };
}

/** The context of this name, or the one in use; undefined where none is. */
function contextOf(name: string | undefined): Target | undefined {
  const { current, contexts } = readContexts();
  const wanted = name ?? current;
  if (wanted === undefined) return undefined;
  const found = Object.hasOwn(contexts, wanted) ? contexts[wanted] : undefined;
  const from = `context ${wanted}`;
  if (!found) {
    const message = `there is no context ${wanted}; banyan context list has those there are`;
    return { url: DEFAULT_OPERATOR_URL, token: { ok: false, message }, from };
  }
  if (found.token !== undefined) return { url: found.url, token: { ok: true, value: found.token }, from };
  return { url: found.url, token: operatorToken(found.tokenFile), from };
}

/** The operator's token: from the file named, from BANYAN_OPERATOR_TOKEN (or _FILE), or from the sandbox's own file. */
function operatorToken(file: string | undefined): Secret {
  if (file === undefined && !process.env.BANYAN_OPERATOR_TOKEN && !process.env.BANYAN_OPERATOR_TOKEN_FILE) {
    if (existsSync(SANDBOX_TOKEN_FILE)) return readSecretFile(SANDBOX_TOKEN_FILE);
  }
  return file === undefined ? readSecret('BANYAN_OPERATOR_TOKEN') : readSecretFile(file);
}

/** Whether the terminal says that it knows no cursor and no colours. */
export const isDumbTerminal = (): boolean => process.env.TERM === 'dumb';
