// All rules for comparing that there are, from the configuration and from operators, and how each stands today. Pure.
import { rulesOf } from '../config/compare-rules.ts';
import type { RouteConfig } from '../config/gateway-schema.ts';
import { type OperatorRule, type OperatorRules, ruleId } from './rollout/operator-rules.ts';
import { daysLeft, expiryState, type RuleState } from './rollout/rule-state.ts';

export interface StandingRule {
  readonly id: string;
  readonly route: string;
  /** The list of the route's `compare` block that it belongs to. */
  readonly kind: string;
  readonly source: 'config' | 'operator';
  /** What the rule itself says: its path, and the fields of its kind. */
  readonly rule: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly owner: string;
  readonly expires: string | null;
  /** Why it has no last day; null where nobody said so. */
  readonly permanent: string | null;
  readonly createdBy: string | null;
  readonly createdAt: string | null;
  readonly state: RuleState;
  /** Whole days after today on which it holds; negative once it has expired, null without an end. */
  readonly daysLeft: number | null;
}

/** The rules of all routes: those of operators first, the newest before the others, as they take effect. */
export function listRules(
  /** As they were given, without operators' rules. */
  routes: readonly RouteConfig[],
  operator: Pick<OperatorRules, 'all' | 'unreadable'>,
  now: Date,
): StandingRule[] {
  const known = new Set(routes.map(({ id }) => id));
  const made = operator.all().map((rule) => standing('operator', rule, known.has(rule.route), now));
  const unreadable = operator.unreadable().map(({ id, route, kind, rule, permanent, actor, at }): StandingRule => {
    const fields = typeof rule === 'object' && rule !== null ? { ...rule } : {};
    const unknown = { reason: '', owner: '', expires: null, state: 'unreadable', daysLeft: null } as const;
    return {
      ...unknown,
      id,
      route,
      kind,
      source: 'operator',
      rule: fields,
      permanent: permanent ?? null,
      createdBy: actor,
      createdAt: at,
    };
  });
  const configured = routes.flatMap((route) =>
    rulesOf(route.compare).map((rule) => {
      const whole = { ...rule, route: route.id };
      return standing('config', { ...whole, id: ruleId('config', whole) }, true, now);
    }),
  );
  return [...made, ...unreadable, ...configured];
}

type Listed = Pick<OperatorRule, 'id' | 'route' | 'kind' | 'rule'> & Partial<OperatorRule>;

function standing(source: StandingRule['source'], given: Listed, isKnownRoute: boolean, now: Date): StandingRule {
  const { id, route, kind, permanent, createdBy, createdAt } = given;
  const { reason, owner, expires, ...rule } = given.rule;
  return {
    ...{ id, route, kind, source, rule, reason, owner },
    expires: expires ?? null,
    permanent: permanent ?? null,
    createdBy: createdBy ?? null,
    createdAt: createdAt ?? null,
    state: isKnownRoute ? expiryState(expires, now) : 'unknown_route',
    daysLeft: expires === undefined ? null : daysLeft(expires, now),
  };
}

/** A rule in a sentence: `the rule ignore $.fee (trading)`. */
export function nameOf({ kind, rule, owner }: Pick<StandingRule, 'kind' | 'rule' | 'owner'>): string {
  return `the rule ${kind} ${rule.path ?? ''} (${owner})`;
}

/** What somebody should know of a rule today, or undefined. */
export function attentionOfRule(rule: StandingRule): string | undefined {
  if (rule.state === 'expired') return `${nameOf(rule)} expired on ${rule.expires}: what it covered counts again`;
  if (rule.state !== 'expires_soon') return undefined;
  const when = rule.daysLeft === 0 ? 'today is its last day' : `${rule.daysLeft} days are left`;
  return `${nameOf(rule)} expires on ${rule.expires}, ${when}; then what it covers counts again`;
}
