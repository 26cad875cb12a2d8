import type { z } from 'zod';
import {
  type CompareConfig,
  type GatewayConfig,
  gatewaySchema,
  type RouteConfig,
} from '../../config/gateway-schema.ts';

type RouteInput = NonNullable<z.input<typeof gatewaySchema>['routes']>[number];

/** The least a configuration can say. */
export const LEAST_CONFIG = {
  version: 1,
  listen: '127.0.0.1:0',
  operator: { listen: '127.0.0.1:0', tokens: [{ name: 'ops', role: 'admin', tokenEnv: 'OPS_TOKEN' }] },
  upstreams: { legacy: { url: 'http://127.0.0.1:8001' }, new: { url: 'http://127.0.0.1:8002' } },
  flags: { provider: 'file', file: 'flags.json' },
  ledger: 'sqlite:gateway.db',
} as const satisfies z.input<typeof gatewaySchema>;

export function aGatewayConfig(given: Partial<z.input<typeof gatewaySchema>> = {}): GatewayConfig {
  return gatewaySchema.parse({ ...LEAST_CONFIG, ...given });
}

/** A route with the schema's defaults; GET /orders/:id unless `given` says otherwise. */
export function aRoute(given: Partial<RouteInput> = {}): RouteConfig {
  const least: RouteInput = { id: 'orders.get', match: { methods: ['GET'], path: '/orders/:id' } };
  const [route] = aGatewayConfig({ routes: [{ ...least, ...given }] }).routes;
  if (!route) throw new Error('the schema lost the route');
  return route;
}

/** Rules for comparing, with the schema's defaults. */
export function aCompareConfig(given: NonNullable<RouteInput['compare']> = {}): CompareConfig {
  return aRoute({ compare: given }).compare;
}

/** What every rule must say beside what it does. */
export const REVIEWED = { reason: 'known', owner: 'trading' } as const;
