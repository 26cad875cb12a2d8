// Secrets come from the environment, or from a file that NAME_FILE names (the convention of Docker and Kubernetes).
import { readFileSync } from 'node:fs';

export type Secret = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string };

/** Reads the secret called `name`. The message of a failure never holds any part of the secret. */
export function readSecret(name: string): Secret {
  const file = process.env[`${name}_FILE`];
  if (file) {
    try {
      const value = readFileSync(file, 'utf8').trim();
      return value ? { ok: true, value } : { ok: false, message: `${name}_FILE names ${file}, which is empty` };
    } catch (error) {
      return { ok: false, message: `${name}_FILE cannot be read: ${(error as Error).message}` };
    }
  }
  const value = process.env[name]?.trim();
  if (value) return { ok: true, value };
  return { ok: false, message: `the environment variable ${name} is not set; set it, or ${name}_FILE to a file` };
}
