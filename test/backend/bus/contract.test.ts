import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { createRedisBus } from '../../../backend/bus/redis.ts';
import { busContract } from '../../contracts/bus.ts';
import { eventually } from '../../helpers/deadline.ts';
import { startRedis } from '../../helpers/redis.ts';

function recordingHooks() {
  const raised: string[] = [];
  let dropped = 0;
  const onDrop = () => {
    dropped += 1;
  };
  return {
    hooks: { onDrop, raised: (operation: string) => void raised.push(operation) },
    raised,
    drops: () => dropped,
  };
}

busContract('in memory', async () => {
  const { hooks, raised, drops } = recordingHooks();
  const bus = createMemoryBus(hooks);
  return { bus, raised, drops, close: bus.close };
});

for (const [name, javascript] of [
  ['the Redis on PATH, if any', false],
  ['the JavaScript Redis', true],
] as const) {
  busContract(name, async () => {
    const { hooks, raised, drops } = recordingHooks();
    const server = await startRedis(0, { javascript });
    const [bus, another] = [createRedisBus(server.url, hooks), createRedisBus(server.url, hooks)];
    for (const each of [bus, another]) await eventually(async () => (await each.ping()) === undefined, 'a connection');
    return {
      bus,
      another,
      raised,
      drops,
      async close() {
        await Promise.all([bus.close(), another.close()]);
        await server.close();
      },
    };
  });
}
