// One request's whole story, top to bottom. Everything else hangs off it; read this first.
//
//   1 identify → 2 match → 3 decide → 4 keep a copy? → 5 forward and answer → 6 record
//   ── the client has its whole answer; nothing below can delay or fail it ──
//   7 mirror → compare → evidence
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEFAULT_TIMEOUT_MS } from '../config/gateway-schema.ts';
import { createDeliver, type Delivered, type Delivery, type DeliveryDeps } from './deliver.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { CopyTicket, Mirror } from './mirror/mirror.ts';
import type { Observation } from './mirror/observation.ts';
import { sendProblem } from './problem.ts';
import { connectionOf } from './proxy/edge.ts';
import { FAILURES, type ForwardFailure } from './proxy/failure.ts';
import type { ForwardResult } from './proxy/forward.ts';
import type { Connection } from './proxy/forwarded.ts';
import { headerValue } from './proxy/headers.ts';
import { traceIdOf } from './proxy/trace.ts';
import type { GatewayLog } from './request-log.ts';
import { type Decision, decide, type FlagReader, type ForcedSides, UNROUTED_DECISION } from './routing/decide.ts';
import { type RouteModel, UNROUTED } from './routing/route.ts';
import { otherSide, type Side } from './routing/side.ts';
import { originForm } from './routing/target.ts';
import type { CurrentSettings, Settings } from './settings.ts';
import type { OpenStreams } from './streams/open-streams.ts';
import type { Traffic } from './traffic.ts';

export interface HandlerDeps extends DeliveryDeps {
  readonly settings: CurrentSettings;
  readonly forced: ForcedSides;
  readonly isEnabled: FlagReader;
  readonly mirror: Mirror;
  readonly streams: OpenStreams;
  readonly metrics: GatewayMetrics;
  readonly traffic: Pick<Traffic, 'count'>;
  readonly log: GatewayLog;
}

export interface RoutableRequest {
  readonly incoming: IncomingMessage;
  readonly connection: Connection;
  readonly target: string;
}

/** What is known of a request once it is decided. */
export interface Routed {
  readonly route: RouteModel | undefined;
  readonly routeId: string;
  readonly decision: Decision;
  /** Empty where no route needs one. */
  readonly identity: string;
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const NOTHING: readonly string[] = [];

export function createHandler(deps: HandlerDeps) {
  const routeRequest = createRouter(deps);
  const deliver = createDeliver(deps);

  return function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const startedAt = performance.now();
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    const requestId = requestIdOf(incoming);
    const path = originForm(target);
    const connection = connectionOf(incoming.socket);

    // 1-3. Who is it, which route, which side.
    const settings = deps.settings.current;
    const routed = routeRequest(settings, { incoming, connection, target });
    const { route, routeId, decision } = routed;
    if (path === undefined) {
      const detail = 'The request target is neither a path nor an absolute URL.';
      sendProblem(outgoing, { ...FAILURES.request_invalid, detail, requestId, route: routeId }, NOTHING);
      return;
    }

    // 4. Keep the bodies as they pass, when a copy is wanted.
    const headersFor = (side: Side) => settings.edge.headers(incoming.rawHeaders, connection, { requestId, side });
    const addedFor = (by: Decision) => (settings.config.expose ? exposed(routeId, by) : NOTHING);
    const openEvents: Delivery['openEvents'] = (by, ends) => deps.streams.openEvents(routed, by.side, ends);
    const ticket = route && decision.shadow ? deps.mirror.begin(route, decision.shadow, method) : undefined;

    // 5. Forward, and answer.
    const timeoutMs = route?.config.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const captures = ticket?.captures;
    deps.metrics.inFlight.inc();
    const { upstreams } = settings;
    deliver(
      {
        incoming,
        outgoing,
        upstreams,
        route,
        decision,
        path,
        timeoutMs,
        captures,
        headersFor,
        addedFor,
        openEvents,
      },
      (delivered) => {
        const traceId = traceIdOf(incoming.rawHeaders);
        const request: HandledRequest = { method, path, requestId, traceId, startedAt, routeId };
        const { result, decision: by } = delivered;
        if (result.failure && !outgoing.headersSent && !outgoing.destroyed) {
          answerFailure(outgoing, request, result.failure, { side: by.side, added: addedFor(by) });
        }
        // 6-7. The client has its answer, or can get none.
        record(deps, request, by, result);
        if (ticket) offerCopy(deps.mirror, ticket, { request, delivered, headers: headersFor(ticket.shadow) });
      },
    );
  };
}

