import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WINDOW_MS } from '../../../backend/shadow/header.ts';
import { createMemoryNonces } from '../../../backend/shadow/nonces.ts';
import { createRedisNonces } from '../../../backend/shadow/redis-nonces.ts';
import { noncesContract } from '../../contracts/nonces.ts';
import { eventually } from '../../helpers/deadline.ts';
import { startRedis } from '../../helpers/redis.ts';
import { closedPort } from '../../helpers/upstream.ts';

noncesContract('in memory', async () => {
  const nonces = createMemoryNonces(() => {});
  return { instances: [nonces, nonces], close: nonces.close };
});

noncesContract('Redis', async () => {
  const redis = await startRedis();
  const [one, other] = [createRedisNonces(redis.url, () => {}), createRedisNonces(redis.url, () => {})];
  for (const nonces of [one, other]) {
    const probe = () => nonces.take(Math.random().toString(16), 0, 0);
    await eventually(async () => (await probe()) === 'fresh', 'the connection to Redis');
  }
  return {
    instances: [one, other],
    async close() {
      await Promise.all([one.close(), other.close()]);
      await redis.close();
    },
  };
});

describe('nonces in memory', () => {
  test('no window reaches a nonce any more, then it is forgotten and takes no room', async () => {
    let evicted = 0;
    const nonces = createMemoryNonces(() => void evicted++, 2);
    for (let at = 1; at < 10; at++) {
      const nowMs = at * (WINDOW_MS + 1);
      assert.equal(await nonces.take(`n${at}`, nowMs, nowMs), 'fresh');
    }
    assert.equal(evicted, 0);
  });

  test('full, then the oldest goes, is counted, and cannot be replayed even so', async () => {
    let evicted = 0;
    const nonces = createMemoryNonces(() => void evicted++, 2);
    for (const at of [1, 2, 3, 4]) assert.equal(await nonces.take(`n${at}`, at, 5), 'fresh');
    assert.equal(evicted, 2);
    for (const at of [1, 2, 3, 4]) assert.equal(await nonces.take(`n${at}`, at, 5), 'replayed');
    assert.equal(await nonces.take('late', 2, 5), 'replayed', 'nobody can tell it from a replay');
    assert.equal(await nonces.take('n5', 5, 5), 'fresh');
  });
});

describe('nonces in a Redis that is not there', () => {
  test('then nothing is fresh', async () => {
    const nonces = createRedisNonces(`redis://127.0.0.1:${await closedPort()}`, () => {});
    assert.equal(await nonces.take('n', 0, 0), 'unavailable');
    await nonces.close();
  });
});
