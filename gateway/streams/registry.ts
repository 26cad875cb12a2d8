// Every open stream (WebSocket or event stream), which side it is on, and what a flip, or another version, does to it.
import type { StreamsConfig } from '../../config/gateway-schema.ts';
import type { Side } from '../routing/side.ts';
import { type ClosePlan, flipPlan, shutdownPlan } from './flip-policy.ts';

/** More open streams are refused. Each holds two sockets and some 30 kB. */
const STREAMS_MAX = 65_536;

export type StreamKind = 'websocket' | 'sse';

export interface StreamInfo {
  readonly routeId: string;
  readonly kind: StreamKind;
  /** The side that the stream is on. */
  readonly side: Side;
  /** The side that was decided: another one when the stream's side stood in for it. */
  readonly decided: Side;
  readonly identity: string;
  /** The version of the new backend that a stream of the new side is on; undefined where that has none. */
  readonly version: string | undefined;
  /** The side that a tester has chosen for it. */
  readonly pinned: Side | undefined;
  readonly startedAt: Date;
  /** What the stream can be told: to end in an orderly way, within a deadline after which it cuts itself. */
  close(how: Pick<ClosePlan, 'code' | 'deadlineMs'>): void;
}

export interface StreamCounts {
  readonly legacy: number;
  readonly new: number;
  /** Streams on a side, or a version of it, that no longer serves them. A flip is over when this is zero. */
  readonly oldSide: number;
  /** When the oldest open stream began. */
  readonly oldest: string | null;
}

export interface StreamRegistry {
  readonly hasRoom: boolean;
  /** Adds a stream, and treats it like any other from now on; answers what takes it out again. @throws when there is no room. */
  add(stream: StreamInfo): () => void;
  counts(routeId: string): StreamCounts;
  /** Decides all streams again, after a change that may move a side. */
  redecide(): void;
  /** Closes all streams, and those yet to come, within this time: the gateway stops. */
  drain(withinMs: number): void;
}

export interface StreamRegistryDeps {
  /** The side that serves a stream's requests now; undefined for a route that is no longer there. */
  sideOf(stream: Pick<StreamInfo, 'routeId' | 'identity' | 'pinned'>): Side | undefined;
  /** The version of the new backend that serves an identity now; undefined where it has none. */
  versionOf(identity: string): string | undefined;
  policyOf(routeId: string): StreamsConfig;
  readonly metrics: {
    open(stream: StreamInfo, change: 1 | -1): void;
    oldSide(routeId: string, change: 1 | -1): void;
  };
  /** In [0, 1). */
  random(): number;
  readonly streamsMax?: number;
}

interface Entry {
  readonly stream: StreamInfo;
  isOld: boolean;
  /** A close that is planned and has not begun. */
  planned: NodeJS.Timeout | undefined;
  isClosing: boolean;
}

export function createStreamRegistry(deps: StreamRegistryDeps): StreamRegistry {
  const { metrics, random, streamsMax = STREAMS_MAX } = deps;
  const entries = new Set<Entry>();
  const byRoute = new Map<string, Set<Entry>>(); // One per route with open streams.
  let stopsAt: number | undefined;

  function setOld(entry: Entry, isOld: boolean): void {
    if (entry.isOld === isOld) return;
    entry.isOld = isOld;
    metrics.oldSide(entry.stream.routeId, isOld ? 1 : -1);
  }

  function redecide(entry: Entry): void {
    const { routeId, side, decided, version, identity } = entry.stream;
    const now = deps.sideOf(entry.stream) ?? decided;
    const isOldVersion = side === 'new' && version !== undefined && deps.versionOf(identity) !== version;
    setOld(entry, isOldVersion || (now !== decided && now !== side));
    if (stopsAt !== undefined) return;
    const wanted = entry.isOld && !entry.planned ? flipPlan(deps.policyOf(routeId), random()) : undefined;
    if (wanted) planClose(entry, wanted);
    else if (!entry.isOld) cancelClose(entry); // Flipped back before the close began: nothing has happened.
  }

  function stop(entry: Entry): void {
    if (stopsAt === undefined) return;
    const leftMs = Math.max(0, stopsAt - performance.now());
    planClose(entry, shutdownPlan(deps.policyOf(entry.stream.routeId), random(), leftMs));
  }

  function remove(entry: Entry): void {
    if (!entries.delete(entry)) return;
    const { routeId } = entry.stream;
    const ofRoute = byRoute.get(routeId);
    ofRoute?.delete(entry);
    if (ofRoute?.size === 0) byRoute.delete(routeId);
    cancelClose(entry);
    setOld(entry, false);
    metrics.open(entry.stream, -1);
  }

  return {
    get hasRoom() {
      return entries.size < streamsMax;
    },
    add(stream) {
      if (entries.size >= streamsMax) throw new Error(`more than ${streamsMax} streams would be open`);
      const entry: Entry = { stream, isOld: false, planned: undefined, isClosing: false };
      const ofRoute = byRoute.get(stream.routeId) ?? new Set();
      byRoute.set(stream.routeId, ofRoute.add(entry));
      entries.add(entry);
      metrics.open(stream, 1);
      // Its side may have changed since it was decided, and the gateway may be stopping.
      redecide(entry);
      stop(entry);
      return () => remove(entry);
    },
    counts: (routeId) => countsOf(byRoute.get(routeId) ?? new Set()),
    redecide: () => entries.forEach(redecide),
    drain(withinMs) {
      stopsAt = performance.now() + withinMs;
      entries.forEach(stop);
    },
  };
}

/** Replaces what was planned, unless it has begun. */
function planClose(entry: Entry, { code, delayMs, deadlineMs }: ClosePlan): void {
  if (entry.isClosing) return;
  cancelClose(entry);
  const begin = () => {
    entry.isClosing = true;
    entry.stream.close({ code, deadlineMs });
  };
  if (delayMs > 0) entry.planned = setTimeout(begin, delayMs);
  else begin();
}

function cancelClose(entry: Entry): void {
  clearTimeout(entry.planned);
  entry.planned = undefined;
}

/** A set is in the order of insertion, so its first is its oldest. */
function countsOf(entries: ReadonlySet<Entry>): StreamCounts {
  const counts = { legacy: 0, new: 0, oldSide: 0 };
  for (const { stream, isOld } of entries) {
    counts[stream.side]++;
    if (isOld) counts.oldSide++;
  }
  const [first] = entries;
  return { ...counts, oldest: first?.stream.startedAt.toISOString() ?? null };
}
