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

busContract('Redis', async () => {
  const { hooks, raised, drops } = recordingHooks();
  const server = await startRedis();
  const bus = createRedisBus(server.url, hooks);
  await eventually(async () => (await bus.ping()) === undefined, 'the bus to connect');
  return {
    bus,
    raised,
    drops,
    async close() {
      await bus.close();
      await server.close();
    },
  };
});
