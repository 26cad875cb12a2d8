// Leases in Redis: a key that names its holder and goes by itself when the holder is gone. What the holder writes to that Redis it
// writes under the key (the fence), so that one that was stopped for a while and does not know of its successor changes nothing.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Fence } from '../bus/bus.ts';
import type { Holding, Lease, LeaseHooks, Leases } from './lease.ts';

/** A holder that was killed is succeeded this much later, and one try more. */
export const LEASE_MS = 3000;
/** Two renewals may fail. */
const RENEW_EVERY_MS = 800;
/** Between two tries of those who wait. */
const TRY_EVERY_MS = 500;
const COMMAND_TIMEOUT_MS = 600;
const CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_MAX_MS = 2000;

/** KEYS: the lease. ARGV: who holds it, ms. Each says whether it was its holder's. */
const RENEW = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
const RELEASE = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/** Connects at once and keeps reconnecting. Nothing is held while nobody can say that it is. */
export function createRedisLeases(url: string, { raised, onHeld }: LeaseHooks): Leases {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false, // What is answered late was perhaps taken by another since.
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
  });
  redis.on('error', (error) => raised('lease.redis', error));
  const isUp = () => redis.status === 'ready'; // While it is not, its connection has raised why.
  const wait = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }).catch(() => undefined);

  /** Resolves when the lease is no longer held, or `done`. Counted from before each renewal, as Redis cannot have begun earlier. */
  async function renew({ key, token }: Fence, takenAtMs: number, done: AbortSignal): Promise<void> {
    let heldUntilMs = takenAtMs + LEASE_MS;
    for (;;) {
      await wait(RENEW_EVERY_MS, done);
      const askedAtMs = performance.now();
      if (done.aborted || askedAtMs >= heldUntilMs) return;
      if (!isUp()) continue;
      try {
        if ((await redis.eval(RENEW, 1, key, token, LEASE_MS)) !== 1) return;
        heldUntilMs = askedAtMs + LEASE_MS;
      } catch (error) {
        raised('lease.renew', error);
      }
    }
  }

  async function work(name: string, begin: Parameters<Lease>[0], closing: AbortSignal): Promise<void> {
    const fence = { key: `lease:${name}`, token: randomUUID() };
    const takenAtMs = performance.now();
    if ((await redis.set(fence.key, fence.token, 'PX', LEASE_MS, 'NX')) !== 'OK') return;
    const done = new AbortController();
    const renewing = renew(fence, takenAtMs, done.signal);
    try {
      const holding = await begin(fence);
      onHeld(name, true);
      if (!closing.aborted) await Promise.race([renewing, once(closing, 'abort', { signal: done.signal })]);
      onHeld(name, false);
      await holding.close();
    } finally {
      done.abort();
      await renewing;
      if (isUp()) await redis.eval(RELEASE, 1, fence.key, fence.token); // Whoever waits need not wait until it expires.
    }
  }

  function of(name: string): Lease {
    return (begin): Holding => {
      const closing = new AbortController();
      async function run(): Promise<void> {
        while (!closing.signal.aborted) {
          try {
            if (isUp()) await work(name, begin, closing.signal);
          } catch (error) {
            raised('lease.work', error);
          }
          await wait(TRY_EVERY_MS, closing.signal);
        }
      }
      const running = run();
      return {
        async close() {
          closing.abort();
          await running;
        },
      };
    };
  }
  return { of, close: async () => redis.disconnect() };
}
