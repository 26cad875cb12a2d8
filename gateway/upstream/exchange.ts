// One request and its answer on a connection to an upstream: what is asked for, and what its owner hears of it.
import type { ResponseHead } from './response-head.ts';

/** What can go wrong between this client and an upstream; time limits beside that of connecting are its users' own. */
export type ExchangeFailure =
  /** The request is not one that can be sent (a target, a field or a length that HTTP does not allow). */
  | 'request_invalid'
  /** No connection: refused, unreachable, unknown host, TLS not trusted. */
  | 'connect_failed'
  | 'connect_timeout'
  /** The upstream closed the connection before it answered. */
  | 'upstream_reset'
  /** The upstream answered something that is not HTTP. */
  | 'response_invalid'
  /** The answer broke off after it had begun. */
  | 'response_cut'
  /** Who hears of the exchange threw: no fault of the upstream. */
  | 'internal_error';

export interface UpstreamRequest {
  readonly method: string;
  /** The origin-form target, sent byte for byte. */
  readonly path: string;
  /** End-to-end fields as raw pairs, sent in this order and case; what frames the body is added where it is missing. */
  readonly headers: readonly string[];
  readonly body: Buffer | Upload | null;
}

/** A body that is sent as it comes. Of the two ends that it joins each may stop the other. */
export interface Upload {
  /** Whether the upstream is asked by its head alone whether it wants the body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
  /** The upstream wants the body. Called at most once; nothing of the body is lost before. */
  start(sink: UploadSink): void;
  /** The sink takes more, after it said that it did not. */
  resume(): void;
  /** Nobody wants what is left of the body. Called at most once, and after it the sink is not used. */
  stop(): void;
}

export interface UploadSink {
  /** Sends a part; false when no more should come until `resume`. Unless it is kept its memory is gone once it is sent. */
  write(part: Buffer, isKept: boolean): boolean;
  /** The body is whole. Trailer fields are raw pairs, and can only be sent with a body that has no length. */
  end(trailers: readonly string[]): void;
}

/**
 * Hears of an exchange: `onSent`, any number of `onInterim`, `onHead`, any number of `onData`, `onEnd`. `onRead` may stand
 * between any two of them. `onFailure` may come at any point and ends it, as `onEnd` does; after an abort nothing comes.
 */
export interface ExchangeHandler {
  /** The request is on a connection: from here on it may have reached the upstream. */
  onSent(): void;
  /** An interim answer (1xx) other than 100 and 101. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  onData(part: Buffer): void;
  /** All that has come so far has been told, and more is to come: what waits for company need not wait longer. */
  onRead?(): void;
  /** The answer is whole. Trailer fields are raw pairs. */
  onEnd(trailers: readonly string[]): void;
  onFailure(failure: ExchangeFailure, error: Error): void;
}

export interface Exchange {
  /** Gives the exchange up, and the connection that it is on. Without effect once it is over. */
  abort(): void;
  /** Reads no more of the answer, beyond what has been read already (at most one read from the socket). */
  pause(): void;
  resume(): void;
}
