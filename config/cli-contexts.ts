// The gateways that the command line knows by name, in a file of the user's own (XDG Base Directory specification). It may
// hold tokens, so nobody else may read it.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const context = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** The token itself, or the file that has it. */
  token: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional(),
});
const contexts = z.strictObject({ current: z.string().optional(), contexts: z.record(z.string(), context) });

export type CliContext = z.output<typeof context>;
export type CliContexts = z.output<typeof contexts>;

/** The file cannot be used; the message says why and what to do. */
export class ContextsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContextsError';
  }
}

export function contextsFile(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'banyan', 'contexts.json');
}

/** @throws {ContextsError} */
export function readContexts(file = contextsFile()): CliContexts {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} };
    throw new ContextsError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  // On Windows modes say nothing; the folder is the user's own there.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new ContextsError(`${file} can be read by others, and may hold tokens: chmod 600 ${file}`);
  }
  try {
    return contexts.parse(JSON.parse(text));
  } catch (error) {
    throw new ContextsError(`${file} is not what \`banyan context\` writes; correct or remove it`, { cause: error });
  }
}

/** Replaces the file as a whole. */
export function writeContexts(written: CliContexts, file = contextsFile()): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(written, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
