// Spans by OpenTelemetry's semantic conventions for HTTP (stable): a SERVER span for each request, below it a CLIENT span
// for each attempt to have it answered, and a trace of its own for its copy.
//
// Queries are in none of them, since they may hold secrets; path parameters are, in url.path.
import { randomBytes } from 'node:crypto';
import { createExporter, type Exporter, type ExporterDeps } from '../../config/otlp/exporter.ts';
import type { Attributes, Span } from '../../config/otlp/span.ts';
import { headerValue } from '../proxy/headers.ts';
import { parseTraceparent } from '../proxy/trace.ts';
import type {
  ExchangeOutcome,
  ExchangeTrace,
  RequestTrace,
  TracedOutcome,
  TracedRequest,
  TracedUpstream,
  Tracing,
} from './tracing.ts';

export interface OtlpTracingDeps extends ExporterDeps {
  readonly samplePercent: number;
}

/** Traces by exporting to `endpoint`. */
export function createOtlpTracing({ samplePercent, ...exporting }: OtlpTracingDeps): Tracing {
  const exporter = createExporter(exporting);
  const share = samplePercent / 100;
  return {
    begin(request) {
      const parent = parseTraceparent(request.pairs);
      if (parent) return parent.isSampled ? new Recorded(request, parent, exporter) : notRecorded(parent.traceId);
      const traceId = randomHex(16);
      if (isSampled(traceId, share)) return new Recorded(request, { traceId, parentId: undefined }, exporter);
      // Whoever is asked must not decide anew: half a trace helps nobody.
      return notRecorded(traceId, `00-${traceId}-${randomHex(8)}-00`);
    },
    close: exporter.close,
  };
}

/** By the trace's id alone, as TraceIdRatioBased does: gateways that see one trace decide alike. */
function isSampled(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(-13), 16) < share * 2 ** 52;
}

function notRecorded(traceId: string, traceparent?: string): RequestTrace {
  const exchange: ExchangeTrace = { traceparent, end() {} };
  return { traceId, attempt: () => exchange, copy: () => exchange, end() {} };
}

class Recorded implements RequestTrace {
  readonly traceId: string;
  readonly #request: TracedRequest;
  readonly #parentId: string | undefined;
  readonly #spanId = randomHex(8);
  readonly #exporter: Exporter;
  #attempts = 0;
  #ended = false;

  constructor(
    request: TracedRequest,
    { traceId, parentId }: { traceId: string; parentId: string | undefined },
    exporter: Exporter,
  ) {
    this.traceId = traceId;
    this.#request = request;
    this.#parentId = parentId;
    this.#exporter = exporter;
  }

  attempt(to: TracedUpstream): ExchangeTrace {
    const sentBefore = this.#attempts++;
    return this.#exchange(to, {
      ...{ traceId: this.traceId, parentId: this.#spanId, link: undefined },
      attributes: { 'http.request.resend_count': sentBefore > 0 ? sentBefore : undefined },
    });
  }

  copy(to: TracedUpstream): ExchangeTrace {
    return this.#exchange(to, {
      ...{ traceId: randomHex(16), parentId: undefined, link: { traceId: this.traceId, spanId: this.#spanId } },
      attributes: { 'banyan.copy': true },
    });
  }

  end(outcome: TracedOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    const { method, path, pairs, connection, requestId, startedAt, version } = this.#request;
    const { routeId, routePath, status, failure, side, decision, shadow } = outcome;
    const scheme = connection.encrypted ? 'https' : 'http';
    const isError = (status ?? 0) >= 500; // A client that left, or asked for what is not there, is no error of a server.
    this.#exporter.add({
      ...{ traceId: this.traceId, spanId: this.#spanId, parentId: this.#parentId, link: undefined },
      ...{ kind: 'server', startedAt, endedAt: performance.now(), isError },
      name: nameOf(method, routePath),
      attributes: {
        ...methodAttributes(method),
        ...addressAttributes(`${scheme}://${headerValue(pairs, 'host') ?? ''}`),
        'url.scheme': scheme,
        'url.path': withoutQuery(path),
        'http.route': routePath,
        'http.response.status_code': status,
        'error.type': failure ?? (isError ? String(status) : undefined),
        'network.protocol.version': version,
        'network.peer.address': connection.address,
        'user_agent.original': headerValue(pairs, 'user-agent'),
        'banyan.request_id': requestId,
        'banyan.route': routeId,
        'banyan.side': side,
        'banyan.decision': decision,
        'banyan.shadow': shadow,
      },
    });
  }

  #exchange(
    { side, url }: TracedUpstream,
    place: Pick<Span, 'traceId' | 'parentId' | 'link' | 'attributes'>,
  ): ExchangeTrace {
    const { method, path } = this.#request;
    const spanId = randomHex(8);
    const begunAt = performance.now();
    return {
      traceparent: `00-${place.traceId}-${spanId}-01`,
      end: ({ status, failure }: ExchangeOutcome, durationMs?: number) => {
        const endedAt = performance.now();
        const isError = failure !== undefined || (status ?? 0) >= 400; // To a client a 4xx is one.
        this.#exporter.add({
          ...{ ...place, spanId, kind: 'client', endedAt, isError },
          startedAt: durationMs === undefined ? begunAt : endedAt - durationMs,
          name: nameOf(method),
          attributes: {
            ...methodAttributes(method),
            ...addressAttributes(url),
            'url.full': `${url.replace(/\/$/, '')}${withoutQuery(path) ?? ''}`,
            'http.response.status_code': status,
            'error.type': failure ?? (isError ? String(status) : undefined),
            'banyan.side': side,
            ...place.attributes,
          },
        });
      },
    };
  }
}

/** The methods that the conventions know; any other is `_OTHER`, since clients can invent as many as they like. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

function methodAttributes(method: string): Attributes {
  if (METHODS.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': method };
}

function nameOf(method: string, routePath?: string): string {
  const known = METHODS.has(method) ? method : 'HTTP';
  return routePath === undefined ? known : `${known} ${routePath}`;
}

/** scheme "://" host [":" port], as both a configured origin and a checked Host have it. */
const ORIGIN = /^(https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?/;

function addressAttributes(origin: string): Attributes {
  const [, scheme, address, port] = ORIGIN.exec(origin) ?? [];
  if (address === undefined) return {};
  return {
    'server.address': address.replace(/^\[|\]$/g, ''),
    'server.port': port ? Number(port) : scheme === 'https' ? 443 : 80,
  };
}

function withoutQuery(path: string | undefined): string | undefined {
  return path?.split('?', 1)[0];
}

/** Random bytes are drawn for many ids at once: that costs as much as for one. */
const POOL_BYTES = 4_096;
let pool = '';
let used = 0;

function randomHex(bytes: number): string {
  if (used + bytes * 2 > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    used = 0;
  }
  const from = used;
  used += bytes * 2;
  return pool.slice(from, used);
}
