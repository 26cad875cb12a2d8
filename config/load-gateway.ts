// Reads the gateway's configuration: the file, and the secrets in the environment that it names. Everything that is
// wrong is reported at once, each with its place and what to do.
import { readFileSync } from 'node:fs';
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { checkDryRuns } from './check-dry-runs.ts';
import { type GatewayConfig, gatewaySchema, otlpEndpoint } from './gateway-schema.ts';
import { checkPlans } from './plan-schema.ts';
import { readSecret } from './secret.ts';
import { readShadowKeys, type ShadowKeys } from './shadow-keys.ts';

/** One thing wrong with the configuration. `line` and `column` count from 1. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document: `routes[2].match.path`. */
  readonly at: string;
  readonly message: string;
}

/** The configuration is unusable; `problems` says everything that is wrong with it. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function formatProblem({ file, line, column, at, message }: ConfigProblem): string {
  return `${file}:${line}:${column}: ${at ? `${at}: ` : ''}${message}`;
}

type Path = readonly (string | number)[];

/** How often one anchor may be repeated: enough for a rule that every route of a large table shares. */
const ALIASES_MAX = 10_000;

/** Reads and checks `file`. @throws {ConfigError} with every problem found. */
export function loadGatewayConfig(file: string): GatewayConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot be read (${(error as Error).message}); name an existing file with --config FILE`;
    throw new ConfigError([{ file, line: 1, column: 1, at: '', message }]);
  }
  return withEnvironment(parseGatewayConfig(text, file), file);
}

/** OpenTelemetry's own variable (OTLP exporter specification) stands in where the file names no collector. */
const OTLP_ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';

function withEnvironment(config: GatewayConfig, file: string): GatewayConfig {
  const given = process.env[OTLP_ENDPOINT]?.trim();
  if (!given || config.tracing.endpoint !== undefined) return config;
  const endpoint = otlpEndpoint.safeParse(given);
  if (endpoint.success) return { ...config, tracing: { ...config.tracing, endpoint: endpoint.data } };
  const message = `the environment variable ${OTLP_ENDPOINT}: ${endpoint.error.issues[0]?.message}; correct or unset it`;
  throw new ConfigError([{ file, line: 1, column: 1, at: 'tracing.endpoint', message }]);
}

/** Checks the text of a configuration; `file` is only what problems name. @throws {ConfigError} */
export function parseGatewayConfig(text: string, file: string): GatewayConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problem = (offset: number, path: Path, message: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), at: printPath(path), message };
  };
  const broken = document.errors.length > 0 ? document.errors.map(syntaxError) : danglingAliases(document);
  if (broken.length > 0) throw new ConfigError(broken.map(({ offset, message }) => problem(offset, [], message)));
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
  } catch (error) {
    throw new ConfigError([problem(0, [], `not valid YAML: ${(error as Error).message}`)]);
  }
  const parsed = gatewaySchema.safeParse(data, { reportInput: true });
  const findings = [
    ...(parsed.error?.issues.flatMap(explain) ?? []),
    ...crossCheck(readableRoutes(data)),
    ...checkDryRuns(data),
    ...checkPlans(data),
  ];
  if (parsed.success && findings.length === 0) return parsed.data;
  const problems = findings.map(({ path, message }) => problem(offsetOf(document, path), path, message));
  throw new ConfigError(problems.sort((a, b) => a.line - b.line || a.column - b.column));
}

interface BrokenYaml {
  readonly offset: number;
  readonly message: string;
}

function syntaxError({ pos, message }: Document['errors'][number]): BrokenYaml {
  return { offset: pos[0], message: `not valid YAML: ${message}` };
}

/** Aliases without an anchor before them, which the parser lets pass. */
function danglingAliases(document: Document): BrokenYaml[] {
  const anchors = new Set<string>();
  const dangling: BrokenYaml[] = [];
  visit(document, {
    Value(_, { anchor }) {
      if (anchor) anchors.add(anchor);
    },
    Alias(_, { source, range }) {
      if (anchors.has(source)) return;
      const message = `not valid YAML: the alias *${source} has no anchor before it; add &${source} or remove the alias`;
      dangling.push({ offset: range?.[0] ?? 0, message });
    },
  });
  return dangling;
}

interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** What one issue of the schema means to the person who wrote the file. */
function explain(issue: z.core.$ZodIssue): Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: 'unknown key; remove it or correct its spelling',
      }));
    case 'invalid_type':
      return [
        {
          path,
          message: issue.input === undefined ? `missing; ${expected(issue.expected)}` : expected(issue.expected),
        },
      ];
    case 'invalid_value':
      return [{ path, message: `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}` }];
    case 'too_small':
      if (issue.origin === 'string') return [{ path, message: 'must not be empty' }];
      return [
        {
          path,
          message: `too small: expected at least ${issue.minimum}${issue.origin === 'array' ? ' member(s)' : ''}`,
        },
      ];
    case 'too_big':
      return [{ path, message: `too big: expected at most ${issue.maximum}` }];
    case 'invalid_format':
      if (issue.format === 'date') return [{ path, message: 'expected a day of the calendar as YYYY-MM-DD' }];
      return [{ path, message: issue.message }];
    default:
      return [{ path, message: issue.message }];
  }
}

function expected(type: string): string {
  const names: Record<string, string> = {
    object: 'a mapping',
    array: 'a list',
    string: 'a text',
    int: 'a whole number',
  };
  return `expected ${names[type] ?? `a ${type}`}`;
}

const { id, match } = gatewaySchema.shape.routes.unwrap().element.shape;
const identifiedRoute = z.object({ id, match });
type IdentifiedRoute = z.output<typeof identifiedRoute>;

/** The routes whose id and match are right in themselves, by their index; so that mistakes elsewhere do not hide their conflicts. */
function readableRoutes(data: unknown): (IdentifiedRoute | undefined)[] {
  const routes = typeof data === 'object' && data !== null && 'routes' in data ? data.routes : undefined;
  return Array.isArray(routes) ? routes.map((route: unknown) => identifiedRoute.safeParse(route).data) : [];
}

/** What no single route shows: ids and matches that collide. */
function crossCheck(routes: readonly (IdentifiedRoute | undefined)[]): Finding[] {
  const findings: Finding[] = [];
  const ids = new Map<string, number>();
  const matches = new Map<string, string>();
  routes.forEach((route, index) => {
    if (!route) return;
    const earlier = ids.get(route.id);
    if (earlier === undefined) ids.set(route.id, index);
    else
      findings.push({ path: ['routes', index, 'id'], message: `already the id of routes[${earlier}]; ids are unique` });
    for (const method of route.match.methods) {
      const key = `${method} ${route.match.path}`;
      const other = matches.get(key);
      if (other !== undefined) {
        findings.push({ path: ['routes', index, 'match'], message: `${key} is already matched by route ${other}` });
      } else matches.set(key, route.id);
    }
  });
  return findings;
}

/** The offset of the node at `path`, or of its nearest existing parent when something is missing. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) as Node | undefined;
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last);
      if (pair && isScalar(pair.key) && pair.key.range) {
        const value = pair.value as Node | null;
        return length === path.length && value?.range && isScalar(value) ? value.range[0] : pair.key.range[0];
      }
    } else {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return node.range[0];
    }
  }
  return document.contents?.range?.[0] ?? 0;
}

function printPath(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : `${part}`),
    '',
  );
}

/** The secrets of `operator`, by the name of their variable. @throws {ConfigError} naming each that is not set. */
export function readOperatorSecrets({ operator }: GatewayConfig, file: string): Map<string, string> {
  const named = operator.tokens.map(({ tokenEnv }, index) => [`tokens[${index}].tokenEnv`, tokenEnv] as const);
  const problems: ConfigProblem[] = [];
  const secrets = new Map<string, string>();
  for (const [at, name] of [...named, ['oidc.clientSecretEnv', operator.oidc?.clientSecretEnv] as const]) {
    if (name === undefined) continue;
    const secret = readSecret(name);
    if (secret.ok) secrets.set(name, secret.value);
    else problems.push({ file, line: 1, column: 1, at: `operator.${at}`, message: secret.message });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return secrets;
}

/** The keys that sign copies of writes; undefined when none are named. @throws {ConfigError} when they cannot be used. */
export function readSigningKeys({ shadowKeysEnv }: GatewayConfig, file: string): ShadowKeys | undefined {
  if (shadowKeysEnv === undefined) return undefined;
  const keys = readShadowKeys(shadowKeysEnv);
  if (keys.ok) return keys.value;
  throw new ConfigError([{ file, line: 1, column: 1, at: 'shadowKeysEnv', message: keys.message }]);
}
