// Both sides as this gateway reaches them: connections for clients, connections for copies, and how they are.
import type { GatewayConfig, UpstreamConfig } from '../config/gateway-schema.ts';
import type { HealthCheck } from './proxy/health.ts';
import { createStreamingUpstream, createUpstream, type Upstream } from './proxy/upstream.ts';
import { SIDES, type Side } from './routing/side.ts';

export interface Upstreams {
  readonly serving: Readonly<Record<Side, Upstream>>;
  /** For event streams, which would otherwise hold the connections that requests need for hours. */
  readonly streaming: Readonly<Record<Side, Upstream>>;
  /** For copies only, so that a copy that hangs cannot take a connection that a client needs. */
  readonly copying: Readonly<Record<Side, Upstream>>;
  readonly health: Readonly<Record<Side, HealthCheck>>;
  close(): Promise<void>;
}

/** Begins to watch how a side is. */
export type CheckHealth = (side: Side, config: UpstreamConfig) => HealthCheck;

export function openUpstreams(config: GatewayConfig, checkHealth: CheckHealth): Upstreams {
  const each = <T>(make: (side: Side) => T): Record<Side, T> => ({ legacy: make('legacy'), new: make('new') });
  const serving = each((side) => createUpstream(side, config.upstreams[side]));
  const streaming = each((side) => createStreamingUpstream(side, config.upstreams[side]));
  const copying = each((side) => createUpstream(side, config.upstreams[side], config.mirror.concurrency));
  const health = each((side) => checkHealth(side, config.upstreams[side]));
  return {
    serving,
    streaming,
    copying,
    health,
    async close() {
      for (const side of SIDES) health[side].stop();
      await Promise.all(SIDES.flatMap((side) => [serving, streaming, copying].map((each) => each[side].close())));
    },
  };
}
