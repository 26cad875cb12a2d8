// Rules for comparing that operators make while the gateway runs: durable in the ledger, in force once they are stored.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type CompareRule, isRuleKind, parseRule, RULE_KINDS } from '../../config/compare-rules.ts';
import { type Ledger, RULES, type StoredRule } from '../ledger/ledger.ts';
import type { RouteTable } from '../routing/route.ts';
import { type Actor, type Changes, ControlError } from './changes.ts';
import { expiryState } from './rule-state.ts';

/** More of them are no exceptions any more, and belong into the configuration. */
export const OPERATOR_RULES_MAX = 500;
const RULES_SCOPE_NAME = 'the list of rules';

export interface OperatorRule extends CompareRule {
  readonly id: string;
  readonly route: string;
  /** Why it has no last day; undefined when it has one. */
  readonly permanent: string | undefined;
  readonly createdBy: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** A rule as an operator asks for it. `fields` is what the configuration would have in the kind's list. */
export interface RuleRequest {
  readonly route: string;
  readonly kind: string;
  readonly permanent?: string | undefined;
  readonly fields: unknown;
}

/** A request that can be put in force. */
export type CheckedRule = CompareRule & Pick<OperatorRule, 'route' | 'permanent'>;

export interface OperatorRulesDeps {
  readonly ledger: Pick<Ledger, 'rules'>;
  readonly changes: Changes;
  /** The routes in force. */
  readonly table: () => RouteTable;
  /** Puts these rules in force, the newest first, in place of those before. */
  readonly apply: (rules: readonly OperatorRule[]) => void;
  readonly now: () => Date;
}

/** Loads the rules and puts them in force. @throws when the ledger cannot be read. */
export async function openOperatorRules(deps: OperatorRulesDeps): Promise<OperatorRules> {
  return new OperatorRules(deps, await deps.ledger.rules());
}

export class OperatorRules {
  readonly #deps: OperatorRulesDeps;
  readonly #listeners: (() => void)[] = [];
  #rules: readonly OperatorRule[];
  #unreadable: readonly StoredRule[];

