// Answers that need no backend: failures, refusals, a browser's preflight.
import { sendProblem } from './problem.ts';
import { endWithAnswer } from './proxy/answer.ts';
import { FAILURES, type ForwardFailure } from './proxy/failure.ts';
import { GATEWAYS_MAX } from './proxy/headers.ts';
import { type AnsweredHere, type RecordDeps, recordOwnAnswer } from './record-request.ts';
import type { RequestFacts } from './request-facts.ts';
import type { Side } from './routing/side.ts';

const NOTHING: readonly string[] = [];

/** Tells the client that no side has answered it. A client that left is told nothing. */
export function answerFailure(
  { outgoing, requestId }: Pick<RequestFacts, 'outgoing' | 'requestId'>,
  failure: ForwardFailure,
  { routeId, side, added }: { routeId: string; side: Side; added: readonly string[] },
): void {
  if (failure === 'client_left') return;
  // RFC 9110 section 15.5.9. What is left of the body would hold the connection for as long as its client likes.
  if (failure === 'request_too_slow') endWithAnswer(outgoing);
  const { status, title } = FAILURES[failure];
  const detail = `${title} (${failure}). The gateway's log has the cause under this request id.`;
  sendProblem(outgoing, { status, title, detail, requestId, route: routeId, side }, added);
}

export function refuseTarget(deps: RecordDeps, request: RequestFacts, routeId: string): void {
  const { status, title } = FAILURES.request_invalid;
  const detail = 'The request target is neither a path nor an absolute URL.';
  sendProblem(request.outgoing, { status, title, detail, requestId: request.requestId, route: routeId }, NOTHING);
  recordOwnAnswer(deps, request, { routeId, status, why: 'target-refused' });
}

/** RFC 5842 section 7.2. */
export function refuseLoop(
  deps: RecordDeps,
  request: AnsweredHere & Pick<RequestFacts, 'outgoing'>,
  routeId: string,
): void {
  const detail =
    `The request has passed ${GATEWAYS_MAX} gateways of this kind, as one that goes round does. ` +
    'An address under upstreams leads back to a gateway: it has to be that of a backend.';
  const problem = { status: 508, title: 'Loop Detected', detail, requestId: request.requestId, route: routeId };
  sendProblem(request.outgoing, problem, NOTHING);
  recordOwnAnswer(deps, request, { routeId, status: 508, why: 'loop' });
}

export function answerPreflight(
  deps: RecordDeps,
  request: RequestFacts,
  routeId: string,
  fields: readonly string[],
): void {
  request.outgoing.writeHead(204, [...fields]);
  request.outgoing.end();
  recordOwnAnswer(deps, request, { routeId, status: 204, why: 'preflight' });
}

/** RFC 6585 section 4. */
export function refuseTooMany(deps: RecordDeps, request: RequestFacts, routeId: string, waitMs: number): void {
  const seconds = Math.ceil(waitMs / 1000);
  const detail = `Too many requests by this identity; try again in ${seconds} s.`;
  const problem = { status: 429, title: 'Too Many Requests', detail, requestId: request.requestId, route: routeId };
  sendProblem(request.outgoing, problem, ['retry-after', String(seconds)]);
  recordOwnAnswer(deps, request, { routeId, status: 429, why: 'rate-limited' });
}
