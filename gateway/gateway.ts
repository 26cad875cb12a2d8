// Puts a gateway together from its configuration, and takes it apart again.
import { availableParallelism } from 'node:os';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { keepEvidence } from './evidence-keeper.ts';
import { startFlips } from './flips.ts';
import { openKeptIds } from './kept-ids.ts';
import type { GatewayLedger } from './ledger/ledger.ts';
import { openLedger } from './ledger/open.ts';
import { createMetrics, type GatewayMetrics } from './metrics.ts';
import { createOperatorServer } from './operator/server.ts';
import { type PlansPace, startPlans } from './plans.ts';
import { startHealthCheck } from './proxy/health.ts';
import { createReloader, type Reloader } from './reload.ts';
import type { GatewayLog } from './request-log.ts';
import { type Changes, openChanges } from './rollout/changes.ts';
import { type Control, openControl } from './rollout/control.ts';
import { followRules } from './rollout/follow-rules.ts';
import { openFlags } from './rollout/open-flags.ts';
import { openOperatorRules } from './rollout/operator-rules.ts';
import type { RouteTable } from './routing/route.ts';
import { listRules } from './rule-list.ts';
import { type RuleWatch, watchRules } from './rule-watch.ts';
import { type Serving, type ServingDeps, serveHere } from './serving.ts';
import { createSettings, type SettingsHolder } from './settings.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** Operators' tokens by the name of their variable. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly log: GatewayLog;
  /** The file that the configuration came from, to be followed when it changes. */
  readonly configFile?: string;
  readonly now?: () => Date;
  /** Opens the ledger that the configuration names; another one where its faults are to be seen. */
  readonly openLedger?: typeof openLedger;
  readonly pace?: PlansPace;
}

export interface Gateway {
  /** Addresses as bound. */
  readonly listening: { readonly traffic: string; readonly operator: string };
  /** Reads the configuration's file now, when there is one. Never rejects. */
  reload(): Promise<void>;
  /** Stops cleanly: unready, requests in flight finish, then everything is closed. */
  close(): Promise<void>;
}

/** Starts both listeners. @throws when state cannot be opened or an address cannot be bound; nothing is left open then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, tokens, log, configFile, now = () => new Date(), pace = {} } = options;
  const closers: (() => void | Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    const metrics = createMetrics();
    const raised = (operation: string, error: unknown) => {
      metrics.raised.inc({ operation });
      log.error({ operation, err: error }, 'internal error');
    };

    const ledger = await (options.openLedger ?? openLedger)(config.ledger, config.ledgerJournal);
    closers.push(() => ledger.close());
    const flags = await openFlags(config.flags);
    closers.push(() => flags.close());
    let healthChanged = () => {};
    const settings = watchedSettings(config, { metrics, log, onHealth: () => healthChanged() });
    closers.push(() => settings.close());
    const { idPairsMax } = config.mirror;
    const ids = await openKeptIds({ store: ledger.ids, pairsMax: idPairsMax, metrics, raised });
    closers.push(() => ids.close());
    const serving = await chooseServing({ settings, flags, ids, metrics, log, raised, now });
    healthChanged = () => void serving.settled();

    const table = () => settings.current.table;
    const keeper = await keepEvidence({
      ...{ evidence: serving.evidence, store: ledger.evidence, sampleDays: config.samples.days, metrics, now, raised },
      routes: () => table().routes.map(({ id }) => id),
    });
    closers.push(() => keeper.close());
    const evidence = (route: string) => numbersOf(serving, route);
    const changes = await openChanges({ ledger, evidence, now, onProblem: raised });
    const control = await openControl({ table, flags, ledger, changes, now, onProblem: raised });
    const stages = followStages({ table, control, serving });
    const plans = await startPlans({
      settings,
      control,
      store: ledger.plans,
      serving,
      metrics,
      log,
      pace,
      now,
      raised,
    });
    closers.push(() => plans.close());
    const { rules, ruleWatch, follower } = await openRules({
      ...{ settings, ledger, changes, serving, metrics, log, now, raised },
    });
    closers.push(ruleWatch.close, follower.close);
    const follow = { settings, control, stages, ruleWatch, serving, metrics, log };
    const reloader = configFile === undefined ? undefined : followConfig(configFile, follow);
    closers.push(() => reloader?.close());
    const flips = await startFlips({ store: ledger.flips, control, serving, table, now, raised });
    closers.push(() => flips.close());
    const operator = createOperatorServer({
      ...{ settings, tokens, control, rules, ruleWatch, flags, ledger, serving, flips, plans },
      ...{ metrics, log, now, raised },
      configProblem: () => reloader?.problem(),
      evidenceProblem: keeper.problem,
    });

    const operatorAddress = await operator.listen(config.operator.listen);
    closers.push(() => operator.close());
    closers.push(() => serving.close());
    const trafficAddress = await serving.start(control, config.listen);
    closers.push(() => operator.drain());
    return {
      listening: { traffic: trafficAddress, operator: operatorAddress },
      reload: async () => void (await reloader?.reload()),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type RuleDeps = Pick<ServingDeps, 'metrics' | 'log' | 'now' | 'raised'> & {
  readonly settings: SettingsHolder;
  readonly ledger: GatewayLedger;
  readonly changes: Changes;
  readonly serving: Serving;
};

/** Operators' rules, as this gateway and others with the same ledger make them; and a watch over how long they last. */
async function openRules({ settings, ledger, changes, serving, metrics, log, now, raised }: RuleDeps) {
  const table = () => settings.current.table;
  const rules = await openOperatorRules({ ledger, changes, table, now, apply: settings.amend });
  const list = () => listRules(settings.current.given.routes, rules, now());
  const ruleWatch = watchRules({ list, metrics, log });
  ruleWatch.check();
  rules.onChange(ruleWatch.check);
  const follower = followRules({ rules, onChange: () => void serving.settled(), raised });
  return { rules, ruleWatch, follower };
}

