// How often one identity may ask: counted by a gateway for itself, or by all gateways that share a Redis.
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
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

/** Identities counted apart in one window; a client can invent as many as it likes, and those beyond share one count. */
const IDENTITIES_MAX = 100_000;
const OVERFLOW = '(overflow)';
/** A shared Redis that does not answer in this time is done without. */
const REDIS_TIMEOUT_MS = 50;

/** One limit's counts. */
interface Counts {
  readonly limiter: RateLimiterMemory | RateLimiterRedis;
  /** What is counted in this process, if only while a Redis does not answer. */
  readonly memory: RateLimiterMemory;
  /** Identities of the current window. */
  readonly seen: Set<string>;
  windowEndsMs: number;
}

/** Limits by a Redis at `redisUrl`, by this process's memory while it does not answer, and without one always. */
export function createRateLimiter(
  redisUrl: string | undefined,
  raised: (operation: string, error: unknown) => void,
): RateLimiter {
  const redis = redisUrl === undefined ? undefined : connect(redisUrl, raised);
  const counts = new Map<string, Counts>(); // One per limit in force.
  let followed: LimitingConfig | undefined;

  function countsOf(limit: RateLimitConfig, scope: string): Counts {
    const key = keyOf(limit, scope);
    const known = counts.get(key);
    if (known) return known;
    const options = { keyPrefix: `banyan:rate:${key}`, points: limit.requests, duration: limit.perSeconds };
    const memory = new RateLimiterMemory(options);
    const limiter = redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory;
    const fresh = { limiter, memory, seen: new Set<string>(), windowEndsMs: 0 };
    counts.set(key, fresh);
    return fresh;
  }

  return {
    async consume(limit, scope, identity) {
      const entry = countsOf(limit, scope);
      const nowMs = Date.now();
      if (nowMs >= entry.windowEndsMs) {
        entry.seen.clear();
        entry.windowEndsMs = nowMs + limit.perSeconds * 1000;
      }
      const isKnown = entry.seen.has(identity) || entry.seen.size < IDENTITIES_MAX;
      if (isKnown) entry.seen.add(identity);
      try {
        await entry.limiter.consume(isKnown ? identity : OVERFLOW);
        return undefined;
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return Math.max(1, refused.msBeforeNext);
        raised('rate-limit', refused); // Neither store answered: better to serve than to turn everybody away.
        return undefined;
      }
    },
    follow(config) {
      if (config === followed) return;
      followed = config;
      const kept = new Set(limitsOf(config));
      for (const [key, { memory, seen }] of counts) {
        if (kept.has(key)) continue;
        counts.delete(key);
        for (const identity of seen) void memory.delete(identity); // Else its timer would keep it to the window's end.
      }
    },
    close: () => redis?.disconnect(),
  };
}

function keyOf({ requests, perSeconds }: RateLimitConfig, scope: string): string {
  return `${scope} ${requests}/${perSeconds}`;
}

/** The keys of all limits that a configuration has: each route counts apart, and so does what no route names. */
function limitsOf({ rateLimit, routes }: LimitingConfig): string[] {
  const scopes = [{ id: UNROUTED, rateLimit }, ...routes];
  return scopes.flatMap(({ id, rateLimit: own = rateLimit }) => (own ? [keyOf(own, id)] : []));
}

function connect(url: string, raised: (operation: string, error: unknown) => void): Redis {
  const redis = new Redis(url, {
    commandTimeout: REDIS_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  let isTold = false; // Once an outage: it reconnects by itself and would report every attempt.
  redis.on('error', (error) => {
    if (!isTold) raised('rate-limit.redis', error);
    isTold = true;
  });
  redis.on('ready', () => {
    isTold = false;
  });
  return redis;
}
