// Puts a gateway together from its configuration, and takes it apart again.
import { availableParallelism, hostname } from 'node:os';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { readOperatorSecrets } from '../config/load-gateway.ts';
import { createAuditNumbers } from './audit-numbers.ts';
import { startDeployments } from './deployments.ts';
import { keepEvidence } from './evidence-keeper.ts';
import { startFlips } from './flips.ts';
import { createJobs } from './jobs/jobs.ts';
import { openKeptIds } from './kept-ids.ts';
import type { AuditEntry } from './ledger/ledger.ts';
import { openLedger } from './ledger/open.ts';
import { createLoadRuns } from './load-runs/load-runs.ts';
import { createMetrics, type GatewayMetrics } from './metrics.ts';
import { type Notices, openNotices } from './notices.ts';
import { openRules } from './open-rules.ts';
import { createOperators, type Operators } from './operator/access/operators.ts';
import { CONSOLE_DIR, loadConsole } from './operator/console.ts';
import { createOperatorServer } from './operator/server.ts';
import { type PlansPace, startPlans } from './plans.ts';
import { startHealthCheck } from './proxy/health.ts';
import { createReloader, type Reloader } from './reload.ts';
import type { GatewayLog } from './request-log.ts';
import { openChanges } from './rollout/changes.ts';
import { type Control, openControl } from './rollout/control.ts';
import { openFlags } from './rollout/open-flags.ts';
import type { RouteTable } from './routing/route.ts';
import type { RuleWatch } from './rule-watch.ts';
import { type Serving, type ServingDeps, serveHere } from './serving.ts';
import { createSettings, type SettingsHolder } from './settings.ts';
import { countFlip, showStages } from './stage-metrics.ts';
import { keepTrafficHistory } from './traffic-history.ts';
import { watchAround } from './watch-around.ts';
import { openKeptWrites } from './writes/kept-writes.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** The secrets that `operator` names, by the name of their variable. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly log: GatewayLog;
  /** The file that the configuration came from, to be followed when it changes. */
  readonly configFile?: string;
  /** Where the console was built, unless where it always is. */
  readonly consoleDir?: string;
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

interface Closable {
  close(): void | Promise<void>;
}