interface HealthDeps {
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly onHealth: () => void;
}

/** The configuration in force, with upstreams whose health is looked at. */
function watchedSettings(config: GatewayConfig, { metrics, log, onHealth }: HealthDeps): SettingsHolder {
  return createSettings(config, (side, upstream) =>
    startHealthCheck(upstream, (healthy) => {
      metrics.upstreamUp.set({ side }, healthy ? 1 : 0);
      log[healthy ? 'info' : 'warn']({ side, healthy }, 'upstream health');
      onHealth();
    }),
  );
}

/** Serves in this process, or by workers where the configuration wants more than one. */
async function chooseServing(deps: ServingDeps): Promise<Serving> {
  const { workers } = deps.settings.current.config;
  const count = workers === 'auto' ? availableParallelism() : workers;
  if (count === 1) return serveHere(deps);
  // Loaded only then: a single process does without all of it.
  const { serveByWorkers } = await import('./cluster/serving.ts');
  return serveByWorkers(deps, count);
}

interface StageFollower {
  /** To be called when the routes have changed. */
  adoptRoutes(): void;
}

/** Has evidence begin anew with each stage, and with each rollback and its end. */
function followStages({ table, control, serving }: StageDeps): StageFollower {
  const { evidence } = serving;
  const enter = () => {
    for (const { id } of table().routes) {
      const { stage, override } = control.route(id);
      evidence.enter(id, override ? `forced to ${override.side}` : stage);
    }
  };
  control.onChange(enter);
  enter();
  return {
    adoptRoutes() {
      evidence.retain(new Set(table().routes.map(({ id }) => id)));
      enter();
    },
  };
}

interface StageDeps {
  readonly table: () => RouteTable;
  readonly control: Control;
  readonly serving: Serving;
}

interface FollowDeps {
  readonly settings: SettingsHolder;
  readonly control: Control;
  readonly stages: StageFollower;
  readonly ruleWatch: RuleWatch;
  readonly serving: Serving;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
}

function followConfig(file: string, deps: FollowDeps): Reloader {
  const { settings, control, stages, ruleWatch, serving, metrics, log } = deps;
  metrics.configLoaded.setToCurrentTime();
  return createReloader({
    file,
    async apply(config) {
      const fixed = settings.replace(config);
      if (fixed.length > 0) return fixed;
      await control.adoptRoutes();
      stages.adoptRoutes();
      ruleWatch.check();
      await serving.settled();
      return [];
    },
    onOutcome({ result, problem }) {
      metrics.configReloads.inc({ result });
      if (result === 'applied') metrics.configLoaded.setToCurrentTime();
      log[problem === undefined ? 'info' : 'error']({ file, result, problem }, 'configuration');
    },
  });
}

/** What is known of a route, as an audit entry keeps it: the numbers, with the most frequent differences only. */
function numbersOf({ evidence, traffic }: Serving, route: string) {
  const brief = <E extends { readonly differences: readonly unknown[] }>(found: E) => ({
    ...found,
    differences: found.differences.slice(0, 10),
  });
  const { streams, ...comparison } = evidence.of(route);
  return {
    comparison: { ...brief(comparison), ...(streams ? { streams: { ...brief(streams), samples: [] } } : {}) },
    traffic: traffic.of(route),
  };
}
