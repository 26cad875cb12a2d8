// A worker's side of the figures: gathers what requests count and tells the primary a few times a second, off their path.
// Bounded: while a report is not sent the next ones wait, and what does not fit then is counted.
import type { DataPath } from '../data-path.ts';
import type { Evidence } from '../mirror/evidence.ts';
import { UNROUTED } from '../routing/route.ts';
import { SIDES, type Side } from '../routing/side.ts';
import type { CurrentSettings } from '../settings.ts';
import type { StreamCounts } from '../streams/registry.ts';
import type { Traffic } from '../traffic.ts';
import type { Report } from './messages.ts';

const REPORT_INTERVAL_MS = 100;
/** Of a worker's time reporting takes at most one part in so many: large evidence is told less often. */
const COST_FACTOR = 20;
/** Requests between two reports whose durations are kept; a worker answers a tenth of that. */
const REQUESTS_MAX = 20_000;

export interface Reporter {
  /** Where the mirror records; what it finds is reported. */
  readonly evidence: Evidence;
  readonly traffic: Pick<Traffic, 'count'>;
  /** Starts reporting of what serves here. */
  begin(path: Pick<DataPath, 'mirror' | 'streams'>): void;
  /** Reports now. */
  flush(): void;
  /** Reports for the last time. */
  end(): void;
}

export interface ReporterDeps {
  readonly evidence: Evidence;
  readonly settings: CurrentSettings;
  /** `sent` is to be called when there is room for the next report. */
  readonly send: (report: Report, sent: () => void) => void;
}

interface Batch {
  readonly route: string;
  readonly side: Side;
  readonly isError: boolean;
  readonly durationsMs: number[];
}

export function createReporter({ evidence, settings, send }: ReporterDeps): Reporter {
  const batches = new Map<string, Batch>(); // Four per configured route at most.
  const touched = new Set<string>(); // Routes whose evidence has changed.
  const sampled = new Map<string, number>(); // The last sample told, per configured route.
  const streamsTold = new Map<string, StreamCounts>();
  let path: Pick<DataPath, 'mirror' | 'streams'> | undefined;
  let answered = 0;
  let kept = 0;
  let unreported = 0;
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;

  function count(route: string, side: Side, durationMs: number, isError: boolean): void {
    answered++;
    if (kept >= REQUESTS_MAX) {
      unreported++;
      return;
    }
    kept++;
    const key = `${side} ${isError} ${route}`;
    const batch = batches.get(key);
    if (batch) batch.durationsMs.push(durationMs);
    else batches.set(key, { route, side, isError, durationsMs: [durationMs] });
  }

  function newSamples(route: string) {
    const last = sampled.get(route) ?? 0;
    const fresh = evidence.samples(route).filter(({ n }) => n > last);
    sampled.set(route, Math.max(last, ...fresh.map(({ n }) => n)));
    return fresh.reverse().map((sample) => [route, sample] as const);
  }

  function changedStreams(): [string, StreamCounts][] {
    const routes = [UNROUTED, ...settings.current.table.routes.map(({ id }) => id)];
    return routes.flatMap((route) => {
      const now = path?.streams.counts(route);
      if (!now || isSame(now, streamsTold.get(route) ?? NO_STREAMS)) return [];
      streamsTold.set(route, now);
      return [[route, now]];
    });
  }

  function take(): Report {
    const { serving } = settings.current.upstreams;
    const [legacy, fresh] = SIDES.map((side) => serving[side].inFlight);
    const routes = [...touched];
    const report: Report = {
      requests: [...batches.values()].map((batch) => ({ ...batch, durationsMs: Float32Array.from(batch.durationsMs) })),
      unreported,
      evidence: routes.map((route) => [route, evidence.of(route)]),
      samples: routes.flatMap(newSamples),
      streams: changedStreams(),
      gauges: {
        answered,
        inFlight: { legacy: legacy ?? 0, new: fresh ?? 0 },
        mirrorWaiting: path?.mirror.waiting ?? 0,
        mirrorWaitingBytes: path?.mirror.waitingBytes ?? 0,
      },
    };
    batches.clear();
    touched.clear();
    kept = 0;
    unreported = 0;
    return report;
  }

  function flush(): void {
    underWay++;
    send(take(), () => underWay--);
  }

  function tick(): void {
    const startedAt = performance.now();
    if (underWay === 0) flush();
    timer = setTimeout(tick, Math.max(REPORT_INTERVAL_MS, (performance.now() - startedAt) * COST_FACTOR)).unref();
  }

  return {
    evidence: {
      ...evidence,
      begin(route) {
        touched.add(route);
        evidence.begin(route);
      },
      drop(route, reason) {
        touched.add(route);
        evidence.drop(route, reason);
      },
      record(route, ...found) {
        touched.add(route);
        evidence.record(route, ...found);
      },
    },
    traffic: { count },
    begin(begun) {
      path = begun;
      tick();
    },
    flush,
    end() {
      clearTimeout(timer);
      flush();
    },
  };
}

const NO_STREAMS: StreamCounts = { legacy: 0, new: 0, oldSide: 0, oldest: null };

function isSame(a: StreamCounts, b: StreamCounts): boolean {
  return a.legacy === b.legacy && a.new === b.new && a.oldSide === b.oldSide && a.oldest === b.oldest;
}
