// One WebSocket's whole story: matched and decided like any request, asked of its side or of the one that stands in for it,
// then an open stream until it ends or a flip ends it.
import { DEFAULT_TIMEOUT_MS } from '../config/route-schema.ts';
import { failUpgrade, type UpgradeFacts } from './contain.ts';
import { askEitherSide, type Delivered } from './either-side.ts';
import { createRouter, exposed, type HandlerDeps, type Routed } from './handle.ts';
import { answerFailure, refuseLoop } from './own-answers.ts';
import { FAILURES, type ForwardFailure } from './proxy/failure.ts';
import { headerValue, isLooping } from './proxy/headers.ts';
import type { UpgradeAnswer, UpgradeProxy } from './proxy/upgrade.ts';
import type { NotSwitched, SwitchedClient, UpgradeClient } from './proxy/upgrade-client.ts';
import { relayRefusal } from './proxy/upgrade-refusal.ts';
import { requestIdOf, withoutQuery } from './request-facts.ts';
import type { Decision } from './routing/decide.ts';
import { UNROUTED } from './routing/route.ts';
import { originForm } from './routing/target.ts';
import { type Settings, settingsFor } from './settings.ts';
import type { TunnelResult } from './streams/tunnel.ts';
import { versionScope } from './versions.ts';

export interface UpgradeDeps extends HandlerDeps {
  readonly upgrades: UpgradeProxy;
}

/** An upgrade as it came. */
interface Arrived extends UpgradeFacts {
  readonly startedAt: number;
}

/** What is known of it once it is decided. */
interface Handshake extends Arrived {
  readonly settings: Settings;
  readonly routed: Routed;
  readonly timeoutMs: number;
}

/** What became of a handshake, as the client has it. */
type HandshakeEnd =
  | { readonly status: number; readonly failure: undefined }
  | { readonly status: number; readonly failure: ForwardFailure; readonly error: unknown };

export function createUpgradeHandler(deps: UpgradeDeps) {
  const routeRequest = createRouter(deps);

  return function handleUpgrade(client: UpgradeClient): void {
    const { pairs, connection, target, version } = client;
    const startedAt = performance.now();
    const requestId = requestIdOf(pairs);
    const path = originForm(target) ?? '/'; // A target without a path was refused before.
    const trace = deps.tracing?.begin({ method: 'GET', path, pairs, connection, requestId, startedAt, version });
    const arrived = { client, requestId, path, trace, startedAt };
    try {
      begin(arrived);
    } catch (error) {
      failUpgrade(deps, arrived, UNROUTED, error);
    }
  };

  function begin(arrived: Arrived): void {
    const { pairs, connection, target } = arrived.client;

    // 1-3. Who is it, which route, which side.
    const { current } = deps.settings;
    const routed = routeRequest(current, { method: 'GET', pairs, connection, target });
    const settings = settingsFor(current, routed.decision, routed.identity);
    const timeoutMs = routed.route?.config.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const handshake: Handshake = { ...arrived, settings, routed, timeoutMs };

    if (isLooping(pairs)) {
      const outgoing = arrived.client.refuse();
      if (outgoing) refuseLoop(deps, { ...arrived, outgoing, method: 'GET', pairs }, routed.routeId);
      return;
    }

    // 4. Ask that side, or the other when it is down and the route allows it.
    deliver(handshake, (delivered) => {
      try {
        answer(deps, handshake, delivered);
      } catch (error) {
        if (delivered.result.kind === 'open') delivered.result.socket.destroy();
        failUpgrade(deps, handshake, routed.routeId, error);
      }
    });
  }

  function deliver(handshake: Handshake, done: (delivered: Delivered<UpgradeAnswer>) => void): void {
    const { routed, settings } = handshake;
    const { route, decision } = routed;
    if (!route?.config.fallback) {
      ask(handshake, decision, (result) => done({ result, decision, failed: undefined }));
      return;
    }
    const failed = (error: unknown) => failUpgrade(deps, handshake, route.id, error);
    void askEitherSide(deps.breakers, {
      ...{ routeId: route.id, decision, health: settings.upstreams.health },
      attempt: (by) => new Promise<UpgradeAnswer>((resolve) => ask(handshake, by, resolve)),
      mayFallBack,
    }).then(done, failed);
  }

  function ask(handshake: Handshake, { side }: Decision, settled: (result: UpgradeAnswer) => void): void {
    const { client, settings, requestId, path, timeoutMs, trace } = handshake;
    const { pairs, connection, accept, left } = client;
    const upstream = settings.config.upstreams[side];
    const exchange = trace?.attempt({ side, url: upstream.url });
    deps.upgrades.ask(
      {
        ...{ path, timeoutMs, accept, clientLeft: left, upstream },
        headers: settings.edge.headers(pairs, connection, { requestId, side, traceparent: exchange?.traceparent }),
        protocol: headerValue(pairs, 'upgrade') ?? 'websocket',
      },
      (result) => {
        exchange?.end(result);
        settled(result);
      },
    );
  }
}

