// Puts a gateway together from its configuration, and takes it apart again.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import type { Logger } from '../config/log.ts';
import { createBreakers } from './breakers.ts';
import { ALL_ROUTES } from './ledger/ledger.ts';
import { openSqliteLedger } from './ledger/sqlite.ts';
import { createMetrics } from './metrics.ts';
import { createEvidence } from './mirror/evidence.ts';
import { createMirror } from './mirror/mirror.ts';
import { createOperatorServer } from './operator/server.ts';
import { compileEdge } from './proxy/edge.ts';
import { createUpgradeProxy } from './proxy/upgrade.ts';
import { openControl } from './rollout/control.ts';
import { openFileFlags } from './rollout/flags.ts';
import { compileIdentity } from './routing/identity.ts';
import { compileRoutes } from './routing/route.ts';
import { createTrafficServer } from './server.ts';
import { createTraffic } from './traffic.ts';
import { openUpstreams } from './upstreams.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** Operators' tokens by the name of their variable. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly log: Logger;
  readonly now?: () => Date;
}

export interface Gateway {
  /** Addresses as bound. */
  readonly listening: { readonly traffic: string; readonly operator: string };
  /** Stops cleanly: unready, requests in flight finish, then everything is closed. */
  close(): Promise<void>;
}

/** Starts both listeners. @throws when state cannot be opened or an address cannot be bound; nothing is left open then. */
export async function startGateway({ config, tokens, log, now = () => new Date() }: GatewayOptions): Promise<Gateway> {
  const closers: (() => void | Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    const metrics = createMetrics();
    const table = compileRoutes(config.routes);
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
    const control = await openControl({ table, flags, ledger, evidence: evidenceOf, now, onProblem: raised });

    const upstreams = openUpstreams(config, (side, healthy) => {
      metrics.upstreamUp.set({ side }, healthy ? 1 : 0);
      log[healthy ? 'info' : 'warn']({ side, healthy, problem: upstreams.health[side].problem }, 'upstream health');
    });
    closers.push(() => upstreams.close());
    const breakers = createBreakers((route, side, open) => {
      metrics.breakerOpen.set({ route, side }, open ? 1 : 0);
      log.warn({ route, side, open }, 'circuit breaker');
    });
    const mirror = createMirror({
      ...{ evidence, raised, now, limits: config.mirror, upstreams: upstreams.copying },
      onOutcome(route, outcome, reason) {
        metrics.outcomes.inc({ route, outcome });
        if (reason) metrics.dropped.inc({ route, reason });
      },
    });
    closers.push(() => mirror.close());

    const isEnabled = flags.isEnabled;
    const identity = compileIdentity(config.identity);
    const edge = compileEdge(config);
    const shared = { table, identity, edge, isEnabled, forced: control.forced, mirror, metrics, traffic, log };
    const server = createTrafficServer({
      ...shared,
      ...{ config, breakers, upstreams: upstreams.serving, expose: config.expose, upgrades: createUpgradeProxy() },
      isDown: (side) => upstreams.health[side].healthy === false,
    });
    const operator = createOperatorServer({
      ...shared,
      config,
      tokens,
      control,
      flags,
      ledger,
      evidence,
      upstreams,
      now,
      raised,
    });

    const operatorAddress = await operator.listen(config.operator.listen);
    closers.push(() => operator.close());
    const trafficAddress = await server.listen(config.listen);
    closers.push(() => server.close());
    closers.push(() => operator.drain());
    return { listening: { traffic: trafficAddress, operator: operatorAddress }, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Evidence as an audit entry keeps it: the numbers, with the most frequent differences only. */
function briefly<T extends { readonly differences: readonly unknown[] }>(evidence: T): T {
  return { ...evidence, differences: evidence.differences.slice(0, 10) };
}
