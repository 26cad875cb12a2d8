// The traffic listener: every request goes to handle.ts, every WebSocket upgrade the same way by upgrade.ts.
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createHandler, createRouter, type HandlerDeps, requestIdOf } from './handle.ts';
import { closeServer, listen } from './listen.ts';
import { connectionOf } from './proxy/edge.ts';
import { headerValue } from './proxy/headers.ts';
import type { UpgradeProxy } from './proxy/upgrade.ts';

/** Request heads above this are refused with 431. */
const HEAD_BYTES_MAX = 65_536;
/** A client that does not send its head in this time is cut off (slowloris). */
const HEAD_TIMEOUT_MS = 10_000;
/** Longer than the idle time of common balancers (60 s), so that they, not we, close idle connections. */
const IDLE_TIMEOUT_MS = 75_000;
/** How long requests in flight may take to finish once the listener closes. */
const DRAIN_TIMEOUT_MS = 10_000;

export interface TrafficServer {
  /** Starts listening; answers `host:port` as bound. @throws when the address cannot be bound. */
  listen(hostPort: string): Promise<string>;
  /** Stops listening, lets requests in flight finish, then cuts what is left. */
  close(): Promise<void>;
}

export interface TrafficDeps extends HandlerDeps {
  readonly upgrades: UpgradeProxy;
}

export function createTrafficServer(deps: TrafficDeps): TrafficServer {
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEAD_TIMEOUT_MS,
      // Uploads may take as long as they move; the upstream's time-out bounds those that stall.
      requestTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      // Other protocols (h2c) are not spoken here: RFC 9110 section 7.8 lets a server ignore the offer.
      shouldUpgradeCallback: (incoming) => headerValue(incoming.rawHeaders, 'upgrade')?.toLowerCase() === 'websocket',
    },
    createHandler(deps),
  );
  // Node drops fields beyond this count in silence; the size of the head is the limit that is told.
  server.maxHeadersCount = 0;
  server.on('upgrade', createUpgradeHandler(deps));
  return {
    listen: (hostPort) => listen(server, hostPort),
    async close() {
      deps.upgrades.close();
      await closeServer(server, DRAIN_TIMEOUT_MS);
    },
  };
}

function createUpgradeHandler(deps: TrafficDeps) {
  const routeRequest = createRouter(deps);
  return function handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const startedAt = performance.now();
    const target = incoming.url ?? '/';
    const settings = deps.settings.current;
    const { routeId, decision } = routeRequest(settings, {
      incoming,
      connection: connectionOf(incoming.socket),
      target,
    });
    const { side, reason } = decision;
    const { url, connectTimeoutMs } = settings.config.upstreams[side];
    const labels = { route: routeId, side };
    const requestId = requestIdOf(incoming);
    deps.metrics.streams.inc(labels);
    deps.upgrades.pipe({ incoming, socket, head, target: url, connectTimeoutMs }, (error) => {
      deps.metrics.streams.dec(labels);
      const durationMs = performance.now() - startedAt;
      deps.log.info({ requestId, ...labels, decision: reason, durationMs, cause: error?.message }, 'stream closed');
    });
  };
}
