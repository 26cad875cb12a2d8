// The backend's part in traces: a SERVER span for each request of a trace that whoever calls records, below the span that
// sent it. It begins no traces: the gateway does, and of a copy one of its own.
import { randomBytes } from 'node:crypto';
import { createExporter, type ExporterDeps } from '../config/otlp/exporter.ts';
import { readTraceparent } from '../config/otlp/traceparent.ts';
import { VERSION } from '../config/version.ts';

/** A request that was answered. */
export type Served = {
  readonly method: string;
  /** The route's pattern; never the path, which has users in it. */
  readonly routePath: string;
  readonly traceparent: string | undefined;
  /** By performance.now. */
  readonly startedAtMs: number;
  readonly status: number;
};

export type Tracing = {
  readonly served: (request: Served) => void;
  /** Exports what is left, within a deadline. */
  readonly close: () => Promise<void>;
};

/** Traces by exporting to a collector. */
export function createTracing(exporting: Omit<ExporterDeps, 'resource'>): Tracing {
  const resource = { 'service.name': 'banyan-backend', 'service.version': VERSION, 'process.pid': process.pid };
  const exporter = createExporter({ ...exporting, resource });
  return {
    served({ method, routePath, traceparent, startedAtMs, status }) {
      const parent = readTraceparent(traceparent);
      if (!parent?.isSampled) return;
      const isError = status >= 500;
      exporter.add({
        ...{ traceId: parent.traceId, spanId: randomBytes(8).toString('hex'), parentId: parent.parentId },
        ...{ kind: 'server', name: `${method} ${routePath}`, link: undefined, isError },
        ...{ startedAt: startedAtMs, endedAt: performance.now() },
        attributes: {
          'http.request.method': method,
          'http.route': routePath,
          'http.response.status_code': status,
          'error.type': isError ? String(status) : undefined,
        },
      });
    },
    close: exporter.close,
  };
}
