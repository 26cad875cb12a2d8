// W3C Trace Context: a trace that comes in is passed on as it is; one may be begun here, so that both sides' work on one
// request is found under one id.
import { createHash, randomBytes } from 'node:crypto';
import { headerValue } from './headers.ts';

/** version "-" trace-id "-" parent-id "-" flags (Trace Context section 3.2); ids of zeros mean none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  /** Whether the caller records it; it is for all others to do the same. */
  readonly isSampled: boolean;
}

/** The trace that a request belongs to and the span that sent it, or undefined. */
export function parseTraceparent(pairs: readonly string[]): TraceParent | undefined {
  const [, traceId, parentId, flags = ''] = TRACEPARENT.exec(headerValue(pairs, 'traceparent') ?? '') ?? [];
  if (traceId === undefined || parentId === undefined) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The id of the trace that a request belongs to, or undefined. */
export function traceIdOf(pairs: readonly string[]): string | undefined {
  return TRACEPARENT.exec(headerValue(pairs, 'traceparent') ?? '')?.[1];
}

/**
 * A new trace, marked as one to be recorded. Its id comes from the request's, so that the copy for the other side is in
 * the same trace.
 */
export function newTraceparent(requestId: string): string {
  const traceId = createHash('sha256').update(requestId).digest('hex').slice(0, 32);
  return `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
}
