// One request's whole story, top to bottom. Everything else hangs off it; read this first.
//
//   1 identify → 2 match → 3 decide → 4 keep a copy? → 5 forward and answer → 6 record
//   ── the client has its whole answer; nothing below can delay or fail it ──
//   7 mirror → compare → evidence
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEFAULT_TIMEOUT_MS } from '../config/gateway-schema.ts';
import type { Logger } from '../config/log.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { CopyTicket, Mirror } from './mirror/mirror.ts';
import { sendProblem } from './problem.ts';
import { connectionOf, type Edge } from './proxy/edge.ts';
import { FAILURES } from './proxy/failure.ts';
import { type ForwardResult, forward } from './proxy/forward.ts';
import type { Connection } from './proxy/forwarded.ts';
import { headerValue } from './proxy/headers.ts';
import type { Upstream } from './proxy/upstream.ts';
import { type Decision, decide, type FlagReader, type ForcedSides, UNROUTED_DECISION } from './routing/decide.ts';
import type { IdentityReader } from './routing/identity.ts';
import { type RouteModel, type RouteTable, UNROUTED } from './routing/route.ts';
import type { Side } from './routing/side.ts';
import { originForm } from './routing/target.ts';
import type { Traffic } from './traffic.ts';

export interface HandlerDeps {
  readonly table: RouteTable;
  readonly identity: IdentityReader;
  readonly edge: Edge;
  readonly forced: ForcedSides;
  readonly isEnabled: FlagReader;
  readonly upstreams: Readonly<Record<Side, Upstream>>;
  readonly mirror: Mirror;
  readonly metrics: GatewayMetrics;
  readonly traffic: Traffic;
  readonly log: Logger;
  /** Whether answers say which side served them, and why. */
  readonly expose: boolean;
}

/** What is known of a request once it is decided. */
export interface Routed {
  readonly route: RouteModel | undefined;
  readonly routeId: string;
  readonly decision: Decision;
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const NOTHING: readonly string[] = [];

export function createHandler(deps: HandlerDeps) {
  const routeRequest = createRouter(deps);

  return function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const startedAt = performance.now();
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    const requestId = requestIdOf(incoming);
    const path = originForm(target);
    const connection = connectionOf(incoming.socket);

    // 1-3. Who is it, which route, which side.
    const routed = routeRequest(incoming, connection, target);
    const { route, routeId, decision } = routed;
    const added = deps.expose ? exposed(routed) : NOTHING;
    if (path === undefined) {
      const detail = 'The request target is neither a path nor an absolute URL.';
      sendProblem(outgoing, { ...FAILURES.request_invalid, detail, requestId, route: routeId }, added);
      return;
    }

    // 4. Keep the bodies as they pass, when a copy is wanted.
    const headersFor = (side: Side) => deps.edge.headers(incoming.rawHeaders, connection, { requestId, side });
    const ticket = route && decision.shadow ? deps.mirror.begin(route, decision.shadow, method) : undefined;

    // 5. Forward, and answer.
    const upstream = deps.upstreams[decision.side];
    const timeoutMs = route?.config.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    deps.metrics.inFlight.inc();
    const headers = headersFor(decision.side);
    forward({ incoming, outgoing, upstream, path, headers, added, timeoutMs, captures: ticket?.captures }, (result) => {
      const request: HandledRequest = { method, path, requestId, startedAt };
      if (result.failure && !outgoing.headersSent && !outgoing.destroyed) {
        answerFailure(outgoing, request, routed, { result, added, url: upstream.url });
      }
      // 6-7. The client has its answer, or can get none.
      record(deps, request, routed, result);
      if (ticket) {
        offerCopy(deps.mirror, ticket, { request, headers: headersFor(ticket.shadow), side: decision.side, result });
      }
    });
  };
}

/** Matches and decides: shared by requests and by upgrades, so that both always go to the same side. */
export function createRouter(deps: Pick<HandlerDeps, 'table' | 'identity' | 'edge' | 'forced' | 'isEnabled'>) {
  return function routeRequest(incoming: IncomingMessage, connection: Connection, target: string): Routed {
    const route = deps.table.match(incoming.method ?? 'GET', target);
    if (!route) return { route, routeId: UNROUTED, decision: UNROUTED_DECISION };
    const identity = deps.identity(incoming.rawHeaders, deps.edge.clientAddress(incoming.rawHeaders, connection));
    return { route, routeId: route.id, decision: decide(route, identity, deps.forced, deps.isEnabled) };
  };
}

interface HandledRequest {
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly startedAt: number;
}

/** The client's own request id when it is well-formed, so that its logs and ours agree. */
export function requestIdOf(incoming: IncomingMessage): string {
  const given = headerValue(incoming.rawHeaders, 'x-request-id');
  return given && REQUEST_ID.test(given) ? given : randomUUID();
}

export function exposed({ routeId, decision }: Routed): readonly string[] {
  return ['x-banyan-side', decision.side, 'x-banyan-route', routeId, 'x-banyan-decision', decision.reason];
}

function answerFailure(
  outgoing: ServerResponse,
  { requestId }: HandledRequest,
  { routeId, decision }: Routed,
  answer: { result: ForwardResult; added: readonly string[]; url: string },
): void {
  const { failure } = answer.result;
  if (!failure || failure === 'client_left') return;
  const { status, title } = FAILURES[failure];
  const detail = `${title} (${failure}). The gateway's log has the cause under this request id.`;
  sendProblem(outgoing, { status, title, detail, requestId, route: routeId, side: decision.side }, answer.added);
}

function record(
  deps: HandlerDeps,
  request: HandledRequest,
  { routeId, decision }: Routed,
  result: ForwardResult,
): void {
  const { metrics, traffic, log } = deps;
  const { failure } = result;
  const { side, reason } = decision;
  const status = failure ? FAILURES[failure].status : (result.status ?? 0);
  const durationMs = performance.now() - request.startedAt;
  metrics.inFlight.dec();
  metrics.requests.inc({ route: routeId, side, decision: reason, code: `${Math.floor(status / 100)}xx` });
  metrics.duration.observe({ route: routeId, side }, durationMs / 1000);
  traffic.count(routeId, side, durationMs, status >= 500);
  const line = {
    requestId: request.requestId,
    method: request.method,
    path: withoutQuery(request.path),
    route: routeId,
    side,
    decision: reason,
    status,
    bytes: result.bytes,
    durationMs,
    firstByteMs: result.firstByteMs,
  };
  if (!failure) {
    log.info(line, 'request');
    return;
  }
  metrics.failures.inc({ route: routeId, side, failure });
  const cause = result.error instanceof Error ? result.error.message : undefined;
  const level = FAILURES[failure].blame === 'client' ? 'info' : 'warn';
  log[level]({ ...line, failure, cause }, 'request');
}

/** Queries may hold secrets; they are not logged. */
function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

function offerCopy(
  mirror: Mirror,
  ticket: CopyTicket,
  served: { request: HandledRequest; headers: readonly string[]; side: Side; result: ForwardResult },
): void {
  const { request, side, result } = served;
  const { failure, status } = result;
  mirror.offer(ticket, {
    requestId: request.requestId,
    method: request.method,
    path: request.path,
    headers: served.headers,
    served: {
      side,
      status,
      headers: result.headers,
      body: failure ? undefined : ticket.captures.response.body(),
      durationMs: performance.now() - request.startedAt,
      failure,
    },
  });
}
