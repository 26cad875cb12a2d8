// The streams of changes, in memory and of DynamoDB Local (dynalite has none).
import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createStreamsCaller } from '../../../backend/store/dynamo-wire.ts';
import { setUpTable } from '../../../backend/store/setup.ts';
import { createDynamoFeed, streamArn } from '../../../migration/back/dynamo-streams.ts';
import { itemFeedContract, type OpenedFeed } from '../../contracts/item-feed.ts';
import { startDynamoLocal, whyNoDynamoLocal } from '../../helpers/dynamo-local.ts';
import { createMemoryFeed } from '../../helpers/item-feed.ts';

itemFeedContract('in memory', async () => ({ ...createMemoryFeed(), close: async () => {} }));

const TABLE = 'banyan';

async function openDynamoLocal(): Promise<OpenedFeed> {
  const server = await startDynamoLocal();
  const { endpoint } = server;
  const client = new DynamoDBClient({
    ...{ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } },
  });
  await setUpTable(client, { table: TABLE, dryRun: false, stream: true });
  const caller = createStreamsCaller(client, { endpoint, region: 'us-east-1', now: Date.now });
  return {
    feed: createDynamoFeed(caller, await streamArn(client, TABLE)),
    put: async (Item) => void (await client.send(new PutItemCommand({ TableName: TABLE, Item }))),
    remove: async ({ pk, sk }) => {
      await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { pk: { S: pk }, sk: { S: sk } } }));
    },
    async close() {
      await caller.close();
      client.destroy();
      await server.close();
    },
  };
}

itemFeedContract('DynamoDB Local', openDynamoLocal, { skip: whyNoDynamoLocal() });
