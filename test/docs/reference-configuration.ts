// Every key of the gateway's configuration file, and every variable of the backend and of data jobs.
import { z } from 'zod';
import { backendVariables } from '../../config/backend.ts';
import { gatewaySchema } from '../../config/gateway-schema.ts';
import { migrationVariables } from '../../config/migration.ts';
import { table } from './reference-table.ts';

/** As much of JSON Schema as describes a key. */
interface Node {
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly properties?: Readonly<Record<string, Node>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Node | undefined;
  readonly anyOf?: readonly Node[] | undefined;
  readonly oneOf?: readonly Node[] | undefined;
  readonly additionalProperties?: Node | boolean | undefined;
}

const node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    properties: z.record(z.string(), node).optional(),
    required: z.array(z.string()).optional(),
    items: node.optional(),
    anyOf: z.array(node).optional(),
    oneOf: z.array(node).optional(),
    additionalProperties: z.union([z.boolean(), node]).optional(),
  }),
);

const schemaOf = (schema: z.ZodType) =>
  node.parse(z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' }));

export function configurationPage(): string {
  return [
    "## The gateway's file\n\n`[]` stands for each member of a list, `*` for each name. `banyan check` tells what is wrong with a file.",
    table(['key', 'type', 'default', 'what it is'], keysOf(schemaOf(gatewaySchema), '')),
    "## The new backend's environment\n\nSecrets may be in a file that `NAME_FILE` names.",
    variables(backendVariables),
    '## The environment of data jobs',
    variables(migrationVariables),
  ].join('\n\n');
}

function variables(schema: z.ZodType): string {
  const { properties = {}, required = [] } = schemaOf(schema);
  const rows = Object.entries(properties).map(([name, { default: value, description = '' }]) => [
    `\`${name}\``,
    required.includes(name) ? 'required' : value === undefined ? '' : `\`${String(value)}\``,
    description,
  ]);
  return table(['variable', 'default', 'what to give'], rows);
}

function keysOf(schema: Node, path: string, seen: ReadonlySet<string> = new Set()): string[][] {
  const rows: string[][] = [];
  const known = new Set(seen);
  for (const choice of [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    for (const [name, child] of Object.entries(choice.properties ?? {})) {
      const key = path === '' ? name : `${path}.${name}`;
      if (known.has(key)) continue; // Another choice has it too.
      known.add(key);
      rows.push([
        `\`${key}\``,
        typeOf(child),
        defaultOf(child, choice.required?.includes(name) ?? false),
        child.description ?? '',
      ]);
      rows.push(...keysOf(child, key, known));
    }
    if (choice.items) rows.push(...keysOf(choice.items, `${path}[]`, known));
    if (typeof choice.additionalProperties === 'object')
      rows.push(...keysOf(choice.additionalProperties, `${path}.*`, known));
  }
  return rows;
}

function typeOf({ type, enum: values, const: value, anyOf, oneOf }: Node): string {
  if (values) return values.map((each) => `\`${each}\``).join(', ');
  if (value !== undefined) return `\`${value}\``;
  const choices = anyOf ?? oneOf;
  return choices ? [...new Set(choices.map(typeOf))].join(' or ') : (type ?? 'any');
}

function defaultOf({ default: value, type }: Node, isRequired: boolean): string {
  if (value !== undefined && type !== 'object') return `\`${JSON.stringify(value)}\``;
  return isRequired && value === undefined ? 'required' : '';
}
