// What is kept of a request once it has been answered: metrics, traffic statistics, one line of the log.
import type { GatewayMetrics } from './metrics.ts';
import { FAILURES } from './proxy/failure.ts';
import type { ForwardResult } from './proxy/forward.ts';
import { traceIdOf } from './proxy/trace.ts';
import { type RequestFacts, withoutQuery } from './request-facts.ts';
import type { GatewayLog } from './request-log.ts';
import type { Decision } from './routing/decide.ts';
import type { RouteModel } from './routing/route.ts';
import type { Traffic } from './traffic.ts';
import { versionScope } from './versions.ts';

export interface RecordDeps {
  readonly metrics: GatewayMetrics;
  readonly traffic: Pick<Traffic, 'count'>;
  readonly log: GatewayLog;
}

export interface Answered {
  readonly routeId: string;
  readonly route: RouteModel | undefined;
  readonly decision: Decision;
  readonly result: ForwardResult;
  /** What the decided side did, where the other one stood in for it. */
  readonly failed: ForwardResult | undefined;
  /** The version of the new backend that what the new side did is counted for. */
  readonly measured: string | undefined;
}

/** Records a request that a side has answered, or should have. */
export function recordRequest({ metrics, traffic, log }: RecordDeps, request: RequestFacts, answered: Answered): void {
  const { routeId, route, decision, result, failed, measured } = answered;
  const { side, reason, shadow } = decision;
  const { failure } = result;
  const status = failure ? FAILURES[failure].status : (result.status ?? 0);
  const durationMs = performance.now() - request.startedAt;
  const routePath = route?.config.match.path;
  request.trace?.end({ routeId, routePath, status, failure, side, decision: reason, shadow });
  metrics.requests.count({ route: routeId, side, decision: reason, code: statusClass(status) });
  // How long a reader stays with an event stream says nothing of the backend.
  const tookMs = (result.isEventStream ? result.firstByteMs : undefined) ?? durationMs;
  metrics.duration.record({ route: routeId, side }, tookMs / 1000);
  if (result.sentAt !== undefined)
    metrics.overhead.record({ route: routeId }, (result.sentAt - request.startedAt) / 1000);
  traffic.count(routeId, side, tookMs, status >= 500);
  if (measured !== undefined && (side === 'new' || failed)) {
    traffic.count(versionScope(measured), 'new', tookMs, side !== 'new' || status >= 500);
  }
  if (failure) metrics.failures.inc({ route: routeId, side, failure });
  log.request(failure && FAILURES[failure].blame !== 'client' ? 'warn' : 'info', {
    requestId: request.requestId,
    traceId: traceIdFor(request),
    method: request.method,
    path: withoutQuery(request.path ?? ''),
    route: routeId,
    side,
    decision: reason,
    status,
    bytes: result.bytes,
    durationMs,
    firstByteMs: result.firstByteMs,
    failure,
    cause: result.error instanceof Error ? result.error.message : undefined,
  });
}

/** What is recorded of a request, or of an upgrade, that the gateway answered by itself. */
export type AnsweredHere = LineFacts & Pick<RequestFacts, 'startedAt'>;

/** Records a request that the gateway answered by itself; `why` stands in the place of a decision's reason. */
export function recordOwnAnswer(
  { metrics, log }: Pick<RecordDeps, 'metrics' | 'log'>,
  request: AnsweredHere,
  { routeId, status, why }: { routeId: string; status: number; why: string },
): void {
  request.trace?.end({ routeId, status, failure: undefined, side: 'gateway', decision: why });
  metrics.requests.count({ route: routeId, side: 'gateway', decision: why, code: statusClass(status) });
  log.request('info', {
    requestId: request.requestId,
    traceId: traceIdFor(request),
    method: request.method,
    path: withoutQuery(request.path ?? ''),
    route: routeId,
    side: 'gateway',
    decision: why,
    status,
    bytes: 0,
    durationMs: performance.now() - request.startedAt,
    firstByteMs: undefined,
    failure: undefined,
    cause: undefined,
  });
}

type LineFacts = Pick<RequestFacts, 'requestId' | 'method' | 'path' | 'pairs' | 'trace'>;

function traceIdFor({ trace, pairs }: LineFacts): string | undefined {
  return trace?.traceId ?? traceIdOf(pairs);
}

function statusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}
