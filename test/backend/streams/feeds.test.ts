import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bus } from '../../../backend/bus/bus.ts';
import { createRedisBus } from '../../../backend/bus/redis.ts';
import { createDelivery, type Gap } from '../../../backend/streams/delivery.ts';
import { createFeeds } from '../../../backend/streams/feeds.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { startRedis } from '../../helpers/redis.ts';

const keep = closingAfterEach();
const CHANNEL = 'market:BTCUSDT';

async function instance(url: string) {
  const bus: Bus = await keep(createRedisBus(url, { onDrop() {}, raised() {} }));
  await eventually(async () => (await bus.ping()) === undefined, 'the bus');
  const feeds = await keep(createFeeds({ bus, raised() {} }));
  /** Numbers that arrived, and gaps that were told of. */
  function follow() {
    const log: (number | Gap['reason'])[] = [];
    const delivery = createDelivery(
      {
        send: ({ seq }) => void log.push(seq),
        tellGap: ({ reason }) => void log.push(reason),
        isFull: () => false,
        endSlow() {},
      },
      'conflate',
    );
    const leave = feeds.follow(CHANNEL, { begin: (kept) => delivery.begin(kept, undefined), offer: delivery.offer });
    return { log, leave };
  }
  return { bus, follow };
}

const tell = ({ bus }: { bus: Bus }, i: number) => bus.tell(CHANNEL, 'market_update', { i });

test('two instances tell and follow one channel, then every follower has one sequence', async () => {
  const { url } = await keep(startRedis());
  const [one, two] = [await instance(url), await instance(url)];
  const followers = [one.follow(), one.follow(), two.follow()];
  await eventually(() => {
    tell(one, 0);
    return followers.every(({ log }) => log.length > 0);
  }, 'all to follow');
  for (let i = 0; i < 100; i++) {
    tell(one, i);
    tell(two, i);
  }
  const lastOf = ({ log }: { log: readonly unknown[] }) => log.at(-1);
  const kept = await eventually(async () => {
    const recent = await one.bus.recent(CHANNEL);
    const last = recent.at(-1)?.seq ?? 0;
    return last > 200 && followers.every((follower) => lastOf(follower) === last) && recent;
  }, 'all to have the last');
  for (const { log } of followers) assert.deepEqual(log, kept.map(({ seq }) => seq).slice(-log.length));
});

test('Redis restarts empty, then followers are told of the gap once, and nothing after it is missing', async () => {
  const first = await startRedis();
  const port = Number(new URL(first.url).port);
  const { bus, follow } = await instance(first.url);
  const { log } = follow();
  await eventually(() => {
    tell({ bus }, 0);
    return log.length > 3;
  }, 'the first news');
  await first.close();
  await eventually(async () => (await bus.ping()) !== undefined, 'the loss to be noticed');
  for (let i = 0; i < 5; i++) tell({ bus }, i); // Lost.
  const before = log.length;
  await keep(startRedis(port));
  await eventually(async () => (await bus.ping()) === undefined, 'the bus to reconnect');
  for (let i = 0; i < 20; i++) tell({ bus }, i);
  await eventually(() => log.length === before + 21, 'the news after it');
  // The numbers begin anew, and leave out those that were lost.
  assert.deepEqual(log.slice(before), ['lost', ...Array.from({ length: 20 }, (_, i) => i + 6)]);
});
