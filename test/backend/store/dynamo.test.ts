import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoStore } from '../../../backend/store/dynamo.ts';
import { type Store, StoreUnavailable } from '../../../backend/store/store.ts';
import { type DynamoServer, startDynalite } from '../../helpers/dynamo.ts';
import { anOrder } from '../../helpers/records.ts';

/** Passes requests on to `endpoint`; `spoil` answers 500 in place of the real answer, which has been obtained. */
async function startSpoiler(
  endpoint: string,
): Promise<{ server: Server; url: string; spoil: (operation: string, times: number) => void }> {
  let [operation, left] = ['', 0];
  const server = createServer((incoming, outgoing) => {
    const onward = request(endpoint, { method: incoming.method, headers: incoming.headers }, (answer) => {
      const spoiled = left > 0 && String(incoming.headers['x-amz-target']).endsWith(`.${operation}`);
      if (!spoiled) {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      left -= 1;
      answer.resume().on('end', () => outgoing.writeHead(500).end('{}'));
    });
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoil: (which, times) => {
      [operation, left] = [which, times];
    },
  };
}

describe('DynamoDB store', () => {
  const retries: string[] = [];
  let dynamo: DynamoServer;
  let spoiler: Awaited<ReturnType<typeof startSpoiler>>;
  let store: Store;
  before(async () => {
    dynamo = await startDynalite();
    spoiler = await startSpoiler(dynamo.endpoint);
    const onRetry = (operation: string) => void retries.push(operation);
    store = await createDynamoStore({
      endpoint: spoiler.url,
      region: 'us-east-1',
      table: 'orders',
      now: Date.now,
      onRetry,
    });
  });
  after(async () => {
    await store.close();
    spoiler.server.closeAllConnections();
    spoiler.server.close();
    await once(spoiler.server, 'close');
    await dynamo.close();
  });

  test('a start whose first questions about the table are answered 500, then it asks again', async () => {
    spoiler.spoil('DescribeTable', 2);
    const other = await createDynamoStore({
      ...{ endpoint: spoiler.url, region: 'us-east-1', table: 'orders', now: Date.now },
    });
    assert.equal(await other.ping(), undefined);
    await other.close();
  });

  test('a put that was done but answered 500, then its retry counts as the success it is', async () => {
    const order = anOrder();
    spoiler.spoil('PutItem', 1);
    assert.equal(await store.insertOrder(order), 'stored');
    assert.deepEqual(retries, ['put']);
    spoiler.spoil('PutItem', 1);
    assert.equal(await store.replaceOrder({ ...order, version: 2 }), 'stored');
  });

  test('a put refused for somebody else’s item after a 500, then it is refused', async () => {
    const order = anOrder();
    await store.insertOrder(order);
    spoiler.spoil('PutItem', 1);
    assert.equal(await store.insertOrder({ ...order, quantity: '9' }), 'exists');
  });

  test('500 for ever, then StoreUnavailable after four attempts', async () => {
    const before = retries.length;
    spoiler.spoil('GetItem', 100);
    await assert.rejects(store.getOrder('u', 'o'), StoreUnavailable);
    assert.deepEqual(retries.slice(before), ['get', 'get', 'get']);
    spoiler.spoil('', 0);
  });

  test('a table of that name with another key, then it is not used', async () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'us-east-1', credentials });
    await client.send(
      new CreateTableCommand({
        TableName: 'foreign',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'user_id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }],
      }),
    );
    client.destroy();
    const opening = createDynamoStore({
      endpoint: dynamo.endpoint,
      region: 'us-east-1',
      table: 'foreign',
      now: Date.now,
    });
    await assert.rejects(
      opening,
      /table foreign cannot be used: its key is \(user_id:HASH\), not \(pk:HASH,sk:RANGE\)/,
    );
  });

  test('two instances create the table at once, then both can use it', async () => {
    const open = () =>
      createDynamoStore({ endpoint: dynamo.endpoint, region: 'us-east-1', table: 'together', now: Date.now });
    const stores = await Promise.all([open(), open()]);
    for (const opened of stores) {
      assert.equal(await opened.ping(), undefined);
      await opened.close();
    }
  });
});
