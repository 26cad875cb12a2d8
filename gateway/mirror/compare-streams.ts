// Compares streams: for those whose request is to be copied, the other side's stream is opened too, and what both send is
// held against each other. Nothing of it reaches a client, and the client's stream is only read along (see stream-tap.ts).
import type { RouteConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { StreamTap } from '../proxy/stream-tap.ts';
import type { Decision } from '../routing/decide.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import { otherSide } from '../routing/side.ts';
import type { CompareBudget } from './budget.ts';
import { ComparedStream } from './compared-stream.ts';
import type { Comparer } from './comparer.ts';
import { unpackersOf } from './decode.ts';
import type { StreamEnd, StreamFinding, StreamRefusal } from './stream-counts.ts';
import { createIntake, type Intake } from './stream-intake.ts';
import {
  type KindDeps,
  type OpenedStream,
  type OpenKind,
  openEventsKind,
  openSocketKind,
  type ServedStream,
} from './stream-kinds.ts';
import type { StreamShown } from './stream-sample.ts';

export interface StreamComparing {
  /** What reads an event stream along; undefined where it is not compared. Never throws. */
  events(served: ServedStream): StreamTap | undefined;
  /** The same for a WebSocket. */
  socket(served: ServedStream): StreamTap | undefined;
  /** Decides all compared streams again, after a change that may move a side or stop the mirror. */
  redecide(): void;
  /** Ends them all, and begins no more. */
  close(): void;
}

export interface StreamComparingDeps extends Omit<KindDeps, 'nowMs'> {
  /** What is decided for an identity now; undefined for a route that is no longer there. */
  readonly decide: (routeId: string, identity: string) => Decision | undefined;
  /** A route as it is configured now; undefined for one that is there no longer. */
  readonly routeOf: (id: string) => RouteModel | undefined;
  readonly comparer: Pick<Comparer, 'judge'>;
  readonly budget: CompareBudget;
  readonly found: (route: string, finding: StreamFinding, shown?: StreamShown) => void;
  /** The other side's stream could not be opened. */
  readonly failed: (route: string, requestId: string, cause: string) => void;
  readonly raised: (operation: string, error: unknown) => void;
}

export function createStreamComparing(deps: StreamComparingDeps): StreamComparing {
  return new Comparing(deps);
}

/** A stream under comparison, and what it was decided by. */
interface Open {
  readonly stream: ComparedStream;
  readonly routeId: string;
  readonly identity: string;
  readonly decision: Decision;
}

type Limits = NonNullable<RouteConfig['streams']['compare']>;

class Comparing implements StreamComparing {
  readonly #deps: StreamComparingDeps & Pick<KindDeps, 'nowMs'>;
  /** By the ids of routes with compared streams; of each there are streamsMax at most. */
  readonly #open = new Map<string, Set<Open>>();
  #isClosed = false;

  constructor(deps: StreamComparingDeps) {
    this.#deps = { ...deps, nowMs: () => performance.now() };
  }

  events(served: ServedStream): StreamTap | undefined {
    const { method, answered } = served;
    const isCoded = unpackersOf(headerValue(answered, 'content-encoding')) === undefined;
    return this.#begin(served, openEventsKind, !isSafe(method) ? 'writes' : isCoded ? 'content_encoding' : undefined);
  }

  socket(served: ServedStream): StreamTap | undefined {
    return this.#begin(served, openSocketKind, undefined);
  }

  redecide(): void {
    this.#endWhere('flip', ({ routeId, identity, decision }) => {
      const now = this.#deps.decide(routeId, identity);
      return now?.side !== decision.side || now.shadow !== decision.shadow;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#endWhere('stopping', () => true);
  }

  #endWhere(reason: StreamEnd, isMeant: (open: Open) => boolean): void {
    // Of a copy: ending a stream takes it out.
    for (const open of [...this.#open.values()].flatMap((ofRoute) => [...ofRoute]))
      if (isMeant(open)) open.stream.end(reason);
  }

  #begin(served: ServedStream, kind: OpenKind, unfit: StreamRefusal | undefined): StreamTap | undefined {
    const { route, decision, side } = served;
    const limits = route?.config.streams.compare;
    if (!route || !limits || decision.shadow !== otherSide(side)) return undefined;
    const refusal = unfit ?? this.#refusalOf(route.id, limits);
    if (refusal) {
      this.#deps.found(route.id, { kind: 'refused', reason: refusal });
      return undefined;
    }
    try {
      return this.#compare(route, served, limits, kind);
    } catch (error) {
      this.#deps.raised('stream compare', error);
      return undefined;
    }
  }

  #refusalOf(routeId: string, { streamsMax }: Limits): StreamRefusal | undefined {
    if (this.#isClosed) return 'stopping';
    if ((this.#open.get(routeId)?.size ?? 0) >= streamsMax) return 'streams_max';
    return this.#deps.budget.allows(routeId) ? undefined : 'compare_budget';
  }

  #compare(route: RouteModel, served: ServedStream, limits: Limits, openKind: OpenKind): StreamTap | undefined {
    const { comparer, budget, raised, nowMs, found, failed, routeOf } = this.#deps;
    const { requestId, side, identity, decision } = served;
    let opened: OpenedStream | undefined;
    let intake: Intake | undefined;
    const stream = new ComparedStream({
      ...{ routeId: route.id, requestId, side, limits },
      rules: () => (routeOf(route.id) ?? route).config.compare,
      ...{ comparer, budget, raised, nowMs },
      found: (finding, shown) => found(route.id, finding, shown),
      ended: () => {
        intake?.stop();
        opened?.close();
        this.#remove(open);
      },
    });
    const open: Open = { stream, routeId: route.id, identity, decision };
    this.#open.set(route.id, (this.#open.get(route.id) ?? new Set()).add(open));
    const fail = (cause: string) => {
      failed(route.id, requestId, cause);
      stream.end(`${otherSide(side)}_failed`);
    };
    const on = { opened: () => stream.otherOpened(), closed: () => stream.otherClosed(), failed: fail };
    try {
      opened = openKind(this.#deps, { route, served, stream }, on);
    } catch (error) {
      fail((error as Error).message); // Fields or a target that HTTP does not allow, a certificate that is not there.
    }
    if (!opened || stream.isOver) return undefined;
    const { fromServer, fromClient, heardAll } = opened;
    const behind = () => stream.end('behind');
    intake = createIntake(
      { fromServer, fromClient, behind, closed: () => heardAll(() => stream.end('client_stream')) },
      nowMs,
    );
    return intake;
  }

  #remove(open: Open): void {
    const ofRoute = this.#open.get(open.routeId);
    ofRoute?.delete(open);
    if (ofRoute?.size === 0) this.#open.delete(open.routeId);
  }
}