/** Tells the client what its side, or the one that stood in for it, has said; opens the stream when that has switched. */
function answer(deps: UpgradeDeps, handshake: Handshake, { result, decision: by }: Delivered<UpgradeAnswer>): void {
  const { client, settings, routed, requestId, timeoutMs } = handshake;
  const { routeId } = routed;
  const { side } = by;
  const added = settings.config.expose ? exposed(routeId, by) : [];
  const ended = (end: HandshakeEnd) => recordHandshake(deps, handshake, by, end);
  const fail = (failure: ForwardFailure, error?: unknown) => {
    ended({ status: FAILURES[failure].status, failure, error });
    const outgoing = client.refuse();
    if (outgoing) answerFailure({ outgoing, requestId }, failure, { routeId, side, added });
  };

  if (result.kind === 'failed') fail(result.failure, result.error);
  else if (result.kind === 'refused') {
    const { refusal } = result;
    const outgoing = client.refuse();
    if (!outgoing) {
      refusal.destroy();
      fail('client_left');
      return;
    }
    relayRefusal({ refusal, answer: outgoing, added, timeoutMs }, (relayed) => {
      if (relayed.kind === 'failed') ended({ ...relayed, status: FAILURES[relayed.failure].status });
      else ended({ status: relayed.status, failure: undefined });
    });
  } else {
    const { protocol, fields, socket: upstream } = result;
    const switched: SwitchedClient | NotSwitched = deps.streams.hasRoom
      ? client.switchTo(protocol, [...fields, ...added])
      : { failure: 'overloaded' };
    if ('failure' in switched) {
      upstream.destroy();
      fail(switched.failure, switched.error);
      return;
    }
    ended({ status: client.switchedStatus, failure: undefined });
    // 5. Open until either peer, or a flip, ends it.
    const { pairs, connection } = client;
    const tap = deps.comparing.socket({
      ...{ ...routed, side, requestId, method: 'GET', path: handshake.path, answered: fields },
      headersFor: (to) => settings.edge.headers(pairs, connection, { requestId, side: to, traceparent: undefined }),
    });
    const ends = { client: switched.stream, upstream, early: switched.early, tap };
    const line = { requestId, route: routeId, side };
    const owner = { ...routed, version: settings.version };
    deps.streams.openTunnel(owner, side, ends, logsEnd(deps, line, handshake.startedAt));
  }
}

/** In a scope of its own, which is all that an open stream keeps of its handshake. */
function logsEnd({ log }: UpgradeDeps, line: object, startedAt: number): (tunnel: TunnelResult) => void {
  return (tunnel) => {
    const durationMs = performance.now() - startedAt;
    log.info({ ...line, ...tunnel, durationMs }, 'stream closed');
  };
}

/** Only where nothing was sent: a handshake that reached the one side must not be repeated at the other. */
function mayFallBack({ failure }: UpgradeAnswer): boolean {
  return failure !== undefined && FAILURES[failure].blame === 'upstream' && FAILURES[failure].unsent;
}

/** The handshake is what counts as the request; how long the stream then lasts says nothing of the backend. */
function recordHandshake(
  { metrics, traffic, log }: UpgradeDeps,
  { settings, routed, requestId, path, startedAt, trace }: Handshake,
  { side, reason }: Decision,
  end: HandshakeEnd,
): void {
  const { routeId: route } = routed;
  const { status } = end;
  const routePath = routed.route?.config.match.path;
  trace?.end({ routeId: route, routePath, status, failure: end.failure, side, decision: reason });
  const durationMs = performance.now() - startedAt;
  metrics.requests.count({ route, side, decision: reason, code: `${Math.floor(status / 100)}xx` });
  metrics.duration.record({ route, side }, durationMs / 1000);
  traffic.count(route, side, durationMs, status >= 500);
  if (settings.isMeasured && settings.version !== undefined && side === 'new') {
    traffic.count(versionScope(settings.version), side, durationMs, status >= 500);
  }
  const decided = { requestId, method: 'GET', path: withoutQuery(path), route, side, decision: reason };
  const line = { ...decided, status, durationMs };
  if (end.failure === undefined) {
    log.info(line, 'upgrade');
    return;
  }
  const { failure, error } = end;
  metrics.failures.inc({ route, side, failure });
  const cause = error instanceof Error ? error.message : undefined;
  log[FAILURES[failure].blame === 'client' ? 'info' : 'warn']({ ...line, failure, cause }, 'upgrade');
}
