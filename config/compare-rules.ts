// The rules of a `compare` block as single things: which kinds there are, how one is read, and a block with more of them.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { CompareConfig } from './gateway-schema.ts';
import { compare } from './route-schema.ts';

/** The lists of a `compare` block whose members are reviewed exceptions: a kind of rule each. */
export type RuleKind = {
  [Key in keyof CompareConfig]: CompareConfig[Key] extends readonly { reason: string; owner: string }[] ? Key : never;
}[keyof CompareConfig];

/** A rule as its list has it: what every kind says, and its own fields. */
export interface ReviewedRule {
  readonly path?: string | undefined;
  readonly status?: string | undefined;
  readonly reason: string;
  readonly owner: string;
  /** The last day (UTC) on which it holds, as YYYY-MM-DD. */
  readonly expires?: string | undefined;
  readonly [field: string]: unknown;
}

export interface CompareRule {
  readonly kind: RuleKind;
  readonly rule: ReviewedRule;
}

const reviewedRule = z.looseObject({
  path: z.string().optional(),
  status: z.string().optional(),
  reason: z.string(),
  owner: z.string(),
  expires: z.string().optional(),
});

/** Each kind with the schema of its members, as the configuration's own schema has them. */
const MEMBERS: ReadonlyMap<string, z.ZodObject> = new Map(
  Object.entries(compare.shape).flatMap(([name, { def }]) => {
    const list = def.innerType;
    const member = list instanceof z.ZodArray ? list.element : undefined;
    return member instanceof z.ZodObject && 'reason' in member.shape ? [[name, member] as const] : [];
  }),
);

export const RULE_KINDS: readonly string[] = [...MEMBERS.keys()];

export function isRuleKind(name: string): name is RuleKind {
  return MEMBERS.has(name);
}

/** Reads one rule of a kind, by the schema that the configuration is read by. */
export function parseRule(kind: RuleKind, fields: unknown): { rule: ReviewedRule } | { problems: readonly string[] } {
  const parsed = MEMBERS.get(kind)?.safeParse(fields);
  if (parsed?.success) return { rule: reviewedRule.parse(parsed.data) };
  const issues = parsed?.error.issues ?? [];
  return { problems: issues.map(({ path, message }) => `${path.join('.') || kind}: ${message}`) };
}

/** Whether a value is one that a field of a kind may have; a field that the kind has not takes none. */
export function takesValue(kind: RuleKind, field: string, value: unknown): boolean {
  const schema = MEMBERS.get(kind)?.shape[field];
  return schema instanceof z.ZodType && schema.safeParse(value).success;
}

/** All rules of a block, kind by kind. */
export function rulesOf(config: CompareConfig): CompareRule[] {
  return RULE_KINDS.filter(isRuleKind).flatMap((kind) =>
    config[kind].map((rule) => ({ kind, rule: reviewedRule.parse(rule) })),
  );
}

/** The block with more rules, which come before its own: of two that contradict each other the first counts. */
export function withRules(config: CompareConfig, rules: readonly CompareRule[]): CompareConfig {
  if (rules.length === 0) return config;
  const added = RULE_KINDS.filter(isRuleKind).map((kind) => {
    const more = rules.filter((each) => each.kind === kind).map(({ rule }) => rule);
    return [kind, [...more, ...config[kind]]] as const;
  });
  return compare.parse({ ...config, ...Object.fromEntries(added) });
}

/** Reads a `compare` block. @throws {z.ZodError} */
export function parseCompare(block: unknown): CompareConfig {
  return compare.parse(block);
}

/** What of a block has to be written down for it to be read as it is: all but the defaults. */
export function withoutDefaults(config: CompareConfig): Partial<CompareConfig> {
  const defaults: Partial<Record<string, unknown>> = compare.parse({});
  return Object.fromEntries(
    Object.entries(config).filter(([name, value]) => !isDeepStrictEqual(value, defaults[name])),
  );
}
