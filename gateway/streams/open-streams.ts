// The gateway's open streams: where they are entered when they begin, and what decides about them while they last.
import { DEFAULT_STREAMS } from '../../config/route-schema.ts';
import type { EventStreamEnds, PassingEvents } from '../proxy/passing-events.ts';
import type { StreamTap } from '../proxy/stream-tap.ts';
import { type Decision, decide, type FlagReader, type ForcedSides } from '../routing/decide.ts';
import { withPin } from '../routing/pin.ts';
import type { RouteTable } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { createEventStream } from './event-stream.ts';
import { createStreamRegistry, type StreamCounts, type StreamKind } from './registry.ts';
import { openTunnel, type TunnelEnds, type TunnelResult } from './tunnel.ts';

/** A request that was decided and has become a stream. */
export interface StreamOwner {
  readonly routeId: string;
  readonly decision: Decision;
  readonly identity: string;
  /** The version of the new backend that serves it when the new side does; undefined where that has none. */
  readonly version: string | undefined;
}

/** Answers what reads along with a stream; undefined where nothing does. Never throws. */
export type OpenTap = () => StreamTap | undefined;

export interface OpenStreams {
  readonly hasRoom: boolean;
  /** Enters an event stream that `side` sends; undefined when no more may be open. `openTap` is called when it is entered. */
  openEvents(owner: StreamOwner, side: Side, ends: EventStreamEnds, openTap?: OpenTap): PassingEvents | undefined;
  /** Joins a client and `side`, the two ends of a WebSocket; calls `closed` once. @throws without room. */
  openTunnel(
    owner: StreamOwner,
    side: Side,
    ends: Omit<TunnelEnds, 'idleTimeoutMs'>,
    closed: (result: TunnelResult) => void,
  ): void;
  counts(routeId: string): StreamCounts;
  /** Decides all streams again, after a change that may move a side. */
  redecide(): void;
  /** Closes all streams within this time: the gateway stops. */
  drain(withinMs: number): void;
}

export interface OpenStreamsDeps {
  readonly table: () => RouteTable;
  readonly forced: ForcedSides;
  readonly isEnabled: FlagReader;
  /** The version of the new backend that serves an identity now; undefined where it has none. */
  readonly versionOf: (identity: string) => string | undefined;
  readonly metrics: StreamGauges;
  readonly now: () => Date;
  readonly random?: () => number;
}

/** What gateway/metrics.ts has for streams. */
interface StreamGauges {
  readonly streams: { inc(labels: { route: string; side: Side; kind: StreamKind }, by: number): void };
  readonly streamsOnOldSide: { inc(labels: { route: string }, by: number): void };
}

export function createOpenStreams(deps: OpenStreamsDeps): OpenStreams {
  const { table, metrics, now, random = Math.random } = deps;
  const policyOf = (routeId: string) => table().byId(routeId)?.config.streams ?? DEFAULT_STREAMS;
  const registry = createStreamRegistry({
    policyOf,
    random,
    versionOf: deps.versionOf,
    sideOf({ routeId, identity, pinned }) {
      const route = table().byId(routeId);
      return route && withPin(decide(route, identity, deps.forced, deps.isEnabled), pinned).side;
    },
    metrics: {
      open: ({ routeId, side, kind }, change) => metrics.streams.inc({ route: routeId, side, kind }, change),
      oldSide: (routeId, change) => metrics.streamsOnOldSide.inc({ route: routeId }, change),
    },
  });
  const entryOf = ({ routeId, decision, identity, version }: StreamOwner, kind: StreamKind, side: Side) => ({
    ...{ routeId, identity, kind, side, version, decided: decision.side },
    pinned: decision.reason === 'pin' ? decision.side : undefined,
    startedAt: now(),
  });

  return {
    get hasRoom() {
      return registry.hasRoom;
    },
    openEvents(owner, side, ends, openTap) {
      if (!registry.hasRoom) return undefined;
      const { pass, close, closed } = createEventStream(ends, policyOf(owner.routeId).idleTimeoutMs);
      const remove = registry.add({ ...entryOf(owner, 'sse', side), close });
      const tap = openTap?.();
      return {
        pass: tap ? passAndTap(pass, tap) : pass,
        closed() {
          closed();
          remove();
          tap?.closed();
        },
      };
    },
    openTunnel(owner, side, ends, closed) {
      const { idleTimeoutMs } = policyOf(owner.routeId);
      const tunnel = openTunnel({ ...ends, idleTimeoutMs }, (result) => {
        remove();
        closed(result);
      });
      const remove = registry.add({ ...entryOf(owner, 'websocket', side), close: (how) => tunnel.close(how) });
    },
    counts: registry.counts,
    redecide: registry.redecide,
    drain: registry.drain,
  };
}

function passAndTap(pass: PassingEvents['pass'], tap: StreamTap): PassingEvents['pass'] {
  return (chunk) => {
    const passed = pass(chunk);
    tap.fromServer(passed);
    return passed;
  };
}