  constructor(deps: OperatorRulesDeps, stored: readonly StoredRule[]) {
    this.#deps = deps;
    [this.#rules, this.#unreadable] = readAll(stored);
    deps.apply(this.#rules);
  }

  /** All of them, the newest first. */
  all(): readonly OperatorRule[] {
    return this.#rules;
  }

  /** Rules of the ledger that this release cannot read; they have no effect. */
  unreadable(): readonly StoredRule[] {
    return this.#unreadable;
  }

  /** Grows with every change of any rule; the entity tag that `If-Match` names. */
  revision(): number {
    return this.#deps.changes.revision(RULES);
  }

  /** Calls back after every change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Reads the rules again, as other gateways with the same ledger may have left them, and puts them in force. Answers whether
   * any has changed. @throws when the ledger cannot be read; then those before stay in force.
   */
  refresh(): Promise<boolean> {
    return this.#deps.changes.inTurn(() => this.#reread());
  }

  /** Reads a request as `add` does, and changes nothing. @throws {ControlError} invalid, unknown_route */
  check({ route, kind, permanent, fields }: RuleRequest): CheckedRule {
    if (!this.#deps.table().byId(route)) {
      throw new ControlError('unknown_route', `no route is called ${route}; GET /api/routes lists them`);
    }
    if (!isRuleKind(kind)) {
      throw new ControlError('invalid', `kind: there is no kind ${kind}; it is one of ${RULE_KINDS.join(', ')}`);
    }
    const read = parseRule(kind, fields);
    if ('problems' in read) throw new ControlError('invalid', read.problems.join('; '));
    const { expires } = read.rule;
    if (expires === undefined && permanent === undefined) {
      throw new ControlError(
        'invalid',
        'expires: give its last day as YYYY-MM-DD, or say in permanent why it has none',
      );
    }
    if (expires !== undefined && permanent !== undefined) {
      throw new ControlError('invalid', 'permanent: a rule that expires is not permanent; give one of the two');
    }
    if (expiryState(expires, this.#deps.now()) === 'expired') {
      throw new ControlError('invalid', `expires: ${expires} is over; such a rule would have no effect`);
    }
    return { route, kind, permanent, rule: read.rule };
  }

  /** Stores a rule and puts it in force. `expected` is the revision that the caller has seen; undefined means any. @throws {ControlError} */
  add(request: RuleRequest, actor: Actor, expected?: number): Promise<OperatorRule> {
    const checked = this.check(request);
    const { changes, now } = this.#deps;
    return changes.inTurn(async () => {
      await this.#rereadIfPossible();
      changes.check(RULES, expected, RULES_SCOPE_NAME);
      const id = ruleId('operator', checked);
      if (this.#rules.some((rule) => rule.id === id)) {
        throw new ControlError('conflict', `this rule exists already, as ${id}`);
      }
      if (this.#rules.length + this.#unreadable.length >= OPERATOR_RULES_MAX) {
        const way = 'move some into the configuration (banyan rules export) and remove them here';
        throw new ControlError('conflict', `there are ${OPERATOR_RULES_MAX} rules made by operators; ${way}`);
      }
      const rule: OperatorRule = { ...checked, id, createdBy: actor.name, createdAt: now().toISOString() };
      await this.#commit({ rule: storedOf(rule), action: 'add_rule', before: null, after: rule }, rule.route, actor);
      this.#replace([rule, ...this.#rules]);
      return rule;
    });
  }

  /** Ends a rule, so that what it covered counts again. Answers the route that it was for. @throws {ControlError} */
  remove(id: string, actor: Actor, expected?: number): Promise<string> {
    const { changes } = this.#deps;
    return changes.inTurn(async () => {
      await this.#rereadIfPossible();
      const isIt = (each: { readonly id: string }) => each.id === id;
      const rule = this.#rules.find(isIt) ?? this.#unreadable.find(isIt);
      if (!rule) {
        const why = 'rules of the configuration are removed there';
        throw new ControlError('unknown_rule', `no operator has made a rule ${id}; GET /api/rules lists them, ${why}`);
      }
      changes.check(RULES, expected, RULES_SCOPE_NAME);
      await this.#commit({ rule: { remove: id }, action: 'remove_rule', before: rule, after: null }, rule.route, actor);
      this.#unreadable = this.#unreadable.filter((each) => each !== rule);
      this.#replace(this.#rules.filter((each) => each !== rule));
      return rule.route;
    });
  }

  #commit(
    change: Pick<Parameters<Changes['commit']>[0], 'rule' | 'action' | 'before' | 'after'>,
    route: string,
    actor: Actor,
  ) {
    return this.#deps.changes.commit({ scope: RULES, subject: route, override: undefined, ...change }, actor);
  }

  /** A ledger that cannot be read cannot store the change either, and says so then. */
  #rereadIfPossible(): Promise<unknown> {
    return this.#reread().catch(() => {});
  }

  async #reread(): Promise<boolean> {
    const { ledger, changes } = this.#deps;
    await changes.reread(RULES);
    const [rules, unreadable] = readAll(await ledger.rules());
    if (isDeepStrictEqual([rules, unreadable], [this.#rules, this.#unreadable])) return false;
    this.#unreadable = unreadable;
    this.#replace(rules);
    return true;
  }

  #replace(rules: readonly OperatorRule[]): void {
    this.#rules = rules;
    this.#deps.apply(rules);
    for (const listener of this.#listeners) listener();
  }
}

/** A rule's name: from what it says, so that the same rule of the configuration has the same one in every process. */
export function ruleId(source: 'config' | 'operator', { route, kind, rule }: CompareRule & { route: string }): string {
  const text = JSON.stringify([source, route, kind, rule]);
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

function storedOf({ id, route, kind, rule, permanent, createdBy, createdAt }: OperatorRule): StoredRule {
  return { id, route, kind, rule, permanent, actor: createdBy, at: createdAt };
}

/** The rules, the newest first, and those that this release cannot read. */
function readAll(stored: readonly StoredRule[]): [readonly OperatorRule[], readonly StoredRule[]] {
  const read = stored.map((each) => ({ each, rule: readStored(each) }));
  return [
    read.flatMap(({ rule }) => rule ?? []).reverse(),
    read.flatMap(({ each, rule }) => (rule === undefined ? [each] : [])),
  ];
}

function readStored({ id, route, kind, rule, permanent, actor, at }: StoredRule): OperatorRule | undefined {
  if (!isRuleKind(kind)) return undefined;
  const read = parseRule(kind, rule);
  if ('problems' in read) return undefined;
  return { id, route, kind, rule: read.rule, permanent, createdBy: actor, createdAt: at };
}