/** Matches and decides: shared by requests and by upgrades, so that both always go to the same side. */
export function createRouter(deps: Pick<HandlerDeps, 'forced' | 'isEnabled'>) {
  return function routeRequest({ table, identity: identify, edge }: Settings, request: RoutableRequest): Routed {
    const { incoming, connection, target } = request;
    const route = table.match(incoming.method ?? 'GET', target);
    if (!route) return { route, routeId: UNROUTED, decision: UNROUTED_DECISION, identity: '' };
    const identity = identify(incoming.rawHeaders, edge.clientAddress(incoming.rawHeaders, connection));
    return { route, routeId: route.id, decision: decide(route, identity, deps.forced, deps.isEnabled), identity };
  };
}

interface HandledRequest {
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly traceId: string | undefined;
  readonly startedAt: number;
  readonly routeId: string;
}

/** The client's own request id when it is well-formed, so that its logs and ours agree. */
export function requestIdOf(incoming: IncomingMessage): string {
  const given = headerValue(incoming.rawHeaders, 'x-request-id');
  return given && REQUEST_ID.test(given) ? given : randomUUID();
}

export function exposed(routeId: string, { side, reason }: Decision): readonly string[] {
  return ['x-banyan-side', side, 'x-banyan-route', routeId, 'x-banyan-decision', reason];
}

function answerFailure(
  outgoing: ServerResponse,
  { requestId, routeId }: HandledRequest,
  failure: ForwardFailure,
  { side, added }: { side: Side; added: readonly string[] },
): void {
  if (failure === 'client_left') return;
  const { status, title } = FAILURES[failure];
  const detail = `${title} (${failure}). The gateway's log has the cause under this request id.`;
  sendProblem(outgoing, { status, title, detail, requestId, route: routeId, side }, added);
}

function record(deps: HandlerDeps, request: HandledRequest, { side, reason }: Decision, result: ForwardResult): void {
  const { metrics, traffic, log } = deps;
  const { failure } = result;
  const { routeId } = request;
  const status = failure ? FAILURES[failure].status : (result.status ?? 0);
  const durationMs = performance.now() - request.startedAt;
  metrics.inFlight.dec();
  metrics.requests.inc({ route: routeId, side, decision: reason, code: `${Math.floor(status / 100)}xx` });
  // How long a reader stays with an event stream says nothing of the backend.
  const tookMs = (result.isEventStream ? result.firstByteMs : undefined) ?? durationMs;
  metrics.duration.observe({ route: routeId, side }, tookMs / 1000);
  traffic.count(routeId, side, tookMs, status >= 500);
  if (failure) metrics.failures.inc({ route: routeId, side, failure });
  log.request(failure && FAILURES[failure].blame !== 'client' ? 'warn' : 'info', {
    requestId: request.requestId,
    traceId: request.traceId,
    method: request.method,
    path: withoutQuery(request.path),
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

/** Queries may hold secrets; they are not logged. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

function offerCopy(
  mirror: Mirror,
  ticket: CopyTicket,
  { request, delivered, headers }: { request: HandledRequest; delivered: Delivered; headers: readonly string[] },
): void {
  const durationMs = performance.now() - request.startedAt;
  const observe = (side: Side, { failure, status, headers }: ForwardResult): Observation => {
    const body = failure ? undefined : ticket.captures.response.body();
    return { side, status, headers, body, durationMs, failure };
  };
  const { result, decision, failed } = delivered;
  const { requestId, method, path } = request;
  mirror.offer(ticket, {
    ...{ requestId, method, path, headers },
    served: observe(decision.side, result),
    failed: failed && observe(otherSide(decision.side), failed),
  });
}
