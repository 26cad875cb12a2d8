// One side's connections. Clients' requests and mirrored copies never share a pool, so that a copy that hangs cannot
// take a connection that a client needs.
import { Pool } from 'undici';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import type { Side } from '../routing/side.ts';

/** Requests that may wait for a connection beyond those under way; more are answered 503 at once. */
const WAITING_MAX = 4_096;
/** Response heads above this are refused as invalid. */
const HEAD_BYTES_MAX = 65_536;
/** How long requests under way may take to finish once the pool is closed. */
const CLOSE_TIMEOUT_MS = 5_000;

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
  const pool = new Pool(config.url, {
    connections,
    pipelining: 1, // Measured: more is slower, and one slow answer would hold up the next.
    connect: { timeout: config.connectTimeoutMs },
    allowH2: false,
    // Every request has its own deadline (see forward.ts); undici's are coarse and cannot tell the phases apart.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: HEAD_BYTES_MAX,
  });
  return {
    side,
    url: config.url,
    pool,
    inFlight: 0,
    inFlightMax: connections + WAITING_MAX,
    async close() {
      const timer = setTimeout(() => void pool.destroy().catch(() => {}), CLOSE_TIMEOUT_MS);
      await pool.close().catch(() => {});
      clearTimeout(timer);
    },
  };
}
