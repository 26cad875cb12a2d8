// Rules for comparing in a running gateway: those that operators make here, those that others make, and when they end.
import type { Ledger } from './ledger/ledger.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Notices } from './notices.ts';
import type { GatewayLog } from './request-log.ts';
import type { Changes } from './rollout/changes.ts';
import { followRules } from './rollout/follow-rules.ts';
import { openOperatorRules } from './rollout/operator-rules.ts';
import { listRules } from './rule-list.ts';
import { watchRules } from './rule-watch.ts';
import type { Serving } from './serving.ts';
import type { SettingsHolder } from './settings.ts';

/** @throws when the ledger cannot be read. */
export async function openRules({ settings, ledger, changes, serving, metrics, log, notices, now, raised }: RulesDeps) {
  const table = () => settings.current.table;
  const rules = await openOperatorRules({ ledger, changes, table, now, apply: settings.amend });
  const list = () => listRules(settings.current.given.routes, rules, now());
  const ruleWatch = watchRules({ list, metrics, log, onLook: notices.rules });
  ruleWatch.check();
  rules.onChange(ruleWatch.check);
  const follower = followRules({ rules, onChange: () => void serving.settled(), raised });
  return {
    ...{ rules, ruleWatch },
    close() {
      follower.close();
      ruleWatch.close();
    },
  };
}

interface RulesDeps {
  readonly settings: SettingsHolder;
  readonly ledger: Ledger;
  readonly changes: Changes;
  readonly serving: Serving;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly notices: Pick<Notices, 'rules'>;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}
