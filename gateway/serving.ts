// Who serves the traffic that the rest of the gateway decides about and reports on: this process, or workers of its own
// (cluster/).

import { createDataPath, type DataPath } from './data-path.ts';
import { evidenceOf } from './evidence-of.ts';
import { createRateLimiter } from './http/rate-limit.ts';
import type { KeptIds } from './kept-ids.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { EvidenceBook } from './mirror/evidence.ts';
import type { Mirror } from './mirror/mirror.ts';
import type { GatewayLog } from './request-log.ts';
import type { Flags } from './rollout/flags.ts';
import type { ForcedSides } from './routing/decide.ts';
import { UNROUTED } from './routing/route.ts';
import { countSides, type Side } from './routing/side.ts';
import type { CurrentSettings } from './settings.ts';
import type { OpenStreams } from './streams/open-streams.ts';
import type { StreamCounts } from './streams/registry.ts';
import { openTracing } from './tracing/open.ts';
import { createTraffic, type Traffic } from './traffic.ts';
import type { WriteTally } from './writes/write-tally.ts';

/** A process that serves traffic. */
export interface Instance {
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly state: 'starting' | 'serving';
  /** The latest version of flags, overrides and configuration that it follows; 0 before it has said so. */
  readonly version: number;
  /** Requests that it has answered. */
  readonly requests: number;
}

/** How far a change has come: how many of the processes that serve follow it. */
export interface Acknowledged {
  readonly version: number;
  readonly workers: number;
  readonly of: number;
}

/** What decides about requests, and says when a decision may have changed. */
export interface Decisions {
  readonly forced: ForcedSides;
  onChange(listener: () => void): void;
}

/** Reading never waits, and is late by a fraction of a second at most. */
export interface Serving {
  readonly evidence: EvidenceBook;
  readonly traffic: Pick<Traffic, 'of' | 'totals' | 'lastMs' | 'requests'>;
  readonly streams: Pick<OpenStreams, 'counts'>;
  readonly mirror: Pick<Mirror, 'waiting' | 'waitingBytes' | 'allowedShare'>;
  /** How many of the processes that serve leave each side of a route alone, because it keeps failing. */
  openBreakers(routeId: string): Readonly<Record<Side, number>>;
  /** Requests under way to a side. */
  inFlight(side: Side): number;
  instances(): readonly Instance[];
  /** How many processes are to serve. */
  readonly wanted: number;
  /** Why fewer processes serve than should, or undefined. */
  problem(): string | undefined;
  /** The metrics of all processes in Prometheus' text format. */
  scrape(): Promise<string>;
  /** Listens, serves as `decisions` say and follows their changes; answers `host:port` as bound. To be called once. */
  start(decisions: Decisions, hostPort: string): Promise<string>;
  /**
   * Resolves when what is in force now is followed by all who serve, and answers how many of them said so; undefined where
   * no other process is needed for it. Never rejects, and never waits for long: who does not follow is replaced.
   */
  settled(): Promise<Acknowledged | undefined>;
  /** Takes nothing new, lets what is under way finish. */
  close(): Promise<void>;
}

export interface ServingDeps {
  readonly settings: CurrentSettings;
  readonly flags: Flags;
  readonly ids: Pick<KeptIds, 'ids' | 'onChange'>;
  /** Takes the writes that the new side accepts. */
  readonly tally: Pick<WriteTally, 'count' | 'add'>;
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

const NO_STREAMS: StreamCounts = { legacy: 0, new: 0, oldSide: 0, oldest: null };

/** Serves in this process. */
export function serveHere(deps: ServingDeps): Serving {
  const { settings, flags, metrics, now } = deps;
  const evidence = evidenceOf(settings, now);
  const traffic = createTraffic(() => now().getTime());
  const { rateLimitStore } = settings.current.config;
  const rates = createRateLimiter(rateLimitStore === 'memory' ? undefined : rateLimitStore, deps.raised);
  const startedAt = now().toISOString();
  let path: DataPath | undefined;
  const requests = () =>
    [UNROUTED, ...settings.current.table.routes.map(({ id }) => id)].reduce((sum, id) => sum + traffic.requests(id), 0);

  return {
    evidence,
    traffic,
    streams: { counts: (routeId) => path?.streams.counts(routeId) ?? NO_STREAMS },
    mirror: {
      get waiting() {
        return path?.mirror.waiting ?? 0;
      },
      get waitingBytes() {
        return path?.mirror.waitingBytes ?? 0;
      },
      get allowedShare() {
        return path?.mirror.allowedShare ?? { legacy: 1, new: 1 };
      },
    },
    openBreakers: (routeId) => countSides([path?.breakers.open(routeId) ?? []]),
    inFlight: (side) => settings.current.upstreams.serving[side].inFlight,
    instances: () => [
      { pid: process.pid, startedAt, state: path ? 'serving' : 'starting', version: 0, requests: requests() },
    ],
    wanted: 1,
    problem: () => undefined,
    async scrape() {
      path?.measure();
      return metrics.registry.metrics();
    },
    async start(decisions, hostPort) {
      const { forced } = decisions;
      rates.follow(settings.current.config);
      const tracing = await openTracing(settings.current.config, deps);
      const { ids } = deps.ids;
      const begun = createDataPath({
        ...{ ...deps, ids, isEnabled: flags.isEnabled, forced, evidence, traffic, tracing, rates },
      });
      decisions.onChange(begun.redecide);
      const address = await begun.listen(hostPort);
      path = begun;
      metrics.workers.set(1);
      return address;
    },
    async settled() {
      rates.follow(settings.current.config);
      path?.redecide();
      return undefined;
    },
    async close() {
      await path?.close();
    },
  };
}
