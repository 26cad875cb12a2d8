// All that one process needs to serve traffic: the listener, open streams, breakers and the mirror.
import { setTimeout as delay } from 'node:timers/promises';
import { readSigningKeys } from '../config/load-gateway.ts';
import { type Breakers, createBreakers } from './breakers.ts';
import type { RateLimiter } from './http/rate-limit.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createDryRuns } from './mirror/dry-run.ts';
import type { EvidenceSink } from './mirror/evidence.ts';
import type { IdMap } from './mirror/id-map.ts';
import { createMirror, type Mirror } from './mirror/mirror.ts';
import { createUpgradeProxy } from './proxy/upgrade.ts';
import type { GatewayLog } from './request-log.ts';
import type { FlagReader, ForcedSides } from './routing/decide.ts';
import { SIDES } from './routing/side.ts';
import { createTrafficServer } from './server.ts';
import type { CurrentSettings } from './settings.ts';
import { createOpenStreams, type OpenStreams } from './streams/open-streams.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { Traffic } from './traffic.ts';

export interface DataPathDeps {
  readonly settings: CurrentSettings;
  readonly isEnabled: FlagReader;
  readonly forced: ForcedSides;
  readonly ids: IdMap;
  readonly evidence: EvidenceSink;
  readonly traffic: Pick<Traffic, 'count'>;
  readonly tracing: Tracing | undefined;
  /** Closed with the data path. */
  readonly rates: RateLimiter;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

export interface DataPath {
  readonly mirror: Mirror;
  readonly streams: OpenStreams;
  readonly breakers: Breakers;
  /** Starts listening; answers `host:port` as bound. @throws when the address cannot be bound. */
  listen(hostPort: string): Promise<string>;
  /** Brings those gauges up to date that are read only when somebody asks. */
  measure(): void;
  /** Takes nothing new, lets requests and streams in flight finish, then the copies under way. */
  close(): Promise<void>;
}

export function createDataPath(deps: DataPathDeps): DataPath {
  const { settings, isEnabled, forced, ids, evidence, metrics, log, raised, now } = deps;
  const breakers = createBreakers((route, side, open) => {
    metrics.breakerOpen.set({ route, side }, open ? 1 : 0);
    log.warn({ route, side, open }, 'circuit breaker');
  });
  const mirror = createMirror({
    ...{ ids, evidence, raised, now },
    limits: settings.current.config.mirror,
    upstreams: () => settings.current.upstreams.copying,
    dryRuns: createDryRuns({
      keys: readSigningKeys(settings.current.config, 'configuration'),
      upstreams: () => settings.current.config.upstreams,
      nowMs: () => now().getTime(),
    }),
    onOutcome(route, outcome, reason) {
      metrics.outcomes.inc({ route, outcome });
      if (reason) metrics.dropped.inc({ route, reason });
    },
  });
  const streams = createOpenStreams({ table: () => settings.current.table, forced, isEnabled, metrics, now });
  const server = createTrafficServer({ ...deps, breakers, mirror, streams, upgrades: createUpgradeProxy() });
  return {
    mirror,
    streams,
    breakers,
    listen: (hostPort) => server.listen(hostPort),
    measure() {
      metrics.mirrorWaiting.set(mirror.waiting);
      metrics.mirrorWaitingBytes.set(mirror.waitingBytes);
      for (const side of SIDES) metrics.mirrorAllowedShare.set({ side }, mirror.allowedShare[side]);
    },
    async close() {
      server.shed();
      await delay(settings.current.config.shutdown.delayMs);
      await server.close();
      await mirror.close();
      deps.rates.close();
      await deps.tracing?.close();
    },
  };
}
