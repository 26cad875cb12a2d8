import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createClient } from '../../../backend/store/dynamo.ts';
import { setUpTable } from '../../../backend/store/setup.ts';
import { TABLE } from '../../../backend/store/table.ts';
import { type DynamoServer, startDynalite } from '../../helpers/dynamo.ts';
import { startDynamoLocal, whyNoDynamoLocal } from '../../helpers/dynamo-local.ts';

const outcomes = (steps: Awaited<ReturnType<typeof setUpTable>>) =>
  steps.map(({ step, name, outcome }) => `${step} ${name}: ${outcome}`);

/** A table as one was made before there was a second index. */
function lackingIndex(name: string): CreateTableCommand {
  const GlobalSecondaryIndexes = TABLE.GlobalSecondaryIndexes.slice(0, 1);
  const used = ['pk', 'sk', 'symbol_shard'];
  const AttributeDefinitions = TABLE.AttributeDefinitions.filter(({ AttributeName }) => used.includes(AttributeName));
  return new CreateTableCommand({ TableName: name, ...TABLE, AttributeDefinitions, GlobalSecondaryIndexes });
}

describe('setting up the table', () => {
  let server: DynamoServer;
  let client: DynamoDBClient;
  before(async () => {
    server = await startDynalite();
    client = createClient({ endpoint: server.endpoint, region: 'us-east-1' });
  });
  after(async () => {
    client.destroy();
    await server.close();
  });

  test('a dry run changes nothing; then it is made; then nothing is left to do but what a stand-in lacks', async () => {
    const options = { table: 'setup-one', dryRun: false, stream: false };
    const table = 'table setup-one';
    assert.deepEqual(outcomes(await setUpTable(client, { ...options, dryRun: true })), [`${table}: wanted`]);
    const lacking = ['expiry ttl: refused', 'recovery point in time: refused'];
    const indexes = ['index symbol-index: present', 'index data_type-index: present'];
    assert.deepEqual(outcomes(await setUpTable(client, options)), [`${table}: created`, ...indexes, ...lacking]);
    const again = await setUpTable(client, options);
    assert.deepEqual(outcomes(again), [`${table}: present`, ...indexes, ...lacking]);
    assert.match(again.at(-1)?.detail ?? '', /UnknownOperation/);
  });

  test('a table that lacks an index, then it is told when the server cannot add one to it', async () => {
    await client.send(lackingIndex('setup-two'));
    const options = { table: 'setup-two', dryRun: true, stream: false };
    assert.ok(outcomes(await setUpTable(client, options)).includes('index data_type-index: wanted'));
    const steps = outcomes(await setUpTable(client, { ...options, dryRun: false }));
    assert.ok(steps.includes('index symbol-index: present') && steps.includes('index data_type-index: refused'));
  });

  test('as a program: a line for each step, 3 when a dry run finds something to do, 0 when it is done', async () => {
    const env = { PATH: process.env.PATH, DYNAMODB_ENDPOINT: server.endpoint, DYNAMODB_TABLE: 'setup-three' };
    // Not synchronously: the server is in this process.
    const run = (...args: string[]) =>
      new Promise<{ code: unknown; stdout: string }>((resolve) => {
        execFile(process.execPath, ['backend/store/main.ts', ...args], { env, timeout: 30_000 }, (error, stdout) =>
          resolve({ code: error?.code ?? 0, stdout }),
        );
      });
    const wanted = await run('--dry-run');
    assert.deepEqual([wanted.code, JSON.parse(wanted.stdout).outcome], [3, 'wanted']);
    const done = await run();
    assert.equal(done.code, 0);
    const [first] = done.stdout.split('\n');
    assert.deepEqual(JSON.parse(first ?? ''), { step: 'table', name: 'setup-three', outcome: 'created' });
    assert.equal((await run('--nonsense')).code, 2);
  });
});

describe('setting up the table on DynamoDB Local', { skip: whyNoDynamoLocal() }, () => {
  test('expiry, the stream and an index that lacked are there after the first run, and found by the second', async () => {
    const local = await startDynamoLocal();
    const client = createClient({ endpoint: local.endpoint, region: 'us-east-1' });
    try {
      const options = { table: 'setup', dryRun: false, stream: true };
      const first = outcomes(await setUpTable(client, options));
      assert.ok(first.includes('expiry ttl: changed') && first.includes('stream NEW_AND_OLD_IMAGES: changed'));
      await client.send(lackingIndex('lacking'));
      const completed = outcomes(await setUpTable(client, { ...options, table: 'lacking' }));
      assert.ok(completed.includes('index data_type-index: changed'));
      const second = outcomes(await setUpTable(client, options));
      assert.ok(second.includes('expiry ttl: present') && second.includes('stream NEW_AND_OLD_IMAGES: present'));
    } finally {
      client.destroy();
      await local.close();
    }
  });
});
