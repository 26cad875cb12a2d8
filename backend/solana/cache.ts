// Answers kept for a short time: in this process, and where there is a Redis for all instances, of which one asks while the
// others wait for what it finds.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { createKept, type Kept } from '../domain/kept.ts';

/** What another instance's question may take before one asks oneself, ms. */
const WAIT_MAX_MS = 1000;
const WAIT_STEP_MS = 20;
const LOCK_MS = 3000;
const COMMAND_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 2000;
const KEYS_MAX = 10_000;

/** Takes the lock away only from whoever has it. KEYS: lock. ARGV: token. */
const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** An answer as JSON text, ready to be sent. */
export type Text = { readonly text: string; readonly madeAtMs: number };
const stored = z.object({ text: z.string(), madeAtMs: z.number() });

export type SharedCache = {
  /** What is kept under `key`, else what `load` answers, which is kept for `ttlMs`. A cache that is away is as if empty. */
  readonly through: (key: string, ttlMs: number, load: () => Promise<Text>) => Promise<Text>;
  readonly close: () => void;
};

export const NO_SHARED_CACHE: SharedCache = { through: (_, __, load) => load(), close() {} };

export function createRedisCache(url: string, raised: (operation: string, error: unknown) => void): SharedCache {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), CONNECT_TIMEOUT_MS),
  });
  redis.on('error', (error) => raised('solana.cache', error));

  async function quietly<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (redis.status !== 'ready') return undefined;
    try {
      return await command();
    } catch (error) {
      raised('solana.cache', error);
      return undefined;
    }
  }

  async function read(key: string): Promise<Text | undefined> {
    const text = await quietly(() => redis.get(key));
    if (text === undefined || text === null) return undefined;
    try {
      return stored.parse(JSON.parse(text));
    } catch {
      return undefined; // Of another version of this service.
    }
  }

  async function loadAndKeep(key: string, ttlMs: number, load: () => Promise<Text>): Promise<Text> {
    const made = await load();
    await quietly(() => redis.set(key, JSON.stringify(made), 'PX', ttlMs));
    return made;
  }

  return {
    async through(key, ttlMs, load) {
      const found = await read(key);
      if (found || redis.status !== 'ready') return found ?? load();
      const lock = `lock:${key}`;
      const token = randomUUID();
      const isMine = await quietly(() => redis.set(lock, token, 'PX', LOCK_MS, 'NX'));
      if (isMine === 'OK') {
        try {
          return await loadAndKeep(key, ttlMs, load);
        } finally {
          await quietly(() => redis.eval(UNLOCK, 1, lock, token));
        }
      }
      for (let waitedMs = 0; waitedMs < WAIT_MAX_MS; waitedMs += WAIT_STEP_MS) {
        await delay(WAIT_STEP_MS);
        const theirs = await read(key);
        if (theirs) return theirs;
        if (redis.status !== 'ready') break;
      }
      return loadAndKeep(key, ttlMs, load);
    },
    close: () => redis.disconnect(),
  };
}

export type CacheOptions = {
  readonly shared: SharedCache;
  readonly name: string;
  readonly ttlMs: number;
  readonly now: () => number;
  /** What is answered under a key, as a value that JSON can hold. */
  readonly load: (key: string) => Promise<unknown>;
};

/** Kept as text, so that the hot path neither reads nor writes JSON. `load` may reject; that is not kept. */
export function createTextCache({ shared, name, ttlMs, now, load }: CacheOptions): Kept<Text> {
  return createKept({
    load: (key) =>
      shared.through(`${name}:${key}`, ttlMs, async () => ({ text: JSON.stringify(await load(key)), madeAtMs: now() })),
    now,
    freshMs: ttlMs,
    keysMax: KEYS_MAX,
    isWorthKeeping: () => true,
    madeAtMs: ({ madeAtMs }) => madeAtMs,
  });
}
