// A route's rules for comparing, compiled.
import { type ComparePath, parseComparePath } from '../../config/compare-path.ts';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { type Decimal, parseDecimal, times } from './decimal.ts';
import { JsonNumber } from './json.ts';
import { type EnumRule, enumText, type Tolerance } from './leaf.ts';
import { type BodyRule, type Effect, type PlaceRules, rulesHere, Spot } from './spot.ts';

export interface CompiledRules {
  /** Lower-case names of the response headers that are compared. */
  readonly headers: readonly string[];
  readonly status: PlaceRules;
  /** By lower-case name. */
  header(name: string): PlaceRules;
  /** Any line of a body that is compared by lines. */
  readonly line: PlaceRules;
  /** The whole body. */
  readonly root: Spot;
}

/** When rules are to hold: the day (YYYY-MM-DD, UTC), and the class of status that both sides answered, if it is one. */
export interface RuleScope {
  readonly today: string;
  readonly statusClass: number | undefined;
}

interface ConfiguredRule {
  readonly path: string;
  readonly expires?: string | undefined;
  readonly status?: string | undefined;
}

interface Rule {
  readonly path: ComparePath;
  readonly effect: Effect;
}

/** Compiles the rules that hold in a scope; expired ones, and those for other answers, have no effect. */
export function compileRules(config: CompareConfig, { today, statusClass }: RuleScope): CompiledRules {
  const holds = (rule: ConfiguredRule) =>
    (rule.expires === undefined || rule.expires >= today) &&
    (rule.status === undefined || rule.status === `${statusClass}xx`);
  const compile = <R extends ConfiguredRule>(rules: readonly R[], effectOf: (rule: R) => Effect): Rule[] =>
    rules.filter(holds).map((rule) => ({ path: parseComparePath(rule.path), effect: effectOf(rule) }));
  const rules = [
    ...compile(config.ignore, ({ path }) => ({ kind: 'ignore', name: path })),
    ...compile(config.normalise, ({ as }) =>
      as === 'null-as-absent' ? { kind: as } : ({ kind: 'normalise', as } as const),
    ),
    ...compile(config.tolerate, (rule) => ({ kind: 'tolerate', tolerance: toleranceOf(rule) })),
    ...compile(config.enums, (rule) => ({ kind: 'enum', rule: enumOf(rule) })),
    ...compile(config.arrays, ({ key, unordered }) => ({ kind: 'array', key, unordered: unordered === true })),
    ...compile(
      config.critical.map((path) => ({ path })),
      () => ({ kind: 'critical' }),
    ),
  ];
  const outside = (isMatch: (path: ComparePath) => boolean) =>
    rulesHere(rules.filter(({ path }) => isMatch(path)).map(({ effect }) => effect));
  const inBody = rules.flatMap(({ path, effect }): BodyRule[] =>
    path.part === 'body' ? [{ steps: path.steps, effect }] : [],
  );
  // What is said of the whole body, that it is ignored or critical, is said of its lines.
  const isWhole = (path: ComparePath) => path.part === 'body' && path.steps.length === 0;
  const headers = new Map<string, PlaceRules>(); // Asked for by the names in the configuration only.

  return {
    headers: config.headers.map((name) => name.toLowerCase()),
    status: outside((path) => path.part === 'status'),
    header(name) {
      const known = headers.get(name) ?? outside((path) => path.part === 'header' && path.name === name);
      headers.set(name, known);
      return known;
    },
    line: outside((path) => path.part === 'line' || isWhole(path)),
    root: Spot.root(inBody),
  };
}

function toleranceOf(rule: CompareConfig['tolerate'][number]): Tolerance {
  const decimal = (text: string | number | undefined) => (text === undefined ? undefined : exact(text));
  const { ticks, tickSize } = rule;
  const inTicks = ticks !== undefined && tickSize !== undefined ? times(exact(ticks), exact(tickSize)) : undefined;
  return {
    absolute: decimal(rule.absolute) ?? inTicks,
    relative: decimal(rule.relative),
    seconds: rule.withinMs === undefined ? undefined : times(exact(rule.withinMs), exact('0.001')),
  };
}

function exact(text: string | number): Decimal {
  const number = parseDecimal(String(text));
  if (!number) throw new Error(`not a decimal number: ${text}`); // The configuration's schema has checked it.
  return number;
}

function enumOf({ values = [], ...rule }: CompareConfig['enums'][number]): EnumRule {
  const ignoreCase = rule.ignoreCase === true;
  const textOf = (value: string | number | boolean | null) =>
    enumText(typeof value === 'number' ? new JsonNumber(String(value)) : value, ignoreCase) ?? '';
  const pairs = new Map<string, Set<string>>();
  for (const { legacy, new: fresh } of values) {
    const [left, right] = [textOf(legacy), textOf(fresh)];
    pairs.set(left, (pairs.get(left) ?? new Set()).add(right));
  }
  return { ignoreCase, pairs };
}

/** The rules for answers of one status class; undefined where the sides' classes differ. */
export type RulesFor = (statusClass: number | undefined) => CompiledRules;

/** Each route's compiled rules, compiled anew when the day changes, so that expired rules come back by themselves. */
export function createRuleBook(now: () => Date): (compare: CompareConfig) => RulesFor {
  let day = '';
  // By the configuration itself, so that a configuration read anew has rules of its own.
  let book = new WeakMap<CompareConfig, Map<number | undefined, CompiledRules>>();
  return (compare) => (statusClass) => {
    const today = now().toISOString().slice(0, 10);
    if (today !== day) book = new WeakMap();
    day = today;
    const byClass = book.get(compare) ?? new Map<number | undefined, CompiledRules>();
    book.set(compare, byClass);
    const known = byClass.get(statusClass) ?? compileRules(compare, { today, statusClass });
    byClass.set(statusClass, known);
    return known;
  };
}
