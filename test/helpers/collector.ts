// A stand-in for an OpenTelemetry collector: takes OTLP/JSON over HTTP, strictly, and keeps what it was sent.
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { sendJson, startUpstream, type TestServer } from './upstream.ts';

const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }).transform(({ intValue }) => Number(intValue)),
  z.strictObject({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, value])));
const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);
const nanos = z
  .string()
  .regex(/^\d{19}$/)
  .transform(BigInt);

const span = z.strictObject({
  ...{ traceId, spanId, parentSpanId: spanId.optional() },
  name: z.string().min(1),
  kind: z.union([z.literal(2), z.literal(3)]).transform((kind) => (kind === 2 ? 'server' : 'client')),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  links: z.array(z.strictObject({ traceId, spanId })).default([]),
  status: z.strictObject({ code: z.literal(2) }).optional(),
});

const exportRequest = z.strictObject({
  resourceSpans: z.tuple([
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.tuple([
        z.strictObject({ scope: z.strictObject({ name: z.literal('banyan') }), spans: z.array(span).min(1) }),
      ]),
    }),
  ]),
});

export type CollectedSpan = z.output<typeof span>;

export interface Collector extends TestServer {
  readonly spans: readonly CollectedSpan[];
  /** The attributes of each export's resource. */
  readonly resources: readonly Record<string, string | number | boolean>[];
  /** What it has been sent that is no OTLP. */
  readonly problems: readonly string[];
}

/** `answer` is what it says to a valid export; undefined: nothing at all. */
export async function startCollector(
  answer: () => { status: number; body: unknown } | undefined = () => ({ status: 200, body: {} }),
  listenOn = 0,
): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const resources: Record<string, string | number | boolean>[] = [];
  const problems: string[] = [];
  const server = await startUpstream(async (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    if (method !== 'POST' || url !== '/v1/traces' || headers['content-type'] !== 'application/json') {
      problems.push(`${method} ${url} ${headers['content-type']}`);
    }
    const parsed = exportRequest.safeParse(JSON.parse(await textOf(incoming)));
    if (!parsed.success) problems.push(z.prettifyError(parsed.error));
    const given = answer();
    if (!given) return;
    if (parsed.success && given.status === 200) {
      const [{ resource, scopeSpans }] = parsed.data.resourceSpans;
      resources.push(resource.attributes);
      spans.push(...scopeSpans[0].spans);
    }
    sendJson(outgoing, parsed.success ? given.status : 400, given.body);
  }, listenOn);
  return {
    ...{ url: server.url, port: server.port, close: server.close, spans, resources, problems },
    get seen() {
      return server.seen;
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  return text;
}
