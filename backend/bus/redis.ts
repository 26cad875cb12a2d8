// A bus over Redis pub/sub: two connections, since one that subscribes can do nothing else.
import { Redis, type RedisOptions } from 'ioredis';
import type { Bus, BusHooks } from './bus.ts';
import { createListeners } from './listeners.ts';

/** Publishes handed to the connection and not answered yet. A Redis slower than this is dropped on, not waited for. */
const IN_FLIGHT_MAX = 1000;
const COMMAND_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_MAX_MS = 2000;

const COMMON = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: null, // Subscriptions wait for the connection; publishing does not get this far without one.
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
} satisfies RedisOptions;

/** Connects at once and keeps reconnecting, with backoff; a Redis that is not there yet is not an error. */
export function createRedisBus(url: string, hooks: BusHooks): Bus {
  const listeners = createListeners(hooks.raised);
  // No offline queue: news that is minutes old when the connection returns is worse than none.
  const publisher = new Redis(url, { ...COMMON, enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS });
  // Subscriptions do queue, and ioredis renews them after a reconnection.
  const subscriber = new Redis(url, { ...COMMON, autoResubscribe: true });
  publisher.on('error', (error) => hooks.raised('bus.publisher', error));
  subscriber.on('error', (error) => hooks.raised('bus.subscriber', error));
  subscriber.on('message', listeners.deliver);
  let inFlight = 0;
  let closed = false;

  return {
    publish(channel, message) {
      if (closed || publisher.status !== 'ready' || inFlight >= IN_FLIGHT_MAX) return hooks.onDrop();
      inFlight += 1;
      publisher
        .publish(channel, message)
        .catch(() => hooks.onDrop())
        .finally(() => {
          inFlight -= 1;
        });
    },
    async subscribe(channel, listener) {
      const own = (message: string) => listener(message);
      listeners.add(channel, own);
      // Every subscriber asks: Redis takes a repeated SUBSCRIBE as done, and so the second one too waits until it is live.
      await subscriber.subscribe(channel);
      return async () => {
        if (listeners.remove(channel, own) && !closed) await subscriber.unsubscribe(channel);
      };
    },
    async ping() {
      if (publisher.status !== 'ready') return `the connection is ${publisher.status}`;
      try {
        await publisher.ping();
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : 'it does not answer';
      }
    },
    async close() {
      closed = true;
      listeners.clear();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
