// Puts a gateway together from its configuration, and takes it apart again.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import type { Logger } from '../config/log.ts';
import { createBreakers } from './breakers.ts';
import { ALL_ROUTES } from './ledger/ledger.ts';
import { openSqliteLedger } from './ledger/sqlite.ts';
import { createMetrics, type GatewayMetrics } from './metrics.ts';
import { createEvidence } from './mirror/evidence.ts';
import { createMirror } from './mirror/mirror.ts';
import { createOperatorServer } from './operator/server.ts';
import { createUpgradeProxy } from './proxy/upgrade.ts';
import { createReloader, type Reloader } from './reload.ts';
import { type Control, openControl } from './rollout/control.ts';
import { openFileFlags } from './rollout/flags.ts';
import { createTrafficServer } from './server.ts';
import { createSettings, type SettingsHolder } from './settings.ts';
import { createTraffic } from './traffic.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** Operators' tokens by the name of their variable. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly log: Logger;
  /** The file that the configuration came from, to be followed when it changes. */
  readonly configFile?: string;
  readonly now?: () => Date;
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
  const { config, tokens, log, configFile, now = () => new Date() } = options;
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

    const ledger = await openSqliteLedger(config.ledger.replace(/^sqlite:/, ''));
    closers.push(() => ledger.close());
    const flags = await openFileFlags(config.flags.file);
    closers.push(() => flags.close());
    const evidence = createEvidence(now);
    const traffic = createTraffic(() => now().getTime());
    const evidenceOf = (scope: string) =>
      scope === ALL_ROUTES ? null : { comparison: briefly(evidence.of(scope)), traffic: traffic.of(scope) };
    const settings = createSettings(config, (side, healthy) => {
      metrics.upstreamUp.set({ side }, healthy ? 1 : 0);
      log[healthy ? 'info' : 'warn']({ side, healthy }, 'upstream health');
    });
    closers.push(() => settings.close());
    const table = () => settings.current.table;
    const control = await openControl({ table, flags, ledger, evidence: evidenceOf, now, onProblem: raised });

    const breakers = createBreakers((route, side, open) => {
      metrics.breakerOpen.set({ route, side }, open ? 1 : 0);
      log.warn({ route, side, open }, 'circuit breaker');
    });
    const mirror = createMirror({
      ...{ evidence, raised, now, limits: config.mirror, upstreams: () => settings.current.upstreams.copying },
      onOutcome(route, outcome, reason) {
        metrics.outcomes.inc({ route, outcome });
        if (reason) metrics.dropped.inc({ route, reason });
      },
    });
    closers.push(() => mirror.close());

    const isEnabled = flags.isEnabled;
    const reloader =
      configFile === undefined ? undefined : followConfig(configFile, { settings, control, metrics, log });
    closers.push(() => reloader?.close());
    const configProblem = () => reloader?.problem();
    const shared = { settings, isEnabled, forced: control.forced, mirror, metrics, traffic, log };
    const server = createTrafficServer({ ...shared, breakers, upgrades: createUpgradeProxy() });
    const operator = createOperatorServer({
      ...shared,
      ...{ tokens, control, flags, ledger, evidence, configProblem, now, raised },
    });

    const operatorAddress = await operator.listen(config.operator.listen);
    closers.push(() => operator.close());
    const trafficAddress = await server.listen(config.listen);
    closers.push(() => server.close());
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

interface FollowDeps {
  readonly settings: SettingsHolder;
  readonly control: Control;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

function followConfig(file: string, { settings, control, metrics, log }: FollowDeps): Reloader {
  metrics.configLoaded.setToCurrentTime();
  return createReloader({
    file,
    async apply(config) {
      const fixed = settings.replace(config);
      if (fixed.length === 0) await control.adoptRoutes();
      return fixed;
    },
    onOutcome({ result, problem }) {
      metrics.configReloads.inc({ result });
      if (result === 'applied') metrics.configLoaded.setToCurrentTime();
      log[problem === undefined ? 'info' : 'error']({ file, result, problem }, 'configuration');
    },
  });
}

/** Evidence as an audit entry keeps it: the numbers, with the most frequent differences only. */
function briefly<T extends { readonly differences: readonly unknown[] }>(evidence: T): T {
  return { ...evidence, differences: evidence.differences.slice(0, 10) };
}
