// The target under a table that throttles, fails after it has written, and breaks connections: nothing is lost, nothing doubled.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../../backend/store/items.ts';
import { ensureTable } from '../../../backend/store/table.ts';
import { marked, versionOf } from '../../../migration/run/marks.ts';
import { createDynamoTarget, keyOfItem, keyText } from '../../../migration/target/dynamo.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { startDynalite } from '../../helpers/dynamo.ts';
import { createRandom } from '../../sandbox/seed/random.ts';

const TABLE = 'migrated';
const opened = closingAfterEach();

type Fault = 'none' | 'throttle' | 'failBefore' | 'failAfter' | 'reset' | 'nothingProcessed';

const THROTTLED = JSON.stringify({
  __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException',
  message: 'slow down',
  throttlingReasons: [
    {
      reason: 'IndexWriteKeyRangeThroughputExceeded',
      resource: 'arn:aws:dynamodb:us-east-1:1:table/migrated/index/data_type-index',
    },
  ],
});

/** Stands between the target and the table, and answers as `next` says. */
async function startFaulty(endpoint: string, next: (operation: string) => Fault) {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    const fault = next(operation);
    const answer = (status: number, body: string) =>
      outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
    if (fault === 'reset') return incoming.socket.destroy();
    if (fault === 'throttle') return answer(400, THROTTLED);
    if (fault === 'failBefore') return answer(500, '{"__type":"InternalServerError"}');
    const body = Buffer.concat(chunks);
    if (fault === 'nothingProcessed')
      return answer(200, JSON.stringify({ Responses: {}, UnprocessedKeys: JSON.parse(body.toString()).RequestItems }));
    const upstream = request(endpoint, { method: 'POST', headers: incoming.headers });
    upstream.end(body);
    const [response] = await once(upstream, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    return fault === 'failAfter' ? answer(500, '{"__type":"InternalServerError"}') : answer(response.statusCode, text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function openTarget(next: (operation: string) => Fault) {
  const dynamo = await opened(startDynalite());
  const setup = new DynamoDBClient({
    ...{ endpoint: dynamo.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  });
  await ensureTable(setup, TABLE, () => {});
  setup.destroy();
  const faulty = await opened(startFaulty(dynamo.endpoint, next));
  return opened(Promise.resolve(createDynamoTarget({ endpoint: faulty.url, region: 'us-east-1', table: TABLE })));
}

const itemOf = (n: number, version: string): Item =>
  marked({ pk: { S: `U#${n % 7}` }, sk: { S: `K#${n}` }, data_type: { S: 'ORDER' }, value: { S: version } }, version);
const versionAt = (lsn: number) => versionOf(1_700_000_000, BigInt(lsn), 0);

test('throttled, failing before and after writing, resetting: then every item is there once, at its newest version', async () => {
  const random = createRandom(11);
  const FAULTS: readonly Fault[] = ['throttle', 'failBefore', 'failAfter', 'reset'];
  const target = await openTarget((operation) => {
    if (operation === 'BatchGetItem') return random.chance(0.3) ? 'nothingProcessed' : 'none';
    return random.chance(0.25) ? random.pick(FAULTS) : 'none';
  });
  const written = await Promise.all(Array.from({ length: 120 }, (_, n) => target.put(itemOf(n, versionAt(5)))));
  assert.deepEqual([...new Set(written)], ['written'], 'its own lost answer is not somebody else');
  const results = await Promise.all(
    Array.from({ length: 120 }, (_, n) => target.put(itemOf(n, versionAt(n % 2 === 0 ? 4 : 6)))),
  );
  assert.deepEqual(
    results.map((result, n) => result === (n % 2 === 0 ? 'kept' : 'written')).filter((right) => !right),
    [],
  );
  const { throttled, reason } = target.pace.state();
  assert.ok(throttled > 0);
  assert.equal(reason, 'IndexWriteKeyRangeThroughputExceeded of migrated/index/data_type-index');
  const items = await target.getAll(Array.from({ length: 120 }, (_, n) => keyOfItem(itemOf(n, '1'))));
  assert.equal(items.size, 120);
  for (let n = 0; n < 120; n++) {
    const wanted = itemOf(n, versionAt(n % 2 === 0 ? 5 : 6));
    assert.deepEqual(items.get(keyText(keyOfItem(wanted))), wanted);
  }
});

test('a request that the table refuses is not asked again', async () => {
  let puts = 0;
  const target = await openTarget((operation) => {
    if (operation === 'PutItem') puts += 1;
    return 'none';
  });
  await assert.rejects(target.put(marked({ pk: { S: 'a' } }, versionAt(1))), { name: 'ValidationException' });
  assert.equal(puts, 1);
});
