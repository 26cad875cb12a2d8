// W3C Trace Context: a trace that comes in is passed on as it is; one may be begun here, so that both sides' work on one
// request is found under one id.
import { createHash, randomBytes } from 'node:crypto';
import { readTraceparent, type TraceParent } from '../../config/otlp/traceparent.ts';
import { headerValue } from './headers.ts';

/** The trace that a request belongs to and the span that sent it, or undefined. */
export function parseTraceparent(pairs: readonly string[]): TraceParent | undefined {
  return readTraceparent(headerValue(pairs, 'traceparent'));
}

/** The id of the trace that a request belongs to, or undefined. */
export function traceIdOf(pairs: readonly string[]): string | undefined {
  return parseTraceparent(pairs)?.traceId;
}

/**
 * A new trace, marked as one to be recorded. Its id comes from the request's, so that the copy for the other side is in
 * the same trace.
 */
export function newTraceparent(requestId: string): string {
  const traceId = createHash('sha256').update(requestId).digest('hex').slice(0, 32);
  return `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
}
