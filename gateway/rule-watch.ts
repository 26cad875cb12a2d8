// Says when rules for comparing end: in the log once for each, and in the metrics.
import type { GatewayMetrics } from './metrics.ts';
import type { GatewayLog } from './request-log.ts';
import type { StandingRule } from './rule-list.ts';

/** Rules end with a day, so that once a minute is soon enough. */
const CHECK_INTERVAL_MS = 60_000;

export interface RuleWatch {
  /** Looks now: to be called when rules have changed, and before somebody reads the metrics. */
  check(): void;
  close(): void;
}

export interface RuleWatchDeps {
  readonly list: () => readonly StandingRule[];
  readonly metrics: Pick<GatewayMetrics, 'rules'>;
  readonly log: Pick<GatewayLog, 'warn'>;
  /** All rules, whenever they were looked at. */
  readonly onLook?: (rules: readonly StandingRule[]) => void;
}

export function watchRules({ list, metrics, log, onLook }: RuleWatchDeps): RuleWatch {
  let announced = new Set<string>(); // Of the rules there are.

  function check(): void {
    const rules = list();
    metrics.rules.reset();
    for (const { route, state } of rules) metrics.rules.inc({ route, state });
    const expired = rules.filter(({ state }) => state === 'expired');
    for (const { id, route, kind, source, rule, owner, expires } of expired) {
      if (announced.has(id)) continue;
      const which = { rule: id, route, kind, source, path: rule.path, owner, expires };
      log.warn(which, 'a rule has expired: what it covered counts again');
    }
    announced = new Set(expired.map(({ id }) => id));
    onLook?.(rules);
  }

  const timer = setInterval(check, CHECK_INTERVAL_MS).unref();
  return { check, close: () => clearInterval(timer) };
}
