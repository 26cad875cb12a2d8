import { test } from 'node:test';
import { createDynamoStore } from '../../../backend/store/dynamo.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { storeContract } from '../../contracts/store.ts';
import { type DynamoServer, startDynalite } from '../../helpers/dynamo.ts';
import { startDynamoLocal, whyNoDynamoLocal } from '../../helpers/dynamo-local.ts';

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

const onServer = (start: () => Promise<DynamoServer>) => async () => {
  const { now, setClock } = settableClock();
  const server = await start();
  const store = await createDynamoStore({ endpoint: server.endpoint, region: 'us-east-1', table: 'contract', now });
  return {
    store,
    setClock,
    async close() {
      await store.close();
      await server.close();
    },
  };
};

storeContract('DynamoDB (dynalite)', onServer(startDynalite));

const why = whyNoDynamoLocal();
if (why === undefined) storeContract('DynamoDB Local', onServer(startDynamoLocal));
else test('store contract: DynamoDB Local', { skip: why }, () => {});
