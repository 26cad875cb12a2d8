// Gets a decided request answered: by its side; once more when the connection broke before the answer and nothing can
// have happened twice; by the other side when its own is down and the route allows it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Breakers } from './breakers.ts';
import { askEitherSide, type Delivered } from './either-side.ts';
import { isGone } from './proxy/answer.ts';
import { FAILURES } from './proxy/failure.ts';
import { type ForwardRequest, type ForwardResult, forward, notForwarded, type RequestBody } from './proxy/forward.ts';
import { headerValue } from './proxy/headers.ts';
import type { EventStreamEnds, PassingEvents } from './proxy/passing-events.ts';
import type { UploadRate } from './proxy/upload-rate.ts';
import type { Decision } from './routing/decide.ts';
import { isIdempotent, isSafe } from './routing/method.ts';
import type { RouteModel } from './routing/route.ts';
import type { Side } from './routing/side.ts';
import type { ExchangeTrace, RequestTrace } from './tracing/tracing.ts';
import type { Upstreams } from './upstreams.ts';

export interface Delivery {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly upstreams: Upstreams;
  readonly route: RouteModel | undefined;
  readonly decision: Decision;
  readonly path: string;
  readonly timeoutMs: number;
  readonly captures: ForwardRequest['captures'];
  /** The request's fields as they go to a side; `traceparent` names the span that sends it. */
  headersFor(side: Side, traceparent?: string): string[];
  /** Undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
  /** Takes account of an answer that is an event stream; undefined when no more may be open. */
  openEvents(decision: Decision, ends: EventStreamEnds): PassingEvents | undefined;
  /** Whether a backend's own field in the answer (by its lower-case name) is left out; undefined: none is. */
  readonly isReplaced: ForwardRequest['isReplaced'];
  /** Fields added to the answer that a decision leads to. */
  addedFor(decision: Decision): readonly string[];
}

export interface DeliveryDeps {
  readonly breakers: Breakers;
  readonly uploadRate: UploadRate;
}

/** Delivers; calls `done` once, which must not throw; never throws itself. On failure nothing was answered unless the answer had begun. */
export function createDeliver(deps: DeliveryDeps) {
  function send(
    delivery: Delivery,
    decision: Decision,
    body: RequestBody,
    done: (result: ForwardResult) => void,
  ): void {
    const { incoming, outgoing, path, timeoutMs, captures, trace } = delivery;
    const upstream = delivery.upstreams[wantsEvents(incoming) ? 'streaming' : 'serving'][decision.side];
    const requestFrom = (from: RequestBody, exchange: ExchangeTrace | undefined): ForwardRequest => ({
      incoming,
      outgoing,
      path,
      timeoutMs,
      captures,
      upstream,
      body: from,
      bodyBytesMax: delivery.route?.config.bodyBytesMax,
      uploadRate: deps.uploadRate,
      openEvents: (ends) => delivery.openEvents(decision, ends),
      headers: delivery.headersFor(decision.side, exchange?.traceparent),
      added: delivery.addedFor(decision),
      isReplaced: delivery.isReplaced,
    });
    const attempt = (from: RequestBody, then: (result: ForwardResult) => void) => {
      const exchange = trace?.attempt({ side: decision.side, url: upstream.url });
      const ended = (result: ForwardResult) => {
        exchange?.end(result);
        then(result);
      };
      let request: ForwardRequest;
      try {
        request = requestFrom(from, exchange);
      } catch (error) {
        ended(notForwarded('internal_error', error));
        return;
      }
      forward(request, exchange ? ended : then);
    };
    attempt(body, (result) => {
      const again = mayRetry(delivery, result) ? result.body : undefined;
      if (again === undefined) done(result);
      else attempt(again, done);
    });
  }

  /** With promises and breakers, which routes that may not fall back do not pay for. */
  function sendToEither(routeId: string, delivery: Delivery): Promise<Delivered<ForwardResult>> {
    const { decision, upstreams } = delivery;
    return askEitherSide(deps.breakers, {
      ...{ routeId, decision, health: upstreams.health },
      attempt: (by, failed) => new Promise((resolve) => send(delivery, by, failed?.body ?? 'unread', resolve)),
      mayFallBack: (result: ForwardResult) => mayFallBack(delivery, result),
    });
  }

  return function deliver(delivery: Delivery, done: (delivered: Delivered<ForwardResult>) => void): void {
    const { route, decision } = delivery;
    const byDecided = (result: ForwardResult) => done({ result, decision, failed: undefined });
    if (!route?.config.fallback) send(delivery, decision, 'unread', byDecided);
    else {
      const failed = (error: unknown) => byDecided(notForwarded('internal_error', error));
      void sendToEither(route.id, delivery).then(done, failed);
    }
  };
}

/** An EventSource asks like this (WHATWG HTML, section 9.2.3); what else streams events takes an ordinary connection. */
function wantsEvents(incoming: IncomingMessage): boolean {
  return headerValue(incoming.rawHeaders, 'accept') === 'text/event-stream';
}

/** Whether nothing has gone to the client yet, and the request can be sent again from memory. */
function canSendAgain({ outgoing }: Delivery, { failure, body }: ForwardResult): boolean {
  return failure !== undefined && body !== undefined && !outgoing.headersSent && !isGone(outgoing);
}

/**
 * A backend that closes an idle connection just as a request is written to it looks like this. RFC 9110 section 9.2.2:
 * only idempotent requests may be sent again unasked.
 */
function mayRetry(delivery: Delivery, result: ForwardResult): boolean {
  if (result.failure !== 'upstream_reset' || !canSendAgain(delivery, result)) return false;
  const method = delivery.incoming.method ?? '';
  const allowed = delivery.route?.config.retry ?? 'safe';
  return isSafe(method) ? allowed !== 'never' : allowed === 'idempotent' && isIdempotent(method);
}

function mayFallBack(delivery: Delivery, result: ForwardResult): boolean {
  if (!result.failure || !canSendAgain(delivery, result)) return false;
  const { unsent, blame } = FAILURES[result.failure];
  // What the gateway itself got wrong is not hidden by the other side.
  return unsent ? blame !== 'client' : blame === 'upstream' && isSafe(delivery.incoming.method ?? '');
}
