// The traffic listener: a request that HTTP and the limits allow (http/) goes to handle.ts, a WebSocket upgrade the same
// way by handle-upgrade.ts.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createHandler } from './handle.ts';
import { createUpgradeHandler, type UpgradeDeps } from './handle-upgrade.ts';
import { createConnections } from './http/connections.ts';
import { refusalOfConnect, refusalOfStream } from './http/guard.ts';
import { LeanRequest } from './http/lean-request.ts';
import { isHttp2, requestPairs } from './http/pairs.ts';
import { watchReader } from './http/read-watch.ts';
import { REFUSALS, type RefusalReason } from './http/refusal.ts';
import type { Refused } from './http/refuse.ts';
import { closeServer, listen } from './listen.ts';
import { sendProblem } from './problem.ts';
import { http2Client } from './proxy/extended-connect.ts';
import { plainAddress } from './proxy/forwarded.ts';
import { headerValue } from './proxy/headers.ts';
import { http1Client } from './proxy/upgrade-client.ts';
import { createListener } from './tls.ts';

/** How often unfinished request heads are looked for: at most this late is a slow one cut off. */
const HEAD_SWEEP_MS_MAX = 1_000;
/** How long requests in flight may take to finish once the listener closes. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Open streams are cut this much earlier, so that they are gone by then. */
const STREAM_CUT_MS = 1_000;

export interface TrafficServer {
  /** Starts listening; answers `host:port` as bound. @throws when the address cannot be bound. */
  listen(hostPort: string): Promise<string>;
  /**
   * From now on every answer ends its connection (RFC 9112 section 9.6), so that clients come back by another one, which a
   * balancer sends elsewhere. Requests are served as before.
   */
  shed(): void;
  /** Stops listening, closes open streams and lets requests in flight finish, then cuts what is left. */
  close(): Promise<void>;
}

export type TrafficDeps = UpgradeDeps;

export function createTrafficServer(deps: TrafficDeps): TrafficServer {
  const { limits } = deps.settings.current.config;
  const handle = createHandler(deps);
  const connections = createConnections({
    ...{ limits, handle },
    overloaded: (outgoing) => answerOverload(deps, outgoing),
    onRefused: (refused, socket, cause) => recordRefusal(deps, refused, { socket, cause }),
  });
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headerTimeoutMs,
    connectionsCheckingInterval: Math.min(HEAD_SWEEP_MS_MAX, Math.ceil(limits.headerTimeoutMs / 4)),
    // Uploads may take as long as they move.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    IncomingMessage: LeanRequest,
    optimizeEmptyRequests: true, // A request without a body has no stream to be read to its end.
    requireHostHeader: false, // guard.ts looks at Host, and answers as we answer.
    // Other protocols (h2c) are not spoken here: RFC 9110 section 7.8 lets a server ignore the offer.
    shouldUpgradeCallback: (incoming) =>
      headerValue(incoming.rawHeaders, 'upgrade')?.toLowerCase() === 'websocket' &&
      !connections.isBusy(incoming.socket),
  };
  const { tls } = deps.settings.current.config;
  const listener = createListener(options, tls, (problem) => {
    deps.log[problem === undefined ? 'info' : 'error']({ problem }, 'certificate');
  });
  const { server } = listener;
  // Node drops fields beyond this count in silence; guard.ts counts them and says so.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.bodyIdleTimeoutMs;
  const upgrade = createUpgradeHandler(deps);
  const streams = createStreamHandlers(deps, { handle, upgrade });
  server.on('request', (incoming, outgoing) => {
    if (isHttp2(incoming)) streams.request(incoming, outgoing);
    else connections.request(incoming, outgoing);
  });
  server.on('checkContinue', connections.expecting);
  server.on('checkExpectation', connections.expecting);
  server.on('connect', (incoming, answering) => {
    if (isHttp2(incoming)) streams.connect(incoming, asResponse(answering));
    else connections.connect(incoming, answering);
  });
  server.on('clientError', connections.failed);
  server.on('timeout', (connection) => {
    if (connection instanceof Socket) connections.timedOut(connection);
    // A session of HTTP/2, which tls.ts ends when nothing is open on it.
  });
  server.on('drop', () => deps.metrics.refused.inc({ reason: 'too_many_connections' }));
  server.on('upgrade', (incoming, socket, head) => {
    // A Duplex in its type only.
    if (connections.mayUpgrade(incoming, socket)) upgrade(http1Client(incoming, socket as Socket, head));
  });
  return {
    listen: (hostPort) => listen(server, hostPort),
    shed() {
      connections.shed();
      listener.shed();
    },
    async close() {
      listener.stopWatching();
      listener.shed();
      const closed = closeServer(server, DRAIN_TIMEOUT_MS, () => {
        server.closeAllConnections?.(); // Not there on a listener of both versions, in Node 26.10.
        listener.cut();
      });
      deps.streams.drain(DRAIN_TIMEOUT_MS - STREAM_CUT_MS);
      await closed;
    },
  };
}

