// What is thrown while a request is handled is a fault of the gateway's own, and fails that request only: its client gets
// a 500 while nothing was sent, else its connection is cut, since what was sent must not look complete.
import type { ServerResponse } from 'node:http';
import type { GatewayMetrics } from './metrics.ts';
import { sendProblem } from './problem.ts';
import { cutAnswer, isGone } from './proxy/answer.ts';
import { FAILURES } from './proxy/failure.ts';
import type { UpgradeClient } from './proxy/upgrade-client.ts';
import { type RequestFacts, withoutQuery } from './request-facts.ts';
import type { GatewayLog } from './request-log.ts';
import type { RequestTrace } from './tracing/tracing.ts';

export interface ContainDeps {
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
}

/** Counts and logs a fault. `operation` is one of a closed list, `request` what finds it in the client's own log. */
export function recordFault(
  { metrics, log }: ContainDeps,
  operation: 'request' | 'upgrade' | 'copy',
  request: { readonly requestId: string; readonly path: string | undefined; readonly routeId: string },
  error: unknown,
): void {
  const { requestId, path, routeId: route } = request;
  metrics.raised.inc({ operation });
  log.error({ operation, requestId, path: withoutQuery(path ?? ''), route, err: error }, 'internal error');
}

/** Ends a request in whose handling `error` was thrown. What is answered already stays answered. */
export function failRequest(deps: ContainDeps, request: RequestFacts, routeId: string, error: unknown): void {
  const { outgoing, requestId, path } = request;
  recordFault(deps, 'request', { requestId, path, routeId }, error);
  if (isGone(outgoing) || outgoing.writableEnded) return;
  if (outgoing.headersSent) {
    cutAnswer(outgoing);
    return;
  }
  answerFault(outgoing, requestId, routeId);
  request.trace?.end({ ...ENDED, routeId });
  deps.metrics.requests.inc({ route: routeId, side: 'gateway', decision: 'internal-error', code: '5xx' });
}

/** An upgrade under way, as far as ending it needs to know. */
export interface UpgradeFacts {
  readonly client: UpgradeClient;
  readonly requestId: string;
  readonly path: string;
  readonly trace: RequestTrace | undefined;
}

/** Ends an upgrade in whose handling `error` was thrown. */
export function failUpgrade(deps: ContainDeps, upgrade: UpgradeFacts, routeId: string, error: unknown): void {
  const { client, requestId, path, trace } = upgrade;
  recordFault(deps, 'upgrade', { requestId, path, routeId }, error);
  const outgoing = client.refuse();
  if (!outgoing) {
    client.cut();
    return;
  }
  answerFault(outgoing, requestId, routeId);
  trace?.end({ ...ENDED, routeId });
  deps.metrics.requests.inc({ route: routeId, side: 'gateway', decision: 'internal-error', code: '5xx' });
}

const ENDED = { status: 500, failure: 'internal_error', side: 'gateway', decision: 'internal-error' } as const;

function answerFault(outgoing: ServerResponse, requestId: string, route: string): void {
  const { status, title } = FAILURES.internal_error;
  const detail = `${title}. Its log has the cause under this request id.`;
  sendProblem(outgoing, { status, title, detail, requestId, route }, []);
}
