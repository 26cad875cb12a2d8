// What the workers report, put together: the figures that operators and audit entries read.

import { countSides, type Side } from '../routing/side.ts';
import type { Serving, ServingDeps } from '../serving.ts';
import type { StreamCounts } from '../streams/registry.ts';
import { createTraffic, type Traffic } from '../traffic.ts';
import { createMergedEvidence, WORKER_LOST } from './merged-evidence.ts';
import { createMergedMetrics } from './merged-metrics.ts';
import type { MetricsSnapshot, Report, WorkerGauges } from './messages.ts';
import { takeIds } from './shared-ids.ts';

export interface Reports {
  readonly figures: Pick<Serving, 'evidence' | 'traffic' | 'streams' | 'mirror' | 'openBreakers' | 'inFlight'>;
  take(worker: number, report: Report): void;
  takeMetrics(worker: number, snapshot: MetricsSnapshot): void;
  /** Requests that a worker has answered. */
  answered(worker: number): number;
  /** The worker has ended, and all that it said has been taken. */
  retire(worker: number): void;
  metricsText(): Promise<string>;
}

interface Standing {
  gauges: WorkerGauges;
  openBreakers: ReadonlyMap<string, readonly Side[]>;
  readonly streams: Map<string, StreamCounts>; // One per configured route.
}

const NOTHING: WorkerGauges = {
  answered: 0,
  inFlight: { legacy: 0, new: 0 },
  mirrorWaiting: 0,
  mirrorWaitingBytes: 0,
  mirrorAllowedShare: { legacy: 1, new: 1 },
};

export function createReports({
  settings,
  ids,
  tally,
  metrics,
  now,
}: Pick<ServingDeps, 'settings' | 'ids' | 'tally' | 'metrics' | 'now'>): Reports {
  const evidence = createMergedEvidence(now, { sampleDays: settings.current.config.samples.days });
  const traffic = createTraffic(() => now().getTime());
  const merged = createMergedMetrics(metrics.registry);
  const standings = new Map<number, Standing>(); // One per worker.
  const sum = (of: (gauges: WorkerGauges) => number) =>
    [...standings.values()].reduce((total, { gauges }) => total + of(gauges), 0);

  const leastShare = (side: Side) =>
    Math.min(1, ...[...standings.values()].map(({ gauges }) => gauges.mirrorAllowedShare[side]));

  return {
    figures: {
      evidence,
      traffic,
      streams: {
        counts: (route) => addStreams([...standings.values()].flatMap(({ streams }) => streams.get(route) ?? [])),
      },
      mirror: {
        get waiting() {
          return sum(({ mirrorWaiting }) => mirrorWaiting);
        },
        get waitingBytes() {
          return sum(({ mirrorWaitingBytes }) => mirrorWaitingBytes);
        },
        get allowedShare() {
          return { legacy: leastShare('legacy'), new: leastShare('new') };
        },
      },
      openBreakers: (route) =>
        countSides([...standings.values()].map(({ openBreakers }) => openBreakers.get(route) ?? [])),
      inFlight: (side) => sum(({ inFlight }) => inFlight[side]),
    },
    take(worker, report) {
      const standing = standings.get(worker) ?? { gauges: NOTHING, openBreakers: new Map(), streams: new Map() };
      standings.set(worker, standing);
      standing.gauges = report.gauges;
      standing.openBreakers = new Map(report.openBreakers);
      for (const [route, counts] of report.streams) standing.streams.set(route, counts);
      evidence.add(worker, report.evidence);
      takeRequests(traffic, report);
      takeIds(ids.ids, report.ids);
      tally.add(report.writes);
      metrics.unreported.inc(report.unreported);
    },
    takeMetrics: (worker, snapshot) => merged.update(worker, snapshot),
    answered: (worker) => standings.get(worker)?.gauges.answered ?? 0,
    retire(worker) {
      standings.delete(worker);
      merged.retire(worker);
      for (const [route, lost] of evidence.retire(worker)) {
        metrics.outcomes.inc({ route, outcome: 'dropped' }, lost);
        metrics.dropped.inc({ route, reason: WORKER_LOST }, lost);
      }
    },
    metricsText: merged.text,
  };
}

function takeRequests(traffic: Traffic, report: Report): void {
  for (const { route, side, isError, durationsMs } of report.requests) {
    for (const durationMs of durationsMs) traffic.count(route, side, durationMs, isError);
  }
}

/** The streams of several workers as one. Pure. */
export function addStreams(all: readonly StreamCounts[]): StreamCounts {
  const sum = (of: (counts: StreamCounts) => number) => all.reduce((total, counts) => total + of(counts), 0);
  const begun = all.flatMap(({ oldest }) => oldest ?? []).sort();
  return {
    legacy: sum((counts) => counts.legacy),
    new: sum((counts) => counts.new),
    oldSide: sum((counts) => counts.oldSide),
    oldest: begun[0] ?? null,
  };
}
