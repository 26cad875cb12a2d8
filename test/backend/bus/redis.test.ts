import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedisBus } from '../../../backend/bus/redis.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { startRedis } from '../../helpers/redis.ts';

test('Redis is gone: publishing drops at once; Redis is back: subscriptions work again', async () => {
  let drops = 0;
  const onDrop = () => {
    drops += 1;
  };
  const hooks = { onDrop, raised: () => {} };
  const first = await startRedis();
  const port = Number(new URL(first.url).port);
  const bus = createRedisBus(first.url, hooks);
  try {
    const heard: string[] = [];
    await within(
      bus.subscribe('orders:a', (message) => heard.push(message)),
      'the subscription',
    );
    await first.close();
    await eventually(async () => (await bus.ping()) !== undefined, 'the bus to notice');
    bus.publish('orders:a', 'lost');
    assert.equal(drops, 1);
    const second = await startRedis(port);
    try {
      await eventually(async () => (await bus.ping()) === undefined, 'the bus to reconnect');
      await eventually(() => {
        bus.publish('orders:a', 'back');
        return heard.length > 0;
      }, 'a message on the renewed subscription');
      assert.equal(heard[0], 'back');
    } finally {
      await second.close();
    }
  } finally {
    await bus.close();
  }
});
