// One WebSocket's whole story: matched and decided like any request, opened by its side, then an open stream until it
// ends or a flip ends it.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { DEFAULT_TIMEOUT_MS } from '../config/route-schema.ts';
import { failUpgrade, type UpgradeFacts } from './contain.ts';
import { createRouter, exposed, type HandlerDeps, type Routed } from './handle.ts';
import { sendProblem } from './problem.ts';
import { connectionOf } from './proxy/edge.ts';
import { FAILURES } from './proxy/failure.ts';
import type { UpgradeProxy, UpgradeResult } from './proxy/upgrade.ts';
import { requestIdOf, withoutQuery } from './request-facts.ts';
import { UNROUTED } from './routing/route.ts';
import { originForm } from './routing/target.ts';
import type { ExchangeTrace, RequestTrace } from './tracing/tracing.ts';

export interface UpgradeDeps extends HandlerDeps {
  readonly upgrades: UpgradeProxy;
}

/** An upgrade as it came. */
interface Arrived extends UpgradeFacts {
  readonly incoming: IncomingMessage;
  readonly head: Buffer;
  readonly startedAt: number;
}

interface Handshake {
  readonly routed: Routed;
  readonly requestId: string;
  readonly path: string;
  readonly startedAt: number;
  readonly added: readonly string[];
  readonly trace: RequestTrace | undefined;
}

export function createUpgradeHandler(deps: UpgradeDeps) {
  const routeRequest = createRouter(deps);
  return function handleUpgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const startedAt = performance.now();
    const requestId = requestIdOf(incoming.rawHeaders);
    const path = originForm(incoming.url ?? '/') ?? '/'; // A target without a path was refused before.
    const trace = deps.tracing?.begin({
      ...{ method: 'GET', path, pairs: incoming.rawHeaders, connection: connectionOf(socket), requestId, startedAt },
      version: incoming.httpVersion,
    });
    const upgrade = { incoming, socket, head, requestId, path, startedAt, trace, bytesBefore: socket.bytesWritten };
    socket.on('error', () => {}); // A 'close' follows.
    try {
      begin(upgrade);
    } catch (error) {
      failUpgrade(deps, upgrade, UNROUTED, error);
    }
  };

  function begin(arrived: Arrived): void {
    const { incoming, socket, head, requestId, path, startedAt, trace } = arrived;
    const pairs = incoming.rawHeaders;
    const connection = connectionOf(socket);

    // 1-3. Who is it, which route, which side.
    const settings = deps.settings.current;
    const routed = routeRequest(settings, { method: 'GET', pairs, connection, target: incoming.url ?? '/' });
    const { route, routeId, decision } = routed;
    const { side } = decision;

    // 4. Ask that side.
    const upstream = settings.config.upstreams[side];
    const added = settings.config.expose ? exposed(routeId, decision) : [];
    const handshake: Handshake = { routed, requestId, path: withoutQuery(path), startedAt, added, trace };
    const exchange = trace?.attempt({ side, url: upstream.url });
    deps.upgrades.open(
      {
        ...{ incoming, socket, head, upstream, path, added },
        headers: settings.edge.headers(pairs, connection, { requestId, side, traceparent: exchange?.traceparent }),
        timeoutMs: route?.config.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        hasRoom: () => deps.streams.hasRoom,
      },
      (result) => {
        try {
          finish(result);
        } catch (error) {
          if (result.kind === 'open') result.upstream.destroy();
          failUpgrade(deps, arrived, routeId, error);
        }
      },
    );

    function finish(result: UpgradeResult): void {
      endTraces(handshake, result, exchange);
      recordAnswer(deps, handshake, result);
      if (result.kind === 'failed') answerFailure(handshake, result);
      if (result.kind !== 'open') return;
      // 5. Open until either side, or a flip, ends it.
      const { upstream, early } = result;
      deps.streams.openTunnel(routed, { client: socket, upstream, early }, (tunnel) => {
        const durationMs = performance.now() - startedAt;
        deps.log.info({ requestId, route: routeId, side, ...tunnel, durationMs }, 'stream closed');
      });
    }
  }
}

function answerFailure({ requestId, routed, added }: Handshake, result: UpgradeResult & { kind: 'failed' }): void {
  const { failure, answer } = result;
  if (!answer) return;
  const { status, title } = FAILURES[failure];
  const detail = `${title} (${failure}). The gateway's log has the cause under this request id.`;
  const { side } = routed.decision;
  sendProblem(answer, { status, title, detail, requestId, route: routed.routeId, side }, added);
}

/** The handshake is what counts as the request; how long the stream then lasts says nothing of the backend. */
function recordAnswer(
  { metrics, traffic, log }: UpgradeDeps,
  { routed, requestId, path, startedAt }: Handshake,
  result: UpgradeResult,
): void {
  const { routeId: route, decision } = routed;
  const { side, reason } = decision;
  const status = statusOf(result);
  const durationMs = performance.now() - startedAt;
  metrics.requests.inc({ route, side, decision: reason, code: `${Math.floor(status / 100)}xx` });
  metrics.duration.observe({ route, side }, durationMs / 1000);
  traffic.count(route, side, durationMs, status >= 500);
  const line = { requestId, method: 'GET', path, route, side, decision: reason, status, durationMs };
  if (result.kind !== 'failed') {
    log.info(line, 'upgrade');
    return;
  }
  const { failure, error } = result;
  metrics.failures.inc({ route, side, failure });
  const cause = error instanceof Error ? error.message : undefined;
  log[FAILURES[failure].blame === 'client' ? 'info' : 'warn']({ ...line, failure, cause }, 'upgrade');
}

function endTraces({ routed, trace }: Handshake, result: UpgradeResult, exchange: ExchangeTrace | undefined): void {
  const { routeId, route, decision } = routed;
  const { side, reason } = decision;
  const status = statusOf(result);
  const failure = result.kind === 'failed' ? result.failure : undefined;
  exchange?.end({ status: failure ? undefined : status, failure });
  trace?.end({ routeId, routePath: route?.config.match.path, status, failure, side, decision: reason });
}

function statusOf(result: UpgradeResult): number {
  switch (result.kind) {
    case 'open':
      return 101;
    case 'refused':
      return result.status;
    case 'failed':
      return FAILURES[result.failure].status;
  }
}
