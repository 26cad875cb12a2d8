// What the commands about rules for comparing do: list, make after a preview, remove, export.
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { isRuleKind, parseCompare, RULE_KINDS, type RuleKind, takesValue } from '../../config/compare-rules.ts';
import type { Output, Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { CommandError, EXIT } from './exit.ts';
import { type ExportedRoute, exportYaml } from './rules-export.ts';
import { forPeople, type Text, table } from './table.ts';

export const ruleSchema = z.looseObject({
  id: z.string(),
  route: z.string(),
  kind: z.string(),
  source: z.enum(['config', 'operator']),
  rule: z.record(z.string(), z.unknown()),
  reason: z.string(),
  owner: z.string(),
  expires: z.string().nullable(),
  permanent: z.string().nullable(),
  createdBy: z.string().nullable(),
  createdAt: z.string().nullable(),
  state: z.string(),
});

const listedRule = ruleSchema.extend({ covers: z.number().nullable() });
const listSchema = z.looseObject({ rules: z.array(listedRule) });

const previewSchema = z.looseObject({
  basis: z.enum(['counted', 'samples']),
  hidden: z.number(),
  of: z.number(),
  differences: z.array(z.looseObject({ path: z.string(), kind: z.string(), count: z.number(), critical: z.boolean() })),
  samples: z.object({ of: z.number(), judged: z.number(), wouldMatch: z.number() }),
  warnings: z.array(z.string()),
});
type PreviewView = z.output<typeof previewSchema>;

const changedSchema = z.looseObject({ id: z.string(), route: z.string() });

const listPath = (route: string | undefined) =>
  route === undefined ? '/api/rules' : `/api/rules?${new URLSearchParams({ route })}`;

export async function listRules(api: ApiClient, route: string | undefined): Promise<Result> {
  const { body } = await api.get(listPath(route));
  const rows = listSchema
    .parse(body)
    .rules.map((rule) => [
      rule.id,
      rule.route,
      rule.kind,
      fieldsText(rule.rule),
      rule.state,
      rule.expires ?? '-',
      rule.owner,
      rule.source,
      rule.covers === null ? '-' : String(rule.covers),
      rule.reason,
    ]);
  const header = ['ID', 'ROUTE', 'KIND', 'RULE', 'STATE', 'EXPIRES', 'OWNER', 'FROM', 'COVERS', 'REASON'];
  return { json: body, text: table(header, rows, 'no rules') };
}

/** A rule's own fields: its path, then the others as they are given to `rules add`. */
function fieldsText({ path, status, ...fields }: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const others = Object.entries({ ...fields, status }).filter(([, value]) => value !== undefined);
  return [text(path ?? ''), ...others.map(([name, value]) => `${name}=${text(value)}`)].join(' ');
}

export interface NewRule {
  readonly route: string;
  readonly kind: string;
  readonly path: string;
  /** `name=value` for the other fields of the kind. */
  readonly fields: readonly string[];
  readonly reason: string;
  readonly owner: string;
  readonly expires?: string | undefined;
  readonly permanent?: string | undefined;
}

export interface AddOptions {
  /** Makes it without asking. */
  readonly yes: boolean;
  /** Only says what it would do. */
  readonly dryRun: boolean;
}

/** Makes a rule, once somebody has seen what it hides and agreed. */
export async function addRule(
  api: ApiClient,
  { kind, fields, ...rest }: NewRule,
  { yes, dryRun }: AddOptions,
  { err, ask }: Pick<Output, 'err' | 'ask'>,
): Promise<Result> {
  if (!isRuleKind(kind)) {
    throw new CommandError(EXIT.usage, `there is no kind ${kind}; it is one of ${RULE_KINDS.join(', ')}`);
  }
  const request = { ...rest, kind, ...Object.fromEntries(fields.map((field) => readField(kind, field))) };
  const previewed = await api.send('POST', '/api/rules/preview', request);
  const preview = previewSchema.parse(previewed.body);
  const text = previewText(`${kind} ${rest.path}`, preview);
  const notes = preview.warnings.map((warning) => `warning: ${warning}`);
  if (dryRun) return { json: { preview: previewed.body, rule: null }, text, notes };
  err([forPeople(text), ...notes].join('\n'));
  if (!yes) {
    if (!ask) throw new CommandError(EXIT.usage, 'there is no terminal to ask at; add --yes to make the rule');
    const agreed = await ask(`Make this rule for ${rest.route}?`);
    if (!agreed) throw new CommandError(EXIT.error, 'the rule was not made');
  }
  const { body } = await api.send('POST', '/api/rules', request, previewed.etag);
  const { id, route } = changedSchema.parse(body);
  return { json: { preview: previewed.body, rule: body }, text: `${id}: in force for ${route} from now on` };
}

/** One field of a kind, as YAML would read its value, or as the text itself where the kind wants one. */
function readField(kind: RuleKind, field: string): [name: string, value: unknown] {
  const [, name, text] = /^([A-Za-z]\w*)=(.*)$/s.exec(field) ?? [];
  if (name === undefined || text === undefined) {
    throw new CommandError(EXIT.usage, `expected NAME=VALUE, such as as=number, instead of ${field}`);
  }
  const value = yamlValue(text);
  // A number of YAML is a floating-point one: the text is kept where the kind takes a number as text too.
  const isText = !takesValue(kind, name, value) || (typeof value === 'number' && takesValue(kind, name, text));
  return [name, isText ? text : value];
}

function yamlValue(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    return text;
  }
}

function previewText(rule: string, { basis, hidden, of, differences, samples }: PreviewView): Text {
  const reach =
    basis === 'counted'
      ? `${rule} hides ${hidden} of ${of} differences`
      : `${rule}: of ${samples.judged} samples that could be judged again, ${samples.wouldMatch} would match; it hides ${hidden} of their ${of} differences`;
  const rows = differences.map(({ path, kind, count, critical }) => [
    path,
    kind,
    String(count),
    critical ? 'critical' : '',
  ]);
  return rows.length === 0 ? reach : [reach, table(['PATH', 'KIND', 'COUNT', ''], rows)];
}

export async function removeRule(api: ApiClient, id: string, reason: string): Promise<Result> {
  const { etag } = await api.get('/api/rules');
  const { body } = await api.send('DELETE', `/api/rules/${encodeURIComponent(id)}`, { reason }, etag);
  const { route } = changedSchema.parse(body);
  return { json: body, text: `${id}: removed; what it covered on ${route} counts again` };
}

const routeSettings = z.looseObject({ settings: z.looseObject({ compare: z.unknown() }) });

/** The rules in force, as the configuration would have them: of one route, or of all that operators have made rules for. */
export async function exportRules(api: ApiClient, only: string | undefined): Promise<Result> {
  const { rules } = listSchema.parse((await api.get(listPath(only))).body);
  const made = rules.filter(
    ({ source, state }) => source === 'operator' && state !== 'unknown_route' && state !== 'unreadable',
  );
  const ids = only === undefined ? [...new Set(made.map(({ route }) => route))] : [only];
  const routes: ExportedRoute[] = [];
  for (const id of ids.sort()) {
    const { body } = await api.get(`/api/routes/${encodeURIComponent(id)}`);
    const compare = parseCompare(routeSettings.parse(body).settings.compare);
    routes.push({ id, compare, made: made.filter(({ route }) => route === id) });
  }
  const text = routes.length > 0 ? exportYaml(routes) : '# No operator has made a rule.';
  return { json: { routes: routes.map(({ id, compare }) => ({ id, compare })) }, text };
}
