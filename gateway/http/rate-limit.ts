// How often one identity may ask, over all replicas where they share a Redis, else per gateway.
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimitConfig } from '../../config/gateway-schema.ts';

export interface RateLimiter {
  /** Undefined when the request may pass; else how long its sender should wait. Never rejects. */
  consume(limit: RateLimitConfig, scope: string, identity: string): Promise<number | undefined>;
  close(): void;
}

/** Identities counted apart in one window; a client can invent as many as it likes, and those beyond share one count. */
const IDENTITIES_MAX = 100_000;
const OVERFLOW = '(overflow)';
/** A shared Redis that does not answer in this time is done without. */
const REDIS_TIMEOUT_MS = 50;

type Limiter = RateLimiterMemory | RateLimiterRedis;

/** Limits by a Redis at `redisUrl`, by this process's memory while it does not answer, and without one always. */
export function createRateLimiter(
  redisUrl: string | undefined,
  raised: (operation: string, error: unknown) => void,
): RateLimiter {
  const redis = redisUrl === undefined ? undefined : connect(redisUrl, raised);
  const limiters = new Map<string, { limiter: Limiter; seen: Set<string>; windowEndsMs: number }>(); // One per limit.

  function limiterOf(limit: RateLimitConfig, scope: string) {
    const key = `${scope} ${limit.requests}/${limit.perSeconds}`;
    const known = limiters.get(key);
    if (known) return known;
    const options = { keyPrefix: `banyan:rate:${key}`, points: limit.requests, duration: limit.perSeconds };
    const memory = new RateLimiterMemory(options);
    const limiter = redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory;
    const fresh = { limiter, seen: new Set<string>(), windowEndsMs: 0 };
    limiters.set(key, fresh);
    return fresh;
  }

  return {
    async consume(limit, scope, identity) {
      const entry = limiterOf(limit, scope);
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
    close: () => redis?.disconnect(),
  };
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
