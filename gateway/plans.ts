// Plans and guards of a running gateway: one look a second, what is counted and logged of it, and its end.
import { randomUUID } from 'node:crypto';
import { planNamed } from '../config/plan-schema.ts';
import type { PlanStore } from './ledger/plan-store.ts';
import { measurementsOf } from './measurements.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Notices } from './notices.ts';
import type { GatewayLog } from './request-log.ts';
import type { Control } from './rollout/control.ts';
import type { GuardDecision } from './rollout/guard.ts';
import { GuardWatch } from './rollout/guard-watch.ts';
import { createLeadership } from './rollout/leadership.ts';
import { PlanEngine } from './rollout/plan-engine.ts';
import type { PlanView } from './rollout/plan-view.ts';
import type { RouteModel } from './routing/route.ts';
import type { Serving } from './serving.ts';
import type { CurrentSettings } from './settings.ts';

const LOOK_INTERVAL_MS = 1_000;

/** How fast plans are looked after; the defaults are for production. */
export interface PlansPace {
  readonly lookMs?: number;
  readonly leaseMs?: number;
}

export interface Plans extends Pick<PlanEngine, 'view' | 'act' | 'problem'> {
  /** What the guard makes of a route. */
  guard(route: string): GuardDecision;
  /** Whether this gateway is the one that acts for all, or nobody can tell which one does. */
  leads(): boolean;
  /** What each write of the one that leads carries; undefined while this is not the one, or not surely. */
  token(): number | undefined;
  /** Looks now, as every second. Never rejects. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export interface PlansDeps {
  readonly settings: CurrentSettings;
  readonly control: Control;
  readonly store: PlanStore;
  readonly serving: Serving;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly notices: Pick<Notices, 'planMoved' | 'planSeen' | 'guarded'>;
  readonly pace: PlansPace;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}

/** Knows, when it resolves, what plans are under way. */
export async function startPlans({
  settings,
  control,
  store,
  serving,
  metrics,
  log,
  notices,
  pace,
  now,
  raised,
}: PlansDeps): Promise<Plans> {
  const table = () => settings.current.table;
  const plans = () => settings.current.config.plans;
  const nowMs = () => now().getTime();
  const measurements = measurementsOf(serving, settings);
  const leadership = createLeadership(store, randomUUID(), nowMs, pace.leaseMs);
  const isDryRun = ({ config }: RouteModel) =>
    config.plan !== undefined && planNamed(config.plan, plans())?.mode === 'dry-run';

  const countGates = createGateCounts(metrics);
  const engine = new PlanEngine({
    ...{ table, plans, control, store, leadership, measurements, now, raised },
    certificates: () => settings.current.certificates,
    onLook(route, view) {
      countGates(route, view);
      const model = table().byId(route);
      if (model) notices.planSeen(model, view, plans());
    },
    onMoved: notices.planMoved,
  });
  // Where nobody can tell who leads, each guards what it serves.
  const leads = () => leadership.token() !== undefined || engine.problem() !== undefined;
  const watch = new GuardWatch({
    ...{ table, control, measurements, isDryRun, nowMs },
    mayAct: leads,
    onDecision(route, decision, acts) {
      if (decision.kind === 'watch') return;
      const { kind, cause, sentence } = decision;
      metrics.guardDecisions.inc({ route, decision: kind === 'roll_back' && !acts ? 'would_roll_back' : kind, cause });
      log.error({ route, decision: kind, cause, acts, sentence }, 'guard');
      notices.guarded(route, decision);
    },
  });

  await engine.tick();

  /** The guard does not wait for the ledger; plans wait for the guard. */
  async function look(): Promise<void> {
    await watch.look().catch((error: unknown) => raised('guard', error));
    await engine.tick();
  }
  let looking: Promise<void> | undefined; // Only one: a slow ledger must not gather a queue of them.
  const timer = setInterval(() => {
    if (looking) void watch.look().catch((error: unknown) => raised('guard', error));
    else
      looking = look().finally(() => {
        looking = undefined;
      });
  }, pace.lookMs ?? LOOK_INTERVAL_MS).unref();

  return {
    view: (route) => engine.view(route),
    act: (route, asking) => engine.act(route, asking),
    problem: () => engine.problem(),
    guard: (route) => watch.decision(route),
    leads,
    token: () => leadership.token(),
    look,
    async close() {
      clearInterval(timer);
      await looking;
      await leadership.resign().catch((error: unknown) => raised('plans.resign', error));
    },
  };
}

/** Counts what gates answer: once a step, and then whenever the answer becomes another. */
function createGateCounts(metrics: GatewayMetrics): (route: string, view: PlanView) => void {
  const counted = new Map<string, string>(); // One per route with a plan and gate.
  return (route, { step, gates }) => {
    metrics.planStep.set({ route }, step);
    for (const { gate, status } of gates) {
      const answer = `${step} ${status}`;
      if (counted.get(`${gate} ${route}`) === answer) continue;
      counted.set(`${gate} ${route}`, answer);
      metrics.gateOutcomes.inc({ route, gate, status });
    }
  };
}
