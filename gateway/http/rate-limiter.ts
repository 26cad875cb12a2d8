// How often one identity may ask: the port, and which limits a configuration has.
import type { GatewayConfig, RateLimitConfig } from '../../config/gateway-schema.ts';
import { UNROUTED } from '../routing/route.ts';

export interface RateLimiter {
  /** Undefined when the request may pass; else how long its sender should wait. Never rejects. */
  consume(limit: RateLimitConfig, scope: string, identity: string): Promise<number | undefined>;
  /** Forgets what was counted by limits that this configuration no longer has. Cheap when it is the same as before. */
  follow(config: LimitingConfig): void;
  close(): void;
}

export type LimitingConfig = Pick<GatewayConfig, 'rateLimit' | 'routes'>;

/** What one limit's counts are known by. */
export function keyOf({ requests, perSeconds }: RateLimitConfig, scope: string): string {
  return `${scope} ${requests}/${perSeconds}`;
}

/** The keys of all limits that a configuration has: each route counts apart, and so does what no route names. */
export function limitsOf({ rateLimit, routes }: LimitingConfig): string[] {
  const scopes = [{ id: UNROUTED, rateLimit }, ...routes];
  return scopes.flatMap(({ id, rateLimit: own = rateLimit }) => (own ? [keyOf(own, id)] : []));
}
