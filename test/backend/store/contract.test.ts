import { createDynamoStore } from '../../../backend/store/dynamo.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { storeContract } from '../../contracts/store.ts';
import { startDynalite } from '../../helpers/dynamo.ts';

function settableClock() {
  let clockMs = 0;
  return {
    now: () => clockMs,
    setClock(ms: number) {
      clockMs = ms;
    },
  };
}

storeContract('in memory', async () => {
  const { now, setClock } = settableClock();
  const store = createMemoryStore(now);
  return { store, setClock, close: store.close };
});

storeContract('discarding, in memory', async () => {
  const { now, setClock } = settableClock();
  const store = createMemoryStore(now).discarding();
  return { store, setClock, close: store.close, countsBelow: true };
});

storeContract('DynamoDB (dynalite)', async () => {
  const { now, setClock } = settableClock();
  const server = await startDynalite();
  const store = await createDynamoStore({ endpoint: server.endpoint, region: 'us-east-1', table: 'contract', now });
  return {
    store,
    setClock,
    async close() {
      await store.close();
      await server.close();
    },
  };
});