/** Starts both listeners. @throws when state cannot be opened or an address cannot be bound; nothing is left open then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, tokens, log, configFile, now = () => new Date(), pace = {} } = options;
  const closers: (() => void | Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  /** Has a part closed when all is taken apart, before those that it was made from. */
  const opened = <Part extends Closable>(part: Part): Part => {
    closers.push(() => part.close());
    return part;
  };
  try {
    const metrics = createMetrics();
    const raised = reporter(metrics, log);
    const ledger = opened(await (options.openLedger ?? openLedger)(config.ledger, config.ledgerJournal));
    const instance = `${hostname()}:${process.pid}`;
    const notices = opened(await openNotices({ config, instance, metrics, log, now }));
    const flags = opened(await openFlags(config.flags));
    let healthChanged = () => {};
    const settings = opened(openSettings(config, { metrics, log, onHealth: () => healthChanged() }));
    const pairsMax = config.mirror.idPairsMax;
    const ids = opened(await openKeptIds({ store: ledger.ids, pairsMax, metrics, raised }));
    const nowMs = () => now().getTime();
    const writes = opened(
      await openKeptWrites({ store: ledger.writes, metrics, nowMs, raised, changes: () => changes }),
    );
    const serving = await chooseServing({ settings, flags, ids, tally: writes.tally, metrics, log, raised, now });
    healthChanged = () => void serving.settled();

    const table = () => settings.current.table;
    const routeIds = () => table().routes.map(({ id }) => id);
    const { days: sampleDays } = config.samples;
    const keeping = { evidence: serving.evidence, store: ledger.evidence, routes: routeIds, sampleDays };
    const keeper = opened(await keepEvidence({ ...keeping, metrics, now, raised }));
    const history = opened(keepTrafficHistory({ traffic: serving.traffic, routes: routeIds, nowMs }));
    const evidence = createAuditNumbers({ serving, writes, routes: routeIds });
    const auditing = { ledger, evidence, instance, now, onAudited: toldOf(metrics, notices) };
    const changes = await openChanges({ ...auditing, onProblem: raised });
    const control = await openControl({ table, flags, ledger, changes, now, onProblem: raised });
    const stages = followStages({ table, control, serving, metrics });
    const store = ledger.plans;
    const plans = opened(
      await startPlans({ settings, control, store, serving, metrics, log, notices, pace, now, raised }),
    );
    const deploying = { settings, store, changes, serving, plans, metrics, log, pace, now, raised };
    const deployments = opened(await startDeployments(deploying));
    closers.push(watchAround({ settings, flags, control, keeper, plans, writes, notices, now, raised }));
    const ruling = { settings, ledger, changes, serving, metrics, log, notices, now, raised };
    const { rules, ruleWatch } = opened(await openRules(ruling));
    const operators = createOperators(config.operator, tokens);
    const follow = { settings, operators, control, stages, ruleWatch, serving, metrics, log, notices };
    const reloader = configFile === undefined ? undefined : opened(followConfig(configFile, follow));
    const flips = opened(await startFlips({ store: ledger.flips, control, deployments, serving, table, now, raised }));
    const operator = createOperatorServer({
      console: await loadConsole(options.consoleDir ?? CONSOLE_DIR),
      ...{ settings, operators, control, rules, ruleWatch, flags, ledger, serving, flips, history, plans, metrics },
      ...{ log, now, raised, instance, notifier: notices.notifier, writes, deployments },
      jobs: createJobs({ settings, control, changes, now }),
      loadRuns: createLoadRuns(() => settings.current.config.loadRuns),
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

/** Counts and logs failures of the gateway itself. */
function reporter(metrics: GatewayMetrics, log: GatewayLog): (operation: string, error: unknown) => void {
  return (operation, error) => {
    metrics.raised.inc({ operation });
    log.error({ operation, err: error }, 'internal error');
  };
}

/** Who hears of what was audited. */
function toldOf(metrics: GatewayMetrics, notices: Pick<Notices, 'audited'>) {
  return (entry: AuditEntry, isStored: boolean): void => {
    countFlip(metrics, entry, isStored);
    notices.audited(entry, isStored);
  };
}

/** Settings whose upstreams are asked how they are. */
function openSettings(config: GatewayConfig, { metrics, log, onHealth }: HealthDeps): SettingsHolder {
  const holder: SettingsHolder = createSettings(config, (side, upstream) =>
    startHealthCheck(upstream, (healthy) => {
      const isServing = holder.current.config.upstreams[side].url === upstream.url;
      if (isServing) metrics.upstreamUp.set({ side }, healthy ? 1 : 0);
      log[healthy ? 'info' : 'warn']({ side, healthy, url: upstream.url }, 'upstream health');
      onHealth();
    }),
  );
  return holder;
}

interface HealthDeps {
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly onHealth: () => void;
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
function followStages({ table, control, serving, metrics }: StageDeps): StageFollower {
  const { evidence } = serving;
  const enter = () => {
    const states = table().routes.map(({ id }) => control.route(id));
    showStages(metrics, states);
    for (const { id, stage, override } of states) {
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
  readonly metrics: GatewayMetrics;
}

interface FollowDeps {
  readonly settings: SettingsHolder;
  readonly operators: Operators;
  readonly control: Control;
  readonly stages: StageFollower;
  readonly ruleWatch: RuleWatch;
  readonly serving: Serving;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly notices: Pick<Notices, 'configRefused'>;
}

function followConfig(file: string, deps: FollowDeps): Reloader {
  const { settings, operators, control, stages, ruleWatch, serving, metrics, log, notices } = deps;
  metrics.configLoaded.setToCurrentTime();
  return createReloader({
    file,
    async apply(config) {
      const secrets = readOperatorSecrets(config, file);
      const fixed = settings.replace(config);
      if (fixed.length > 0) return fixed;
      operators.follow(config.operator, secrets);
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
      if (problem !== undefined) notices.configRefused(problem);
    },
  });
}
