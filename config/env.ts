// Reading an environment: one zod schema per process, every problem reported at once, secrets from files.
import type { z } from 'zod';
import { readSecretFile } from './secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing wrong with the environment, in the operator's terms. The value itself is never part of it: it may be a secret. */
export type EnvProblem = { readonly variable: string; readonly problem: string; readonly remedy: string };

export type EnvResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly EnvProblem[] };

/**
 * Replaces `NAME_FILE` by `NAME` with the file's content for each of `names` (the convention of Docker and Kubernetes
 * secrets). Giving both is a problem, since nobody could tell which one holds.
 */
function withSecretFiles(env: Environment, names: readonly string[]): { env: Environment; problems: EnvProblem[] } {
  const resolved: Record<string, string | undefined> = { ...env };
  const problems: EnvProblem[] = [];
  for (const name of names) {
    const variable = `${name}_FILE`;
    const path = env[variable];
    if (!path) continue;
    if (env[name]) {
      problems.push({ variable, problem: `${name} is set too`, remedy: `unset ${name} or ${variable}` });
      continue;
    }
    const secret = readSecretFile(path);
    if (secret.ok) resolved[name] = secret.value;
    else problems.push({ variable, problem: secret.message, remedy: 'name a readable file with the secret' });
  }
  return { env: resolved, problems };
}

/** An empty string means "not set", as a compose file's `NAME=` does. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

/**
 * Parses `env` by `schema`. Each field's `.describe()` is its remedy, printed when the field is wrong.
 * `secrets` are the variables that may come as `NAME_FILE` instead.
 */
export function parseEnv<Schema extends z.ZodObject>(
  schema: Schema,
  env: Environment,
  secrets: readonly (keyof z.infer<Schema> & string)[] = [],
): EnvResult<z.infer<Schema>> {
  const files = withSecretFiles(env, secrets);
  const parsed = schema.safeParse(withoutEmpty(files.env));
  const problems = [...files.problems];
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const variable = String(issue.path[0] ?? '(environment)');
      if (problems.some((known) => known.variable === `${variable}_FILE`)) continue; // One cause, one report.
      const missing = files.env[variable] === undefined || files.env[variable] === '';
      const remedy = schema.shape[variable]?.meta()?.description ?? 'see the documentation of this variable';
      problems.push({ variable, problem: missing ? 'is not set' : issue.message, remedy });
    }
  }
  return parsed.success && problems.length === 0 ? { ok: true, value: parsed.data } : { ok: false, problems };
}

/** The problems as text for stderr: one line each, what and then what to do. */
export function renderEnvProblems(process: string, problems: readonly EnvProblem[]): string {
  const lines = problems.map(({ variable, problem, remedy }) => `  ${variable}: ${problem}; ${remedy}`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return `${process}: ${count} in the environment\n${lines.join('\n')}\n`;
}
