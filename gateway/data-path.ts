// All that one process needs to serve traffic: the listener, open streams, breakers and the mirror.
import { setTimeout as delay } from 'node:timers/promises';
import { readSigningKeys } from '../config/load-gateway.ts';
import { type Breakers, createBreakers } from './breakers.ts';
import type { RateLimiter } from './http/rate-limiter.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createCompareBudget } from './mirror/budget.ts';
import { createStreamComparing } from './mirror/compare-streams.ts';
import { createComparer } from './mirror/comparer.ts';
import { createDryRuns } from './mirror/dry-run.ts';
import type { EvidenceSink } from './mirror/evidence.ts';
import type { IdMap } from './mirror/id-map.ts';
import { createMirror, type Mirror } from './mirror/mirror.ts';
import { messageOutcomeOf, type StreamFinding } from './mirror/stream-counts.ts';
import { createUpgradeProxy } from './proxy/upgrade.ts';
import type { GatewayLog } from './request-log.ts';
import { decide, type FlagReader, type ForcedSides } from './routing/decide.ts';
import { SIDES } from './routing/side.ts';
import { createTrafficServer } from './server.ts';
import { type CurrentSettings, settingsFor } from './settings.ts';
import { createOpenStreams, type OpenStreams } from './streams/open-streams.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { Traffic } from './traffic.ts';
import { createWriteCounter } from './writes/count-writes.ts';
import type { WriteTally } from './writes/write-tally.ts';

export interface DataPathDeps {
  readonly settings: CurrentSettings;
  readonly isEnabled: FlagReader;
  readonly forced: ForcedSides;
  readonly ids: IdMap;
  readonly evidence: EvidenceSink;
  readonly traffic: Pick<Traffic, 'count'>;
  readonly tracing: Tracing | undefined;
  /** Takes the writes that the new side accepts. */
  readonly tally: Pick<WriteTally, 'count'>;
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
  /** Decides what is open again, after a change that may move a side. */
  redecide(): void;
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
  const budget = createCompareBudget(settings.current.config.mirror.compareCpuPercent, () => now().getTime());
  const comparer = createComparer({ now, raised, spend: budget.spend });
  const table = () => settings.current.table;
  const routeOf = (id: string) => table().byId(id);
  const mirror = createMirror({
    ...{ ids, evidence, raised, now, budget, comparer, routeOf },
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
  const versionOf = (identity: string) => settingsFor(settings.current, { side: 'new' }, identity).version;
  const streams = createOpenStreams({ table, forced, isEnabled, versionOf, metrics, now });
  const comparing = createStreamComparing({
    ...{ budget, comparer, raised, routeOf },
    upstreams: () => settings.current.upstreams.streaming,
    configs: () => settings.current.config.upstreams,
    decide(routeId, identity) {
      const route = routeOf(routeId);
      return route && decide(route, identity, forced, isEnabled);
    },
    found(route, finding, shown) {
      evidence.streamed(route, finding, shown);
      measureFinding(metrics, route, finding);
    },
    failed: (route, requestId, cause) => log.info({ route, requestId, cause }, 'compared stream not opened'),
  });
  const writes = createWriteCounter({ tally: deps.tally, nowMs: () => now().getTime(), raised });
  const serves = { breakers, mirror, streams, comparing, writes };
  const server = createTrafficServer({ ...deps, ...serves, upgrades: createUpgradeProxy() });
  return {
    mirror,
    streams,
    breakers,
    redecide() {
      streams.redecide();
      comparing.redecide();
    },
    listen: (hostPort) => server.listen(hostPort),
    measure() {
      metrics.mirrorWaiting.set(mirror.waiting);
      metrics.mirrorWaitingBytes.set(mirror.waitingBytes);
      for (const side of SIDES) metrics.mirrorAllowedShare.set({ side }, mirror.allowedShare[side]);
    },
    async close() {
      server.shed();
      comparing.close();
      await delay(settings.current.config.shutdown.delayMs);
      await server.close();
      await mirror.close();
      deps.rates.close();
      await deps.tracing?.close();
    },
  };
}

function measureFinding(
  { comparedStreams, comparedMessages, messageLag }: GatewayMetrics,
  route: string,
  finding: StreamFinding,
) {
  if (finding.kind === 'begun') comparedStreams.inc({ route, outcome: 'begun' });
  else if (finding.kind === 'single') comparedMessages.inc({ route, outcome: finding.outcome }, finding.count);
  else if (finding.kind === 'pair') {
    const { verdict, isLate, isReordered, lagMs } = finding;
    comparedMessages.inc({ route, outcome: 'dropped' in verdict ? 'dropped' : messageOutcomeOf(verdict.outcome) });
    if (isLate) comparedMessages.inc({ route, outcome: 'late' });
    if (isReordered) comparedMessages.inc({ route, outcome: 'reordered' });
    if (lagMs !== undefined) messageLag.observe({ route }, lagMs / 1000);
  } else comparedStreams.inc({ route, outcome: finding.reason });
}
