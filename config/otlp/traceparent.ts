// The header by which services join a trace: W3C Trace Context section 3.2.

/** version "-" trace-id "-" parent-id "-" flags; ids of zeros mean none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  /** Whether the caller records it; it is for all others to do the same. */
  readonly isSampled: boolean;
}

/** The trace and the span that a `traceparent` names; undefined where there is none, or none that is well-formed. */
export function readTraceparent(text: string | undefined): TraceParent | undefined {
  const [, traceId, parentId, flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  if (traceId === undefined || parentId === undefined) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
