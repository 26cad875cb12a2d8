import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { createWire } from '../../../backend/store/dynamo-wire.ts';
import { createSigner } from '../../../backend/store/sigv4.ts';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a token/of=some+kind' };
const INPUT = { TableName: 'a table', Key: { pk: { S: 'ü' }, sk: { S: '1' } } };
type Seen = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** A server that answers as told, and keeps what it is sent. */
async function startServer(answer: (seen: Seen) => { status: number; body: object; date?: string }) {
  const seen: Seen[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = { headers: incoming.headers, body: Buffer.concat(chunks).toString() };
    seen.push(request);
    const { status, body, date } = answer(request);
    if (date) outgoing.setHeader('date', date);
    outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials: CREDENTIALS, maxAttempts: 1 });
  async function close() {
    client.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
  return { seen, endpoint, client, close };
}

test('the same request signed by the SDK and by us, then the same signature', async () => {
  const { seen, client, close } = await startServer(() => ({ status: 200, body: {} }));
  await client.send(new GetItemCommand(INPUT));
  await close();
  const [{ headers, body } = { headers: {}, body: '' }] = seen;
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
  assert.ok(names.includes('x-amz-security-token') && names.includes('x-amz-target'), names.join());
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
  const sign = createSigner('eu-central-1', 'dynamodb');
  const date = String(headers['x-amz-date']);
  assert.equal(sign(CREDENTIALS, { headers: signed, body }, date), headers.authorization);
  assert.notEqual(
    sign({ ...CREDENTIALS, secretAccessKey: 'b' }, { headers: signed, body }, date),
    headers.authorization,
  );
});

test('the same input sent by the SDK and by us, then the same body, target and type', async () => {
  const { seen, client, endpoint, close } = await startServer(() => ({ status: 200, body: {} }));
  const wire = createWire(client, { endpoint, region: 'eu-central-1', now: Date.now });
  await client.send(new GetItemCommand(INPUT));
  await wire.send('GetItem', INPUT);
  await wire.close();
  await close();
  const [theirs, ours] = seen.map(({ headers, body }) => ({
    body: JSON.parse(body),
    target: headers['x-amz-target'],
    type: headers['content-type'],
    token: headers['x-amz-security-token'],
  }));
  assert.deepEqual(ours, theirs);
});

test('a clock that is wrong, then the request is signed once more by the service’s', async () => {
  const date = 'Mon, 05 Jan 2026 10:00:00 GMT';
  const { seen, client, endpoint, close } = await startServer(({ headers }) =>
    headers['x-amz-date'] === '20260105T100000Z'
      ? { status: 200, body: { Item: { pk: { S: 'x' } } } }
      : { status: 400, body: { __type: 'com.amazon.coral.service#InvalidSignatureException' }, date },
  );
  const wire = createWire(client, { endpoint, region: 'eu-central-1', now: () => 1_000_000_000_000 });
  assert.deepEqual(await wire.send('GetItem', INPUT), { Item: { pk: { S: 'x' } } });
  assert.deepEqual(await wire.send('GetItem', INPUT), { Item: { pk: { S: 'x' } } });
  assert.equal(seen.length, 3, 'the offset is kept');
  await wire.close();
  await close();
});
