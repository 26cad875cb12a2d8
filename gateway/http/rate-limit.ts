// Limits what identities may ask. What counts is loaded where something is limited (rate-counts.ts): it takes 10 MB.
import { limitsOf, type RateLimiter } from './rate-limiter.ts';

/** Limits by a Redis at `redisUrl`, by this process's memory while it does not answer, and without one always. */
export function createRateLimiter(
  redisUrl: string | undefined,
  raised: (operation: string, error: unknown) => void,
): RateLimiter {
  let loaded: Promise<RateLimiter> | undefined;
  const load = () => {
    loaded ??= import('./rate-counts.ts').then(({ createRateCounts }) => createRateCounts(redisUrl, raised));
    return loaded;
  };
  return {
    consume: async (limit, scope, identity) => (await load()).consume(limit, scope, identity),
    follow(config) {
      if (limitsOf(config).length > 0) void load(); // Before the first request that is limited.
      void loaded?.then((counts) => counts.follow(config));
    },
    close: () => void loaded?.then((counts) => counts.close()),
  };
}
