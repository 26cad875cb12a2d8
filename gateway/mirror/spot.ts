// A place in a body, and what the rules say of it. The paths of all rules are followed at once, step by step down the
// document, and the places are kept from one comparison to the next: what is said of a place is looked up once.
import type { Filter } from '../../config/compare-filter.ts';
import { childPath, type PathStep } from '../../config/compare-path.ts';
import { passes } from './filter.ts';
import type { Json } from './json.ts';
import type { EnumRule, LeafRules, Tolerance } from './leaf.ts';

/** What a rule does where its path ends. */
export type Effect =
  | { readonly kind: 'ignore'; readonly name: string }
  | { readonly kind: 'normalise'; readonly as: 'number' | 'timestamp' }
  | { readonly kind: 'null-as-absent' }
  | { readonly kind: 'tolerate'; readonly tolerance: Tolerance }
  | { readonly kind: 'enum'; readonly rule: EnumRule }
  | { readonly kind: 'array'; readonly key: string | undefined; readonly unordered: boolean }
  | { readonly kind: 'critical' };

/** What the rules say of one place. */
export interface PlaceRules extends LeafRules {
  /** The ignore rule that covers it: its name as differences show it. */
  readonly ignored: string | undefined;
  /** Whether `null` there is the same as no member at all. */
  readonly nullAsAbsent: boolean;
  readonly array: { readonly key: string | undefined; readonly unordered: boolean } | undefined;
  readonly critical: boolean;
  /** Something below is critical, and is lost together with this place. */
  readonly criticalBelow: boolean;
  /**
   * Values here or below may be the same without having one spelling: within a tolerance, by an enum map. Being the
   * same does not carry over from pair to pair then.
   */
  readonly fuzzy: boolean;
}

/** A rule for places in bodies. */
export interface BodyRule {
  readonly steps: readonly PathStep[];
  readonly effect: Effect;
}

/** A rule on its way: `step` is the next one to be taken. */
interface Pending {
  readonly rule: BodyRule;
  readonly step: number;
}

/** Places kept; documents with endless member names must not fill memory. */
const SPOTS_MAX = 2_000;

export class Spot {
  /** As differences print it. */
  readonly path: string;
  readonly rules: PlaceRules;
  /** Whether places below depend on the values there. */
  readonly hasFilters: boolean;
  readonly #pending: readonly Pending[];
  readonly #filters: readonly Filter[];
  readonly #shared: { count: number };
  readonly #children = new Map<string, Spot>();
  readonly #members = new Map<string | undefined, Spot>();
  /** Where filters are, by what they let through and the way down. */
  readonly #filtered = new Map<string, Spot>();

  constructor(path: string, pending: readonly Pending[], inherited: PlaceRules | undefined, shared = { count: 0 }) {
    this.path = path;
    this.#pending = pending.filter(({ rule, step }) => step < rule.steps.length);
    const ended = pending.filter(({ rule, step }) => step === rule.steps.length).map(({ rule }) => rule.effect);
    this.rules = rulesOf(ended, this.#pending, inherited);
    this.#shared = shared;
    this.#filters = this.#pending.flatMap(({ rule, step }) =>
      (rule.steps[step]?.selectors ?? []).flatMap((selector) => (selector.kind === 'filter' ? [selector.filter] : [])),
    );
    this.hasFilters = this.#filters.length > 0;
  }

  /** The place of all rules' beginning. */
  static root(rules: readonly BodyRule[]): Spot {
    return new Spot(
      '$',
      rules.map((rule) => ({ rule, step: 0 })),
      undefined,
    );
  }

  /** The member called `name`; a filter in a rule's path looks at its `value`. */
  child(name: string, value: Json): Spot {
    if (this.hasFilters) return this.#filter(`.${name}`, value, name);
    return this.#children.get(name) ?? this.#keep(this.#children, name, this.#below(childPath(this.path, name), name));
  }

  /** A member of an array; `key` is the field by which members are paired. */
  member(value: Json, key?: string): Spot {
    if (this.hasFilters) return this.#filter(memberPath('', key), value, undefined);
    return this.#members.get(key) ?? this.#keep(this.#members, key, this.#below(memberPath(this.path, key), undefined));
  }

  #filter(token: string, value: Json, name: string | undefined): Spot {
    const passed = new Set(this.#filters.filter((filter) => passes(filter, value)));
    const id = this.#filters.map((filter) => (passed.has(filter) ? 1 : 0)).join('') + token;
    const path = name === undefined ? this.path + token : childPath(this.path, name);
    return this.#filtered.get(id) ?? this.#keep(this.#filtered, id, this.#below(path, name, passed));
  }

  #below(path: string, name: string | undefined, passed: ReadonlySet<Filter> = NONE): Spot {
    return new Spot(path, this.#advance(name, passed), this.rules, this.#shared);
  }

  #keep<K>(kept: Map<K, Spot>, key: K, spot: Spot): Spot {
    if (this.#shared.count < SPOTS_MAX) {
      this.#shared.count++;
      kept.set(key, spot);
    }
    return spot;
  }

  #advance(name: string | undefined, passed: ReadonlySet<Filter>): Pending[] {
    const next: Pending[] = [];
    const push = (rule: BodyRule, step: number) => {
      if (!next.some((each) => each.rule === rule && each.step === step)) next.push({ rule, step });
    };
    for (const { rule, step } of this.#pending) {
      const { selectors = [], deep = false } = rule.steps[step] ?? {};
      if (deep) push(rule, step);
      const selected = selectors.some(
        (selector) =>
          selector.kind === 'any' || (selector.kind === 'name' ? selector.name === name : passed.has(selector.filter)),
      );
      if (selected) push(rule, step + 1);
    }
    return next;
  }
}

const NONE: ReadonlySet<Filter> = new Set();

function memberPath(path: string, key: string | undefined): string {
  return key === undefined ? `${path}[*]` : `${path}[?${key}]`;
}

function rulesOf(ended: readonly Effect[], pending: readonly Pending[], inherited: PlaceRules | undefined): PlaceRules {
  const first = <K extends Effect['kind']>(kind: K) =>
    ended.find((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  const leadsTo = (...kinds: readonly Effect['kind'][]) => pending.some(({ rule }) => kinds.includes(rule.effect.kind));
  const array = first('array');
  return {
    ignored: inherited?.ignored ?? first('ignore')?.name,
    normalise: first('normalise')?.as,
    nullAsAbsent: first('null-as-absent') !== undefined,
    tolerate: first('tolerate')?.tolerance,
    enums: first('enum')?.rule,
    array: array && { key: array.key, unordered: array.unordered },
    critical: inherited?.critical === true || first('critical') !== undefined,
    criticalBelow: leadsTo('critical'),
    fuzzy: leadsTo('tolerate', 'enum') || first('tolerate') !== undefined || first('enum') !== undefined,
  };
}

/** What effects say of something that has no places below: the status, a header, a line. */
export function rulesHere(effects: readonly Effect[]): PlaceRules {
  return rulesOf(effects, [], undefined);
}
