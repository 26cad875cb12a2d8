// One side's connections. Clients' requests and mirrored copies never share a pool, so that a copy that hangs cannot
// take a connection that a client needs.
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import type { Side } from '../routing/side.ts';
import { createPool, type Pool } from '../upstream/pool.ts';

/** Requests that may wait for a connection beyond those under way; more are answered 503 at once. */
const WAITING_MAX = 4_096;
/** How long requests under way may take to finish once the pool is closed. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Event streams that may be open to one side, each on a connection of its own. */
const EVENT_STREAMS_MAX = 10_000;

export interface Upstream {
  readonly side: Side;
  readonly url: string;
  readonly pool: Pool;
  /** Requests given to the pool and not yet settled; its users count it up and down. */
  inFlight: number;
  readonly inFlightMax: number;
  close(): Promise<void>;
}

export function createUpstream(side: Side, config: UpstreamConfig, connections = config.connections): Upstream {
  const pool = openPool(config, connections);
  return {
    ...{ side, url: config.url, pool, inFlight: 0, inFlightMax: connections + WAITING_MAX },
    async close() {
      const timer = setTimeout(() => pool.destroy(), CLOSE_TIMEOUT_MS);
      await pool.close();
      clearTimeout(timer);
    },
  };
}

/** For event streams: none waits for another, and closing waits for as long as their clients stay. */
export function createStreamingUpstream(side: Side, config: UpstreamConfig): Upstream {
  const pool = openPool(config, EVENT_STREAMS_MAX);
  return {
    ...{ side, url: config.url, pool, inFlight: 0, inFlightMax: EVENT_STREAMS_MAX },
    close: () => pool.close(),
  };
}

function openPool({ url, connectTimeoutMs, tls }: UpstreamConfig, connections: number): Pool {
  return createPool({ url, connections, connectTimeoutMs, tls: tlsOptions(tls) });
}

/** Certificates are verified unless the configuration says otherwise. @throws when a file that it names cannot be read. */
export function tlsOptions(
  tls: UpstreamConfig['tls'],
): SecureContextOptions & { servername?: string; rejectUnauthorized?: boolean } {
  if (!tls) return {};
  const { ca, cert, key, serverName, insecure } = tls;
  return {
    rejectUnauthorized: !insecure,
    ...(ca ? { ca: readFileSync(ca) } : {}),
    ...(cert ? { cert: readFileSync(cert) } : {}),
    ...(key ? { key: readFileSync(key) } : {}),
    ...(serverName ? { servername: serverName } : {}),
  };
}
