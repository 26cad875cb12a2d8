// Secrets come from the environment, or from a file that NAME_FILE names (the convention of Docker and Kubernetes).
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The name by which a configuration means a secret. */
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable');

export type Secret = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string };

const SECRET_BYTES_MAX = 65_536;

/** Reads a secret's file; `-` is stdin. The message of a failure never holds any part of the secret. */
export function readSecretFile(file: string): Secret {
  try {
    const value = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
    if (value === '') return { ok: false, message: `${file} is empty` };
    if (value.length > SECRET_BYTES_MAX) return { ok: false, message: `${file} is too large to be a secret` };
    return { ok: true, value };
  } catch (error) {
    return { ok: false, message: `cannot be read: ${(error as Error).message}` };
  }
}

/** Reads the secret called `name` from the environment or from the file that NAME_FILE names. */
export function readSecret(name: string): Secret {
  const file = process.env[`${name}_FILE`];
  if (file) {
    const secret = readSecretFile(file);
    return secret.ok ? secret : { ok: false, message: `${name}_FILE: ${secret.message}` };
  }
  const value = process.env[name]?.trim();
  if (value) return { ok: true, value };
  return { ok: false, message: `the environment variable ${name} is not set; set it, or ${name}_FILE to a file` };
}
