// Both sides as this gateway reaches them: connections for clients, connections for copies, and how they are.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { type HealthCheck, startHealthCheck } from './proxy/health.ts';
import { createUpstream, type Upstream } from './proxy/upstream.ts';
import { SIDES, type Side } from './routing/side.ts';

export interface Upstreams {
  readonly serving: Readonly<Record<Side, Upstream>>;
  /** For copies only, so that a copy that hangs cannot take a connection that a client needs. */
  readonly copying: Readonly<Record<Side, Upstream>>;
  readonly health: Readonly<Record<Side, HealthCheck>>;
  close(): Promise<void>;
}

export function openUpstreams(config: GatewayConfig, onHealth: (side: Side, healthy: boolean) => void): Upstreams {
  const each = <T>(make: (side: Side) => T): Record<Side, T> => ({ legacy: make('legacy'), new: make('new') });
  const serving = each((side) => createUpstream(side, config.upstreams[side]));
  const copying = each((side) => createUpstream(side, config.upstreams[side], config.mirror.concurrency));
  const health = each((side) => startHealthCheck(config.upstreams[side], (healthy) => onHealth(side, healthy)));
  return {
    serving,
    copying,
    health,
    async close() {
      for (const side of SIDES) health[side].stop();
      await Promise.all(SIDES.flatMap((side) => [serving[side].close(), copying[side].close()]));
    },
  };
}
