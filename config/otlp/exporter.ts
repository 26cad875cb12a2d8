// Sends spans to an OpenTelemetry collector, as OTLP over HTTP in JSON: in batches, from a bounded queue, off every
// request's path. A collector that does not answer costs the spans that do not fit, which are counted, and nothing else.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Attributes, encodeSpans, type Span } from './span.ts';

/** Spans that wait; more are dropped. About a kilobyte each. */
export const QUEUE_MAX = 8_192;
/** Spans of one export: few enough that spelling them holds up no request (a millisecond or two). */
const BATCH_MAX = 256;
const EXPORT_TIMEOUT_MS = 5_000;

export interface ExporterTiming {
  /** How long a span waits for others to be exported with. */
  readonly intervalMs: number;
  /** How long a collector that was not there is left alone. */
  readonly retryMs: number;
  /** How long a stopping process waits for its last spans to be taken. */
  readonly flushTimeoutMs: number;
}

const TIMING: ExporterTiming = { intervalMs: 1_000, retryMs: 5_000, flushTimeoutMs: 2_000 };
/** A collector that stays away is told of this often. */
const WARN_INTERVAL_MS = 60_000;

export interface ExporterDeps {
  /** The collector's base URL; `/v1/traces` is added. */
  readonly endpoint: string;
  /** What the spans are of. */
  readonly resource: Attributes;
  readonly metrics: TracingCounters;
  readonly log: ExporterLog;
  readonly timing?: ExporterTiming;
}

/** What a process's metrics have for tracing. */
export interface TracingCounters {
  readonly spansExported: { inc(by: number): void };
  readonly spansDropped: { inc(labels: { reason: SpanDropReason }, by: number): void };
  readonly exportFailures: { inc(): void };
}

/** `queue`: too many waited. `refused`: the collector does not take them. `stopped`: it did not take them in time. */
export type SpanDropReason = 'queue' | 'refused' | 'stopped';

interface ExporterLog {
  warn(about: object, message: string): void;
  info(about: object, message: string): void;
}

export interface Exporter {
  /** Takes a span, or counts it as dropped. Never throws, never waits. */
  add(span: Span): void;
  /** Exports what waits, for so long as a stopping gateway may wait. To be called once. */
  close(): Promise<void>;
}

/** What became of a batch: taken (but for some), refused for good, or to be tried again. */
type Export =
  | { readonly kind: 'taken'; readonly rejected: number }
  | { readonly kind: 'refused' | 'failed'; readonly problem: string };

export function createExporter({ endpoint, resource, metrics, log, timing = TIMING }: ExporterDeps): Exporter {
  const { intervalMs, retryMs, flushTimeoutMs } = timing;
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const queue: Span[] = [];
  const stop = new AbortController();
  let underWay: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isFailing = false;
  let isClosing = false;
  let warnedAt = Number.NEGATIVE_INFINITY;

  function wake(inMs: number): void {
    if (underWay || isClosing) return; // Who exports now looks at the queue again.
    clearTimeout(timer);
    timer = setTimeout(begin, inMs).unref();
  }

  function begin(): void {
    underWay = exportBatch().finally(() => {
      underWay = undefined;
      if (queue.length > 0) wake(isFailing ? retryMs : queue.length < BATCH_MAX ? intervalMs : 0);
    });
  }

  async function exportBatch(): Promise<void> {
    const batch = queue.slice(0, BATCH_MAX);
    const done = await post(url, encodeSpans(batch, resource, Date.now() - performance.now()), stop.signal);
    if (done.kind !== 'failed') queue.splice(0, batch.length);
    if (done.kind === 'taken') {
      metrics.spansExported.inc(batch.length - done.rejected);
      if (done.rejected > 0) metrics.spansDropped.inc({ reason: 'refused' }, done.rejected);
      if (isFailing) log.info({ endpoint }, 'spans are exported again');
      isFailing = false;
      return;
    }
    if (done.kind === 'refused') metrics.spansDropped.inc({ reason: 'refused' }, batch.length);
    metrics.exportFailures.inc();
    warn(done.problem);
    isFailing = true;
  }

  function warn(problem: string): void {
    if (performance.now() - warnedAt < WARN_INTERVAL_MS) return;
    warnedAt = performance.now();
    log.warn({ endpoint, problem }, 'spans cannot be exported; requests are not affected');
  }

  async function flush(): Promise<void> {
    await underWay;
    isFailing = false; // One more chance.
    while (queue.length > 0 && !isFailing) await exportBatch();
  }

  return {
    add(span) {
      if (queue.length >= QUEUE_MAX) {
        metrics.spansDropped.inc({ reason: 'queue' }, 1);
        return;
      }
      queue.push(span);
      if (queue.length === 1) wake(isFailing ? retryMs : intervalMs);
      else if (queue.length === BATCH_MAX && !isFailing) wake(0);
    },
    async close() {
      isClosing = true;
      clearTimeout(timer);
      const inTime = new AbortController();
      const deadline = delay(flushTimeoutMs, undefined, { signal: inTime.signal }).then(
        () => stop.abort(),
        () => {},
      );
      await Promise.race([flush(), deadline]);
      inTime.abort();
      if (queue.length > 0) metrics.spansDropped.inc({ reason: 'stopped' }, queue.length);
      queue.length = 0;
    },
  };
}

/** OTLP specification, "Failures": these mean that the same may be taken later; all others that it will not. */
const RETRYABLE = new Set([429, 502, 503, 504]);
const exportAnswer = z.object({
  partialSuccess: z.object({ rejectedSpans: z.coerce.number().int().min(0).default(0) }).optional(),
});

async function post(url: string, body: string, signal: AbortSignal): Promise<Export> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(EXPORT_TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (response.ok) return { kind: 'taken', rejected: rejectedOf(text) };
    const problem = `the collector answered ${response.status}`;
    return { kind: RETRYABLE.has(response.status) ? 'failed' : 'refused', problem };
  } catch (error) {
    const { message, cause } = error as Error;
    return { kind: 'failed', problem: cause instanceof Error ? cause.message : message };
  }
}

/** An answer that is not OTLP's took them all, as far as anybody can know. */
function rejectedOf(text: string): number {
  try {
    return exportAnswer.parse(JSON.parse(text)).partialSuccess?.rejectedSpans ?? 0;
  } catch {
    return 0;
  }
}
