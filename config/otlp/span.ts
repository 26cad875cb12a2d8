// A span as it is kept until it is exported, and how OTLP/JSON spells it (OTLP specification, "JSON Protobuf Encoding";
// trace.proto). Pure.

export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

/** Members that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Span extends SpanContext {
  readonly parentId: string | undefined;
  readonly kind: 'server' | 'client';
  readonly name: string;
  /** By this process's monotonic clock (performance.now), in milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isError: boolean;
  readonly attributes: Attributes;
  /** A span of another trace that this one is about. */
  readonly link: SpanContext | undefined;
}

/** SpanKind and StatusCode of trace.proto. */
const KINDS = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;

/** One export request. `epochMs` is the wall-clock time at which the monotonic clock was zero. */
export function encodeSpans(spans: readonly Span[], resource: Attributes, epochMs: number): string {
  const nanos = (atMs: number) => String(BigInt(Math.round((epochMs + atMs) * 1_000)) * 1_000n);
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [
          {
            scope: { name: 'banyan' },
            spans: spans.map(({ traceId, spanId, parentId, kind, name, startedAt, endedAt, ...span }) => ({
              ...{ traceId, spanId, parentSpanId: parentId, name, kind: KINDS[kind] },
              startTimeUnixNano: nanos(startedAt),
              endTimeUnixNano: nanos(endedAt),
              attributes: keyValues(span.attributes),
              links: span.link && [{ traceId: span.link.traceId, spanId: span.link.spanId }],
              status: span.isError ? { code: STATUS_ERROR } : undefined,
            })),
          },
        ],
      },
    ],
  });
}

function keyValues(attributes: Attributes) {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: anyValue(value) }];
  });
}

/** AnyValue of common.proto. */
function anyValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value };
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: String(value) }; // 64 bits are text in JSON.
}
