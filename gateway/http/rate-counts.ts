// How often each identity has asked: counted by a gateway for itself, or by all gateways that share a Redis.
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimitConfig } from '../../config/gateway-schema.ts';
import { keyOf, type LimitingConfig, limitsOf, type RateLimiter } from './rate-limiter.ts';

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
export async function createRateCounts(
  redisUrl: string | undefined,
  raised: (operation: string, error: unknown) => void,
): Promise<RateLimiter> {
  const redis = redisUrl === undefined ? undefined : await connect(redisUrl, raised);
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

async function connect(url: string, raised: (operation: string, error: unknown) => void): Promise<Redis> {
  const { Redis } = await import('ioredis'); // 10 MB that most do not need.
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