interface StreamHandlers {
  request(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** A CONNECT, which may ask for a WebSocket. */
  connect(incoming: IncomingMessage, outgoing: ServerResponse): void;
}

/** Requests of HTTP/2, whose framing needs no guard of ours: every stream is one request, and none waits for another. */
function createStreamHandlers(
  deps: TrafficDeps,
  { handle, upgrade }: { handle: ReturnType<typeof createHandler>; upgrade: ReturnType<typeof createUpgradeHandler> },
): StreamHandlers {
  const { limits } = deps.settings.current.config;
  const refuseStream = (incoming: IncomingMessage, outgoing: ServerResponse, reason: RefusalReason) => {
    const { status, title } = REFUSALS[reason];
    const requestId = randomUUID();
    deps.metrics.refused.inc({ reason });
    deps.log.info(
      { reason, status, requestId, client: plainAddress(incoming.socket.remoteAddress) },
      'request refused',
    );
    sendProblem(outgoing, { status, title, detail: `${title} (${reason}).`, requestId, code: reason }, []);
  };
  return {
    request(incoming, outgoing) {
      const { stream } = outgoing as unknown as Http2ServerResponse; // What Node's server gives with a request of HTTP/2.
      watchReader(stream, limits.bodyIdleTimeoutMs, () => {
        const refused = { reason: 'read_timeout', status: undefined, requestId: undefined } as const;
        recordRefusal(deps, refused, { socket: incoming.socket, cause: undefined });
        stream.close(constants.NGHTTP2_CANCEL);
      });
      const reason = refusalOfStream(incoming, limits);
      if (reason) refuseStream(incoming, outgoing, reason);
      else handle(incoming, outgoing);
    },
    connect(incoming, outgoing) {
      const reason = refusalOfConnect(incoming, limits);
      if (reason) refuseStream(incoming, outgoing, reason);
      else upgrade(http2Client(incoming, outgoing, requestPairs(incoming)));
    },
  };
}

/** With a CONNECT of HTTP/2 Node gives a response, where with one of HTTP/1 it gives the connection. */
function asResponse(answering: Duplex): ServerResponse {
  return answering as unknown as ServerResponse;
}

/** One line and one count for whatever was refused: none of its bytes, which may be anything. */
function recordRefusal(
  { metrics, log }: TrafficDeps,
  { reason, status, requestId }: Refused,
  { socket, cause }: { socket: Duplex; cause: string | undefined },
): void {
  metrics.refused.inc({ reason });
  const client = plainAddress((socket as Socket).remoteAddress);
  log.info({ reason, status, requestId, client, cause }, 'request refused');
}

function answerOverload({ metrics }: TrafficDeps, outgoing: ServerResponse): void {
  const reason = 'too_many_requests';
  const { status, title } = REFUSALS[reason];
  metrics.refused.inc({ reason });
  const detail = `${title}; try again in a moment.`;
  sendProblem(outgoing, { status, title, detail, requestId: randomUUID(), code: reason }, ['retry-after', '1']);
}
