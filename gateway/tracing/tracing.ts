// What the path of requests knows of tracing. Without an endpoint there is none of it: each place that could begin a span
// finds undefined, and the rest of this folder is not even loaded.
import type { ForwardFailure } from '../proxy/failure.ts';
import type { Connection } from '../proxy/forwarded.ts';
import type { Side } from '../routing/side.ts';

/** What a request's span says of how it came. */
export interface TracedRequest {
  readonly method: string;
  /** The target in origin-form; undefined for one that names no path. */
  readonly path: string | undefined;
  readonly pairs: readonly string[];
  readonly connection: Connection;
  readonly requestId: string;
  /** By performance.now. */
  readonly startedAt: number;
  /** Of HTTP, such as `1.1`. */
  readonly version: string;
}

/** Begins traces. Nothing of it throws for what a client sends. */
export interface Tracing {
  begin(request: TracedRequest): RequestTrace;
  /** Exports what is left, within a deadline. */
  close(): Promise<void>;
}

/** A request in its trace: the client's own, or one begun here. What is not sampled is passed on and not recorded. */
export interface RequestTrace {
  readonly traceId: string;
  /** Begins an attempt to have it answered by a side. */
  attempt(to: TracedUpstream): ExchangeTrace;
  /** Begins a copy: a trace of its own, linked to this request's, since nothing of the request waits for it. */
  copy(to: TracedUpstream): ExchangeTrace;
  /** The request is over. Only the first call counts. */
  end(outcome: TracedOutcome): void;
}

/** An exchange with a side. */
export interface ExchangeTrace {
  /** What the side is told; undefined: what the client said. */
  readonly traceparent: string | undefined;
  /** The exchange is over. With a duration it has begun so long ago, without one when this was made. */
  end(outcome: ExchangeOutcome, durationMs?: number): void;
}

export interface TracedUpstream {
  readonly side: Side;
  /** Origin of the backend. */
  readonly url: string;
}

export interface ExchangeOutcome {
  readonly status: number | undefined;
  readonly failure: ForwardFailure | undefined;
}

export interface TracedOutcome extends ExchangeOutcome {
  readonly routeId: string;
  /** The route's path pattern; undefined where no route matched. */
  readonly routePath?: string | undefined;
  readonly side: Side | 'gateway';
  /** Why that side: a decision's reason, or the gateway's own. */
  readonly decision: string;
  readonly shadow?: Side | undefined;
}
