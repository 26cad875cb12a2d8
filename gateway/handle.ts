// One request's whole story, top to bottom. Everything else hangs off it; read this first.
//
//   1 identify → 2 match → 3 decide → 4 answered here? → 5 keep a copy? → 6 forward and answer → 7 record
//   ── the client has its whole answer; nothing below can delay or fail it ──
//   8 mirror → compare → evidence
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RateLimitConfig } from '../config/gateway-schema.ts';
import { DEFAULT_TIMEOUT_MS } from '../config/route-schema.ts';
import { failRequest, recordFault } from './contain.ts';
import { createDeliver, type Delivery, type DeliveryDeps } from './deliver.ts';
import type { Delivered } from './either-side.ts';
import type { RateLimiter } from './http/rate-limiter.ts';
import type { StreamComparing } from './mirror/compare-streams.ts';
import type { Mirror } from './mirror/mirror.ts';
import type { Observation } from './mirror/observation.ts';
import type { CopyTicket, ServedRequest } from './mirror/ticket.ts';
import { answerFailure, answerPreflight, refuseLoop, refuseTarget, refuseTooMany } from './own-answers.ts';
import { isGone } from './proxy/answer.ts';
import type { ForwardResult } from './proxy/forward.ts';
import { isLooping } from './proxy/headers.ts';
import { uploadRateOf } from './proxy/upload-rate.ts';
import { type RecordDeps, recordRequest } from './record-request.ts';
import { factsOf, type RequestFacts, type RoutableRequest } from './request-facts.ts';
import { type Decision, decide, type FlagReader, type ForcedSides, UNROUTED_DECISION } from './routing/decide.ts';
import { withPin } from './routing/pin.ts';
import { type RouteModel, UNROUTED } from './routing/route.ts';
import { otherSide, type Side } from './routing/side.ts';
import { type CurrentSettings, type Settings, settingsFor } from './settings.ts';
import type { OpenStreams } from './streams/open-streams.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { WriteCounter } from './writes/count-writes.ts';

export interface HandlerDeps extends Omit<DeliveryDeps, 'uploadRate'>, RecordDeps {
  readonly settings: CurrentSettings;
  readonly forced: ForcedSides;
  readonly isEnabled: FlagReader;
  readonly mirror: Mirror;
  readonly comparing: StreamComparing;
  readonly streams: OpenStreams;
  readonly rates: RateLimiter;
  readonly tracing: Tracing | undefined;
  readonly writes: WriteCounter;
}

/** What serving a request needs beside it. */
interface Decided {
  readonly settings: Settings;
  readonly routed: Routed;
  readonly path: string;
}

/** What is known of a request once it is decided. */
export interface Routed {
  readonly route: RouteModel | undefined;
  readonly routeId: string;
  readonly decision: Decision;
  /** Empty where no route needs one. */
  readonly identity: string;
}

export function createHandler(deps: HandlerDeps) {
  const routeRequest = createRouter(deps);
  const serve = createServe(deps);

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const request = factsOf(incoming, outgoing, deps.tracing);
    let routeId = UNROUTED;
    try {
      const settings = deps.settings.current;
      // 1-3. Who is it, which route, which side.
      const routed = routeRequest(settings, request);
      routeId = routed.routeId;
      answer(request, settingsFor(settings, routed.decision, routed.identity), routed);
    } catch (error) {
      failRequest(deps, request, routeId, error);
    }
  }

  function answer(request: RequestFacts, settings: Settings, routed: Routed): void {
    const { pairs, method, path } = request;

    // 4. What needs no backend: a target that is none, a request that goes round, a browser's preflight, an identity that asks too often.
    const preflight = settings.cors.preflight(method, pairs);
    const limit = routed.route?.config.rateLimit ?? settings.config.rateLimit;
    if (path === undefined) refuseTarget(deps, request, routed.routeId);
    else if (isLooping(pairs)) refuseLoop(deps, request, routed.routeId);
    else if (preflight) answerPreflight(deps, request, routed.routeId, preflight);
    else if (limit) {
      const failed = (error: unknown) => failRequest(deps, request, routed.routeId, error);
      serveWithin(limit, request, { settings, routed, path }).catch(failed);
    } else serve(request, { settings, routed, path });
  }

  async function serveWithin(limit: RateLimitConfig, request: RequestFacts, decided: Decided): Promise<void> {
    const { routeId, identity } = decided.routed;
    const who = identity || decided.settings.edge.clientAddress(request.pairs, request.connection);
    const waitMs = await deps.rates.consume(limit, routeId, who);
    if (waitMs === undefined) serve(request, decided);
    else refuseTooMany(deps, request, routeId, waitMs);
  }

  return handle;
}

