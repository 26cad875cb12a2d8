import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Fence } from '../../../backend/bus/bus.ts';
import { createRedisBus } from '../../../backend/bus/redis.ts';
import { createRedisLeases, LEASE_MS } from '../../../backend/lease/redis.ts';
import { createRedisKeeping } from '../../../backend/solana/pulse/keeping.ts';
import { watchedWork } from '../../contracts/leases.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { startRedis } from '../../helpers/redis.ts';

const keep = closingAfterEach();

for (const [name, javascript] of [
  ['the Redis on PATH, if any', false],
  ['the JavaScript Redis', true],
] as const) {
  describe(`several instances over ${name}`, () => {
    async function world() {
      const { url } = await keep(startRedis(0, { javascript }));
      const redis = new Redis(url);
      await keep({ close: async () => redis.disconnect() });
      const hooks = { raised() {}, onHeld() {} };
      async function instance() {
        const work = watchedWork();
        const leases = await keep(createRedisLeases(url, hooks));
        const holding = await keep(leases.of('one')(work.begin));
        return { work, holding };
      }
      return { url, redis, instance };
    }

    test('one holds it at a time; it leaves, then another has it at once, by a token of its own', async () => {
      const { redis, instance } = await world();
      const first = await instance();
      await eventually(first.work.isHeld, 'the first');
      const second = await instance();
      await redis.ping();
      await first.holding.close();
      assert.equal(second.work.fences.length, 0);
      await eventually(second.work.isHeld, 'the second', LEASE_MS);
      assert.equal(first.work.closed(), 1);
      const [before, after] = [first.work.fences[0], second.work.fences[0]];
      assert.equal(before?.key, 'lease:one');
      assert.equal(after?.key, 'lease:one');
      assert.notEqual(before?.token, after?.token);
    });

    test('its lease is another’s, then the work is closed, and begun again when that one is gone', async () => {
      const { redis, instance } = await world();
      const { work } = await instance();
      await eventually(work.isHeld, 'the lease');
      await redis.set('lease:one', 'another');
      await eventually(() => work.closed() === 1, 'the work to be closed', LEASE_MS);
      assert.equal(await redis.get('lease:one'), 'another');
      await redis.del('lease:one');
      await eventually(() => work.fences.length === 2, 'the work to begin again', LEASE_MS);
    });

    test('under a fence that is another’s by now: no news, no number, nothing kept; the holder’s own are there', async () => {
      const { url, redis } = await world();
      let drops = 0;
      const onDrop = () => {
        drops += 1;
      };
      const bus = await keep(createRedisBus(url, { onDrop, raised() {} }));
      await eventually(async () => (await bus.ping()) === undefined, 'a connection');
      const keeping = await keep(createRedisKeeping(url, () => {}));
      const fence = (token: string): Fence => ({ key: 'lease:one', token });
      await redis.set('lease:one', 'now');
      const [now, before] = [bus.under(fence('now')), bus.under(fence('before'))];
      now.tell('market:A', 'market_update', { by: 'now' });
      before.tell('market:B', 'market_update', { by: 'before' });
      await assert.rejects(before.tellOnce('key', 'market:A', 'market_update', { by: 'before' }), /another holds/);
      assert.equal(await now.tellOnce('key', 'market:A', 'market_update', { by: 'now' }), true);
      const changes = { changed: [], forgotten: [] };
      await keeping.under(fence('now')).save({ slot: 7n, beginning: 1n }, changes);
      await assert.rejects(keeping.under(fence('before')).save({ slot: 5n, beginning: 1n }, changes), /another holds/);
      assert.deepEqual((await keeping.load()).reached, { slot: 7n, beginning: 1n });
      const told = (await bus.recent('market:A')).map(({ seq, text }) => [seq, JSON.parse(text).data.by]);
      assert.deepEqual(told, [
        [1, 'now'],
        [2, 'now'],
      ]);
      assert.deepEqual(await bus.recent('market:B'), []);
      assert.equal(drops, 1);
    });
  });
}

test('Redis is gone for longer than the lease, then the work is closed; it is back, then it is begun again', async () => {
  const first = await startRedis();
  const port = Number(new URL(first.url).port);
  const work = watchedWork();
  const leases = await keep(createRedisLeases(first.url, { raised() {}, onHeld() {} }));
  await keep(leases.of('one')(work.begin));
  await eventually(work.isHeld, 'the lease');
  await first.close();
  await eventually(() => work.closed() === 1, 'the work to be closed', 2 * LEASE_MS);
  const second = await keep(startRedis(port));
  assert.ok(second);
  await eventually(() => work.fences.length === 2, 'the work to begin again', 2 * LEASE_MS);
});
