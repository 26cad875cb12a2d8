import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createRedisCache, createTextCache, type SharedCache } from '../../../backend/solana/cache.ts';
import { eventually } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());

const warmUp = (cache: SharedCache) => {
  let tries = 0;
  let loads = 0;
  return eventually(async () => {
    const key = `warm:${process.pid}:${tries++ >> 1}`;
    await cache.through(key, 5000, async () => ({ text: String(loads++), madeAtMs: 0 }));
    return loads < tries; // Kept: so it is connected.
  }, 'the cache to be connected');
};

describe('a cache that instances share', () => {
  it('is asked by ten callers of two instances at once, then one of them loads', async () => {
    const shared = [createRedisCache(redis.url, () => {}), createRedisCache(redis.url, () => {})];
    await Promise.all(shared.map(warmUp));
    let loads = 0;
    const load = async (key: string) => {
      loads += 1;
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { key };
    };
    const caches = shared.map((each) =>
      createTextCache({ shared: each, name: 'test', ttlMs: 60_000, now: () => 1000, load }),
    );
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => caches[index % 2]?.ask('k')));
    assert.deepEqual([loads, new Set(answers.map((answer) => answer?.text))], [1, new Set(['{"key":"k"}'])]);
    for (const each of shared) each.close();
  });

  it('gives what another instance made with the age that it has', async () => {
    const shared = createRedisCache(redis.url, () => {});
    await warmUp(shared);
    const at = (nowMs: number, text: string) =>
      createTextCache({ shared, name: 'aged', ttlMs: 1000, now: () => nowMs, load: async () => text });
    await at(1000, 'first').ask('k');
    const other = at(1900, 'second');
    assert.equal((await other.ask('k')).text, '"first"');
    const late = at(2100, 'third');
    await late.ask('k');
    assert.equal(late.fresh('k'), undefined); // Made 1100 ms ago by its clock, whenever it came here.
    shared.close();
  });

  it('that is away is as if empty', async () => {
    const shared = createRedisCache('redis://127.0.0.1:1', () => {});
    const cache = createTextCache({ shared, name: 'away', ttlMs: 1000, now: () => 0, load: async () => 'own' });
    assert.equal((await cache.ask('k')).text, '"own"');
    shared.close();
  });
});
