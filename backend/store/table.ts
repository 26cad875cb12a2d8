// The one table, its two indexes, and making sure that it exists.
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { DATA_TYPE_INDEX, DATA_TYPE_SHARD, PK, SK, SYMBOL_INDEX, SYMBOL_SHARD, TTL } from './keys.ts';

/** Everything but the name. On demand: capacity follows the load, a new table starts at 4,000 writes a second. */
export const TABLE = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [PK, SK, SYMBOL_SHARD, DATA_TYPE_SHARD].map((name) => ({
    AttributeName: name,
    AttributeType: 'S' as const,
  })),
  KeySchema: [
    { AttributeName: PK, KeyType: 'HASH' },
    { AttributeName: SK, KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [index(SYMBOL_INDEX, SYMBOL_SHARD), index(DATA_TYPE_INDEX, DATA_TYPE_SHARD)],
} satisfies Omit<CreateTableCommandInput, 'TableName'>;

/** Both indexes range over the sort key: order ids sort by time, so a shard reads oldest first. */
function index(name: string, hash: string) {
  return {
    IndexName: name,
    KeySchema: [
      { AttributeName: hash, KeyType: 'HASH' as const },
      { AttributeName: SK, KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'ALL' as const },
  };
}

const POLL_MS = 200;
const POLLS_MAX = 300;

/** What makes an existing table unusable for us, or undefined. A missing index would show only at the first crash. */
export function tableProblem(table: TableDescription): string | undefined {
  const schema = (keys: TableDescription['KeySchema']) =>
    (keys ?? []).map((key) => `${key.AttributeName}:${key.KeyType}`).join(',');
  if (schema(table.KeySchema) !== schema(TABLE.KeySchema))
    return `its key is (${schema(table.KeySchema)}), not (${schema(TABLE.KeySchema)})`;
  for (const wanted of TABLE.GlobalSecondaryIndexes) {
    const found = table.GlobalSecondaryIndexes?.find((given) => given.IndexName === wanted.IndexName);
    if (!found) return `it has no index ${wanted.IndexName}`;
    if (schema(found.KeySchema) !== schema(wanted.KeySchema)) return `its index ${wanted.IndexName} has another key`;
    if (found.IndexStatus !== undefined && found.IndexStatus !== 'ACTIVE')
      return `its index ${wanted.IndexName} is ${found.IndexStatus}`;
  }
  return table.TableStatus === 'ACTIVE' || table.TableStatus === 'UPDATING' ? undefined : `it is ${table.TableStatus}`;
}

/** An index that is still being made; the reason ends as waitUntilUsable looks for. */
function indexProblem(table: TableDescription, name: string): string | undefined {
  const found = table.GlobalSecondaryIndexes?.find((given) => given.IndexName === name);
  if (!found) return `its index ${name} is not there yet: CREATING`;
  return found.IndexStatus === undefined || found.IndexStatus === 'ACTIVE'
    ? undefined
    : `its index ${name} is ${found.IndexStatus}`;
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** Makes the table when there is none, unless it is only looked at. */
export async function createTable(
  client: DynamoDBClient,
  name: string,
  dryRun = false,
): Promise<'created' | 'present' | 'wanted'> {
  if (await describe(client, name)) return 'present';
  if (dryRun) return 'wanted';
  try {
    await client.send(new CreateTableCommand({ TableName: name, ...TABLE }));
    return 'created';
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    return 'present'; // Another instance was first: the same to us.
  }
}

/**
 * Resolves when the table can be used; throws, with what is wrong, when no waiting will help. `index`: only that one is waited
 * for, of a table that is being completed and may lack others.
 */
export async function waitUntilUsable(client: DynamoDBClient, name: string, index?: string): Promise<void> {
  let problem: string | undefined = 'it does not appear';
  for (let poll = 0; poll < POLLS_MAX && problem !== undefined; poll++) {
    const table = await describe(client, name);
    problem = !table ? 'it does not appear' : index === undefined ? tableProblem(table) : indexProblem(table, index);
    const settling = !table || table.TableStatus === 'CREATING' || problem?.endsWith('CREATING');
    if (problem !== undefined && !settling) break; // No waiting will change a key.
    if (problem !== undefined) await delay(POLL_MS);
  }
  if (problem !== undefined)
    throw new Error(`table ${name} cannot be used: ${problem}; name another or create it anew`);
}

/**
 * Creates the table when it is missing and waits until it is usable; throws, with what is wrong, when a table of that name
 * cannot be used. `onTtlRefused` hears why expiry is not enabled (some servers lack it); readers filter by themselves.
 */
export async function ensureTable(
  client: DynamoDBClient,
  name: string,
  onTtlRefused: (error: unknown) => void,
): Promise<void> {
  await createTable(client, name);
  await waitUntilUsable(client, name);
  const specification = { AttributeName: TTL, Enabled: true };
  await client
    .send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: specification }))
    .catch(onTtlRefused);
}
