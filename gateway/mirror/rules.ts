// A route's rules for comparing, compiled.
import { type ComparePath, type PathStep, parseComparePath } from '../../config/compare-path.ts';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { leadsTo, type Place, printPlace, selects } from './path.ts';

/** What the rules say of one place in a body. */
export interface PlaceRules {
  /** The ignore rule that covers it: its name as differences show it. */
  readonly ignored: string | undefined;
  readonly normalise: 'number' | 'timestamp' | undefined;
  readonly array: { readonly key: string | undefined; readonly unordered: boolean } | undefined;
  readonly critical: boolean;
  /** Something below is critical, and is lost together with this place. */
  readonly criticalBelow: boolean;
}

export interface CompiledRules {
  /** Lower-case names of the response headers that are compared. */
  readonly headers: readonly string[];
  at(place: Place): PlaceRules;
  status: { readonly ignored: string | undefined; readonly critical: boolean };
  header(name: string): { readonly ignored: string | undefined; readonly critical: boolean };
}

/** Places remembered per route; a body with endless member names must not fill memory. */
const PLACES_MAX = 2_000;

interface Rule {
  readonly path: ComparePath;
  readonly name: string;
}

/** When rules are to hold: the day (YYYY-MM-DD, UTC), and the class of status that both sides answered, if it is one. */
export interface RuleScope {
  readonly today: string;
  readonly statusClass: number | undefined;
}

/** Compiles the rules that hold in a scope; expired ones, and those for other answers, have no effect. */
export function compileRules(config: CompareConfig, { today, statusClass }: RuleScope): CompiledRules {
  const holds = (rule: { expires?: string | undefined; status?: string | undefined }) =>
    (rule.expires === undefined || rule.expires >= today) &&
    (rule.status === undefined || rule.status === `${statusClass}xx`);
  const compile = (text: string): Rule => {
    const path = parseComparePath(text);
    if (!path) throw new Error(`not a path that can be compared: ${text}`); // The configuration's schema has checked it.
    return { path, name: text };
  };
  const ignore = config.ignore.filter(holds).map(({ path }) => compile(path));
  const critical = config.critical.map(compile);
  const normalise = config.normalise.filter(holds).map((rule) => ({ ...compile(rule.path), as: rule.as }));
  const arrays = config.arrays.filter(holds).map(({ path, key, unordered }) => ({ ...compile(path), key, unordered }));
  const places = new Map<string, PlaceRules>();

  const rulesAt = (place: Place): PlaceRules => {
    const array = arrays.find((rule) => isAt(rule, place, false));
    return {
      ignored: ignore.find((rule) => isAt(rule, place, true))?.name,
      normalise: normalise.find((rule) => isAt(rule, place, false))?.as,
      array: array && { key: array.key, unordered: array.unordered === true },
      critical: critical.some((rule) => isAt(rule, place, true)),
      criticalBelow: critical.some(({ path }) => path.part === 'body' && leadsTo(path.steps, place)),
    };
  };
  const outside = (isMatch: (path: ComparePath) => boolean) => ({
    ignored: ignore.find(({ path }) => isMatch(path))?.name,
    critical: critical.some(({ path }) => isMatch(path)),
  });

  return {
    headers: config.headers.map((name) => name.toLowerCase()),
    at(place) {
      const key = printPlace(place);
      const known = places.get(key);
      if (known) return known;
      const rules = rulesAt(place);
      if (places.size < PLACES_MAX) places.set(key, rules);
      return rules;
    },
    status: outside((path) => path.part === 'status'),
    header: (name) => outside((path) => path.part === 'header' && path.name === name),
  };
}

function isAt(rule: Rule, place: Place, below: boolean): boolean {
  const steps: readonly PathStep[] | undefined = rule.path.part === 'body' ? rule.path.steps : undefined;
  return steps !== undefined && selects(steps, place, below);
}

/** The rules for answers of one status class; undefined where the sides' classes differ. */
export type RulesFor = (statusClass: number | undefined) => CompiledRules;

/** Each route's compiled rules, compiled anew when the day changes, so that expired rules come back by themselves. */
export function createRuleBook(now: () => Date): (route: { config: { compare: CompareConfig } }) => RulesFor {
  let day = '';
  // By the configuration itself, so that a configuration read anew has rules of its own.
  let book = new WeakMap<CompareConfig, Map<number | undefined, CompiledRules>>();
  return ({ config: { compare } }) =>
    (statusClass) => {
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
