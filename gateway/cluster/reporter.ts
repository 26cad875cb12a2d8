// A worker's side of the figures: gathers what requests count and tells the primary a few times a second, off their path.
// While a report is not sent the next ones wait.
import type { DataPath } from '../data-path.ts';
import type { EvidenceBook } from '../mirror/evidence.ts';
import type { IdChange } from '../mirror/id-map.ts';
import { UNROUTED } from '../routing/route.ts';
import type { CurrentSettings } from '../settings.ts';
import type { StreamCounts } from '../streams/registry.ts';
import type { Traffic } from '../traffic.ts';
import type { Report, WorkerGauges } from './messages.ts';
import { createTally } from './tally.ts';

const REPORT_INTERVAL_MS = 100;
/** Of a worker's time reporting takes at most one part in so many: large evidence is told less often. */
const COST_FACTOR = 20;

type Serves = Pick<DataPath, 'mirror' | 'streams' | 'breakers'>;

export interface Reporter {
  readonly traffic: Pick<Traffic, 'count'>;
  /** Starts reporting of what serves here. */
  begin(path: Serves): void;
  /** Reports now. */
  flush(): void;
  /** Reports for the last time. */
  end(): void;
}

export interface ReporterDeps {
  /** What the mirror finds. */
  readonly evidence: Pick<EvidenceBook, 'take'>;
  readonly settings: CurrentSettings;
  /** What has been found of pairs of ids since this was last asked. */
  readonly takeIds: () => readonly IdChange[];
  /** The same of writes that the new side has accepted. */
  readonly takeWrites: () => Report['writes'];
  /** `sent` is to be called when there is room for the next report. */
  readonly send: (report: Report, sent: () => void) => void;
}

export function createReporter({ evidence, settings, takeIds, takeWrites, send }: ReporterDeps): Reporter {
  const tally = createTally();
  const streamsOf = changedStreams(settings);
  let path: Serves | undefined;
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    if (!path) return;
    underWay++;
    const report: Report = {
      ...tally.take(),
      evidence: evidence.take(),
      streams: streamsOf(path.streams),
      ids: takeIds(),
      writes: takeWrites(),
      openBreakers: openBreakersOf(settings, path.breakers),
      gauges: gaugesOf(settings, path.mirror, tally.answered),
    };
    send(report, () => underWay--);
  }

  function tick(): void {
    const startedAt = performance.now();
    if (underWay === 0) flush();
    timer = setTimeout(tick, Math.max(REPORT_INTERVAL_MS, (performance.now() - startedAt) * COST_FACTOR)).unref();
  }

  return {
    traffic: tally,
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

/** Answers the counts of those routes where they are not as answered before. */
function changedStreams(settings: CurrentSettings) {
  const told = new Map<string, StreamCounts>(); // One per configured route.
  return (streams: Pick<DataPath['streams'], 'counts'>): Report['streams'] => {
    const routes = [UNROUTED, ...settings.current.table.routes.map(({ id }) => id)];
    const now = routes.map((route) => [route, streams.counts(route)] as const);
    const changed = now.filter(([route, counts]) => !isSame(counts, told.get(route) ?? NO_STREAMS));
    for (const [route, counts] of changed) told.set(route, counts);
    return changed;
  };
}

function isSame(a: StreamCounts, b: StreamCounts): boolean {
  return a.legacy === b.legacy && a.new === b.new && a.oldSide === b.oldSide && a.oldest === b.oldest;
}

function openBreakersOf(settings: CurrentSettings, breakers: DataPath['breakers']): Report['openBreakers'] {
  return settings.current.table.routes.flatMap(({ id }) => {
    const open = breakers.open(id);
    return open.length > 0 ? [[id, open] as const] : [];
  });
}

function gaugesOf(settings: CurrentSettings, mirror: DataPath['mirror'], answered: number): WorkerGauges {
  const { legacy, new: fresh } = settings.current.upstreams.serving;
  return {
    answered,
    inFlight: { legacy: legacy.inFlight, new: fresh.inFlight },
    mirrorWaiting: mirror.waiting,
    mirrorWaitingBytes: mirror.waitingBytes,
    mirrorAllowedShare: mirror.allowedShare,
  };
}
