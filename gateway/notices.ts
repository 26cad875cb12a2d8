// Where a running gateway's notices come from: what it audits, its plans and guards, and what it finds wrong with itself
// and its surroundings. Of several gateways the one tells that made a change; of plans, guards, rules and upstreams the one that
// leads; of its own flags, ledger and configuration each.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { readNotifyTargets } from '../config/notify-targets.ts';
import { planNamed } from '../config/plan-schema.ts';
import type { AuditEntry } from './ledger/ledger.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createHolds } from './notify/holds.ts';
import { NO_NOTIFIER, type Notifier } from './notify/notifier-port.ts';
import { noticeOfEntry, noticeOfPlan } from './notify/of-change.ts';
import { createTroubles, type Trouble } from './notify/troubles.ts';
import type { GatewayLog } from './request-log.ts';
import type { GuardDecision } from './rollout/guard.ts';
import type { PlanState } from './rollout/plan.ts';
import type { PlanView } from './rollout/plan-view.ts';
import type { RouteModel } from './routing/route.ts';
import { SIDES, type Side } from './routing/side.ts';
import { attentionOfRule, type StandingRule } from './rule-list.ts';

const LOOK_INTERVAL_MS = 1_000;

export interface NoticesDeps {
  readonly config: Pick<GatewayConfig, 'notifications' | 'environment' | 'operator'>;
  readonly instance: string;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly now: () => Date;
}

/** What is looked at once a second. */
export interface Watched {
  /** Whether this gateway leads, or nobody can tell who does. */
  leads(): boolean;
  flagsProblem(): string | undefined;
  ledgerProblem(): string | undefined;
  upstreams(): Readonly<Record<Side, { readonly healthy: boolean | undefined; readonly problem: string | undefined }>>;
}

export interface Notices {
  readonly notifier: Notifier;
  /** An audit entry was stored, or could not be. */
  audited(entry: AuditEntry, isStored: boolean): void;
  planMoved(route: string, before: PlanState | undefined, after: PlanState): void;
  planSeen(route: RouteModel, view: PlanView, plans: GatewayConfig['plans']): void;
  /** The guard's decision has become another. */
  guarded(route: string, decision: GuardDecision): void;
  configRefused(problem: string): void;
  rules(rules: readonly StandingRule[]): void;
  /** Begins to look; to be called once. */
  watch(watched: Watched): void;
  /** What waits to be sent is tried once more. */
  close(): Promise<void>;
}

/** @throws when a secret that the configuration names cannot be used. */
export async function openNotices(deps: NoticesDeps): Promise<Notices> {
  const { instance, now } = deps;
  const notifier = await openNotifier(deps);
  const { notify } = notifier;
  const holds = createHolds(notify, now);
  const troubles = createTroubles(notify, now);
  const at = () => now().toISOString();
  let toldRules = new Set<string>(); // Of the rules there are.
  let leads = () => true;
  let timer: NodeJS.Timeout | undefined;

  return {
    notifier,
    audited(entry, isStored) {
      const notice = noticeOfEntry(entry, isStored);
      if (notice) notify(notice);
    },
    planMoved(route, before, after) {
      const notice = noticeOfPlan(route, before, after, at());
      if (notice) notify(notice);
    },
    planSeen({ id, config: { plan } }, view, plans) {
      const steps = plan === undefined ? undefined : planNamed(plan, plans)?.steps;
      if (view.mode !== 'dry-run' && leads()) holds.look(id, view, steps?.[view.step - 1]?.leastMs ?? 0);
    },
    guarded(route, decision) {
      if (decision.kind !== 'hold') return; // A rollback is told as the change that it is.
      const { cause, sentence } = decision;
      notify({
        ...{ type: 'route.held', severity: 'critical', at: at(), route, topic: `guard ${route}` },
        sentence: `${route}: ${sentence}`,
        data: { cause },
      });
    },
    configRefused(problem) {
      notify({
        ...{ type: 'config.refused', severity: 'warning', at: at(), topic: 'config' },
        sentence: `${instance}: the configuration is not in force: ${problem}`,
        data: { problem },
      });
    },
    rules(rules) {
      if (!leads()) return;
      const told = new Set<string>();
      for (const rule of rules) {
        const { id, route, state, expires, owner } = rule;
        const sentence = attentionOfRule(rule);
        if (sentence === undefined || (state !== 'expired' && state !== 'expires_soon')) continue;
        const key = `${id} ${state}`;
        told.add(key);
        if (toldRules.has(key)) continue;
        const isOver = state === 'expired';
        notify({
          ...{
            type: isOver ? 'rule.expired' : 'rule.expires_soon',
            severity: isOver ? 'warning' : 'info',
            at: at(),
            route,
          },
          sentence: `${route}: ${sentence}`,
          data: { rule: id, expires, owner },
        });
      }
      toldRules = told;
    },
    watch(watched) {
      leads = watched.leads;
      const look = () => troubles.look(troublesOf(watched, instance));
      timer = setInterval(look, LOOK_INTERVAL_MS).unref();
    },
    async close() {
      clearInterval(timer);
      await notifier.close();
    },
  };
}

/** Loaded only where somebody is to be told: its client takes some megabytes. */
async function openNotifier({ config, instance, ...deps }: NoticesDeps): Promise<Notifier> {
  const { notifications, environment, operator } = config;
  if (notifications.length === 0) return NO_NOTIFIER;
  const { createNotifier } = await import('./notify/notifier.ts');
  const targets = readNotifyTargets(notifications, 'configuration');
  return createNotifier({ ...deps, targets, teller: { environment, instance, publicUrl: operator.publicUrl } });
}

function troublesOf({ leads, flagsProblem, ledgerProblem, upstreams }: Watched, instance: string): Trouble[] {
  const health = upstreams();
  const sides = SIDES.map((side): Trouble => {
    const isDown = health[side].healthy === false;
    return {
      topic: `upstream ${side}`,
      isOurs: leads(),
      problem: isDown ? (health[side].problem ?? 'it does not answer its health check') : undefined,
      lost: { type: 'upstream.down', severity: 'critical', sentence: `${side} is down` },
      back: { type: 'upstream.up', sentence: `${side} is up again` },
    };
  });
  return [
    ...sides,
    {
      topic: 'flags',
      isOurs: true,
      problem: flagsProblem(),
      lost: { type: 'flags.lost', severity: 'warning', sentence: `${instance}: the flags in force may be stale` },
      back: { type: 'flags.back', sentence: `${instance}: the flags are read again` },
    },
    {
      topic: 'ledger',
      isOurs: true,
      problem: ledgerProblem(),
      lost: {
        type: 'ledger.lost',
        severity: 'critical',
        sentence: `${instance}: changes cannot be relied on to be stored`,
      },
      back: { type: 'ledger.back', sentence: `${instance}: changes are stored again` },
    },
  ];
}
