// What the process that decides and the workers that serve tell each other. Plain data; in order, each way.
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { GatewayConfig, RateLimitConfig } from '../../config/gateway-schema.ts';
import type { WriteBatchRoute } from '../ledger/write-store.ts';
import type { IdChange } from '../mirror/id-map.ts';
import type { Findings } from '../mirror/route-record.ts';
import type { FeatureFile } from '../rollout/feature.ts';
import type { Side } from '../routing/side.ts';
import type { StreamCounts } from '../streams/registry.ts';
import type { VersionsInForce } from '../versions.ts';

/** Everything that a worker's decisions depend on. Its parts are never changed, only replaced. */
export interface SharedState {
  /** The worker's own share of it, see share.ts. */
  readonly config: GatewayConfig;
  readonly features: FeatureFile;
  readonly forced: ForcedSnapshot;
  readonly health: Readonly<Record<Side, HealthSnapshot>>;
  readonly versions: VersionsInForce | null;
}

export interface ForcedSnapshot {
  readonly all: Side | undefined;
  readonly routes: Readonly<Record<string, Side>>;
}

export interface HealthSnapshot {
  readonly healthy: boolean | undefined;
  readonly problem: string | undefined;
}

export type ToWorker =
  /** The first message: the whole state. */
  | { readonly kind: 'state'; readonly version: number; readonly state: SharedState }
  /** What has changed since the version before. */
  | { readonly kind: 'change'; readonly version: number; readonly change: Partial<SharedState> }
  | { readonly kind: 'listen'; readonly hostPort: string }
  /** Pairs of ids that are known from now on, or no longer. */
  | { readonly kind: 'ids'; readonly changes: readonly IdChange[] }
  /** Asks for the metrics as they are now. */
  | { readonly kind: 'measure'; readonly request: number }
  | { readonly kind: 'consumed'; readonly answers: readonly RateAnswer[] }
  /** Finish what is under way, and end. */
  | { readonly kind: 'stop' }
  /** No connection is on its way to the worker any more: it may end. */
  | { readonly kind: 'released' };

export type FromWorker =
  /** It is loaded, and waits for the state. */
  | { readonly kind: 'loaded' }
  /** Decisions from here on follow this version; what it changed is reported already. */
  | { readonly kind: 'applied'; readonly version: number }
  | { readonly kind: 'listening'; readonly address: string }
  /** It listens no more, and has finished all that it had. */
  | { readonly kind: 'closed' }
  /** It cannot serve, and ends. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Asks whether requests are within their rate limits. */
  | { readonly kind: 'consume'; readonly asks: readonly RateAsk[] }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'metrics'; readonly request: number | undefined; readonly metrics: MetricsSnapshot };

/** One request that counts against a limit; `request` tells it from the worker's others. */
export interface RateAsk {
  readonly request: number;
  readonly limit: RateLimitConfig;
  readonly scope: string;
  readonly identity: string;
}

/** How long its sender should wait; undefined: it may pass. */
export type RateAnswer = readonly [request: number, waitMs: number | undefined];

export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** What happened in a worker since its last report, and how it stands now where that has changed. */
export interface Report {
  readonly requests: readonly AnsweredRequests[];
  /** Requests that are missing above, because there were too many since the last report. */
  readonly unreported: number;
  readonly evidence: readonly Findings[];
  readonly streams: readonly (readonly [route: string, counts: StreamCounts])[];
  /** Writes that the new side has accepted. */
  readonly writes: readonly WriteBatchRoute[];
  /** What this worker has found of pairs of ids. */
  readonly ids: readonly IdChange[];
  /** All that are open: the sides of routes that the worker leaves alone. */
  readonly openBreakers: readonly (readonly [route: string, sides: readonly Side[]])[];
  readonly gauges: WorkerGauges;
}

/** Requests of one route and side that ended alike. */
export interface AnsweredRequests {
  readonly route: string;
  readonly side: Side;
  readonly isError: boolean;
  readonly durationsMs: Float32Array;
}

export interface WorkerGauges {
  /** Requests answered since the worker began. */
  readonly answered: number;
  readonly inFlight: Readonly<Record<Side, number>>;
  readonly mirrorWaiting: number;
  readonly mirrorWaitingBytes: number;
  readonly mirrorAllowedShare: Readonly<Record<Side, number>>;
}