function createServe(deps: HandlerDeps) {
  const uploadRate = uploadRateOf(deps.settings.current.config.limits); // Limits stay until a restart.
  const deliver = createDeliver({ ...deps, uploadRate });

  return function serve(request: RequestFacts, { settings, routed, path }: Decided): void {
    const { incoming, outgoing, method, pairs, connection, requestId } = request;
    const { route, routeId, decision, identity } = routed;

    // 5. Keep the bodies as they pass, when a copy is wanted.
    const headersFor: Delivery['headersFor'] = (side, traceparent) =>
      settings.edge.headers(pairs, connection, { requestId, side, traceparent });
    const crossOrigin = settings.cors.added(pairs);
    const addedFor = (by: Decision) =>
      settings.config.expose ? [...crossOrigin, ...exposed(routeId, by)] : crossOrigin;
    const openEvents: Delivery['openEvents'] = ({ side }, ends) => {
      const served = { ...routed, side, requestId, method, path, answered: ends.headers, headersFor };
      const owner = { ...routed, version: settings.version };
      const events = deps.streams.openEvents(owner, side, ends, () => deps.comparing.events(served));
      if (events && ticket) deps.mirror.forgo(ticket);
      return events;
    };
    const { shadow } = decision;
    const ticket = route && shadow ? deps.mirror.begin(route, { shadow, method, identity }) : undefined;

    // 6. Forward, and answer.
    deps.metrics.inFlight.inc();
    const delivery: Delivery = {
      incoming,
      outgoing,
      route,
      decision,
      path,
      headersFor,
      addedFor,
      openEvents,
      trace: request.trace,
      upstreams: settings.upstreams,
      timeoutMs: route?.config.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      captures: ticket?.captures ?? (route && deps.writes.captures(route, method, decision.side)),
      isReplaced: settings.cors.isReplaced,
    };
    deliver(delivery, (delivered) => {
      deps.metrics.inFlight.dec();
      try {
        finish(deps, request, routed, {
          delivery,
          delivered,
          measured: settings.isMeasured ? settings.version : undefined,
        });
      } catch (error) {
        failRequest(deps, request, routeId, error);
      }
      // 8. Whatever came of the request: a copy that was wanted has an outcome.
      if (ticket) offerCopy(deps, ticket, { request, path, delivery, delivered });
    });
  };
}

interface Finished {
  readonly delivery: Delivery;
  readonly delivered: Delivered<ForwardResult>;
  /** The version that the request is counted for. */
  readonly measured: string | undefined;
}

/** 7. The client has its answer, or gets to know that there is none. */
function finish(
  deps: HandlerDeps,
  request: RequestFacts,
  { route, routeId }: Routed,
  { delivery, delivered, measured }: Finished,
): void {
  const { outgoing, requestId, path } = request;
  const { result, decision } = delivered;
  const { failure } = result;
  if (failure === 'internal_error') recordFault(deps, 'request', { requestId, path, routeId }, result.error);
  if (failure && !outgoing.headersSent && !isGone(outgoing)) {
    answerFailure(request, failure, { routeId, side: decision.side, added: delivery.addedFor(decision) });
  }
  recordRequest(deps, request, { routeId, route, decision, result, failed: delivered.failed, measured });
  if (route && decision.side === 'new') deps.writes.answered(route, request, result, delivery.captures?.response);
}

/** Matches and decides: shared by requests and by upgrades, so that both always go to the same side. */
export function createRouter(deps: Pick<HandlerDeps, 'forced' | 'isEnabled'>) {
  return function routeRequest(settings: Settings, request: RoutableRequest): Routed {
    const { table, identity: identify, edge, pins } = settings;
    const { method, pairs, connection, target } = request;
    const route = table.match(method, target);
    if (!route) return { route, routeId: UNROUTED, decision: UNROUTED_DECISION, identity: '' };
    const identity = identify(pairs, edge.clientAddress(pairs, connection));
    const decided = decide(route, identity, deps.forced, deps.isEnabled);
    const decision = pins ? withPin(decided, pins(pairs, route.id)) : decided;
    return { route, routeId: route.id, decision, identity };
  };
}

export function exposed(routeId: string, { side, reason }: Decision): readonly string[] {
  return ['x-banyan-side', side, 'x-banyan-route', routeId, 'x-banyan-decision', reason];
}

interface ServedExchange {
  readonly request: RequestFacts;
  readonly path: string;
  readonly delivered: Delivered<ForwardResult>;
  readonly delivery: Delivery;
}

function offerCopy(deps: HandlerDeps, ticket: CopyTicket, exchange: ServedExchange): void {
  try {
    if (!deps.mirror.wants(ticket, exchange.delivered.result.status)) return;
    deps.mirror.offer(ticket, servedRequest(ticket, exchange));
  } catch (error) {
    const { requestId, path } = exchange.request;
    recordFault(deps, 'copy', { requestId, path, routeId: ticket.route.id }, error);
    deps.mirror.abandon(ticket);
  }
}

function servedRequest(
  { captures, shadow }: CopyTicket,
  { request, path, delivered, delivery }: ServedExchange,
): Omit<ServedRequest, 'servedAtMs'> {
  const durationMs = performance.now() - request.startedAt;
  const observe = (side: Side, { failure, status, headers, firstByteMs }: ForwardResult): Observation => {
    const body = failure ? undefined : captures.response.body();
    return { side, status, headers, body, durationMs, firstByteMs, failure };
  };
  const { result, decision, failed } = delivered;
  const { requestId, method } = request;
  const trace = request.trace?.copy({ side: shadow, url: delivery.upstreams.copying[shadow].url });
  return {
    ...{ requestId, method, path },
    headersFor: (side) => delivery.headersFor(side, trace?.traceparent),
    observed: trace && ((copy) => trace.end(copy, copy.durationMs)),
    isEventStream: result.isEventStream,
    served: observe(decision.side, result),
    failed: failed && observe(otherSide(decision.side), failed),
  };
}
