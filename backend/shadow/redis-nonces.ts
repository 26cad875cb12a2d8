// Nonces of dry runs in Redis, for several instances behind one balancer: a replay may reach any of them.
import { Redis } from 'ioredis';
import { WINDOW_MS } from './header.ts';
import type { Nonces } from './nonces.ts';

const COMMAND_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_MAX_MS = 2000;
/** Both ends of the window, and one more for instances whose clocks differ. Redis drops the key by itself then. */
const KEPT_MS = 3 * WINDOW_MS;

/** Connects at once and keeps reconnecting. While there is no connection every answer is `unavailable`. */
export function createRedisNonces(url: string, raised: (operation: string, error: unknown) => void): Nonces {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false, // A dry run that waits for a connection helps nobody.
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
  });
  redis.on('error', (error) => raised('shadow.nonces', error));
  return {
    async take(nonce) {
      try {
        const set = await redis.set(`banyan:shadow:${nonce}`, '1', 'PX', KEPT_MS, 'NX');
        return set === 'OK' ? 'fresh' : 'replayed';
      } catch {
        return 'unavailable'; // Its cause was raised by the connection.
      }
    },
    close: async () => redis.disconnect(),
  };
}
