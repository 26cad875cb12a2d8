import {
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { type Item, orderToItem, positionToItem } from '../../../backend/store/items.ts';
import { PK, SK } from '../../../backend/store/keys.ts';
import { ensureTable } from '../../../backend/store/table.ts';
import { allOrders, type SeedOrder } from './orders.ts';
import { allPositions, type SeedPosition } from './positions.ts';

/** Changes with the seed's content, so that an old table is noticed. */
const SEED_VERSION = 'banyan-0001';
/** The most that one BatchWriteItem takes. */
const ITEMS_PER_BATCH = 25;
const BATCHES_IN_FLIGHT = 8;
const ATTEMPTS_MAX = 10;
/** The marker's key: of a kind that no reader of the backend asks for. */
const MARKER_KEY = { [PK]: { S: 'SANDBOX' }, [SK]: { S: 'SEED' } };
/** The seed's orders must not expire while somebody keeps a sandbox, so they count as written in that far year. */
const WRITTEN_AT_MS = Date.parse('2100-01-01T00:00:00.000Z');

export interface NewTarget {
  readonly endpoint: string;
  readonly table: string;
}

/**
 * Creates the new backend's table when it is missing and fills it with the same orders and positions that the legacy
 * database has. A marker, written last, makes a second call quick and an interrupted first one start over.
 */
export async function loadNew({ endpoint, table }: NewTarget): Promise<'loaded' | 'present'> {
  const client = clientOf(endpoint);
  try {
    await ensureTable(client, table, () => {}); // Stand-ins cannot expire items; nothing here depends on it.
    const marker = await client.send(new GetItemCommand({ TableName: table, Key: MARKER_KEY, ConsistentRead: true }));
    const found = marker.Item?.version?.S;
    if (found === SEED_VERSION) return 'present';
    if (found !== undefined) {
      throw new Error(`table ${table} holds seed ${found}, this is ${SEED_VERSION}: remove the data folder (.data)`);
    }
    await writeAll(client, table);
    await client.send(new PutItemCommand({ TableName: table, Item: { ...MARKER_KEY, version: { S: SEED_VERSION } } }));
    return 'loaded';
  } finally {
    client.destroy();
  }
}

/** Creates the table when it is missing, and puts nothing into it. */
export async function makeTable({ endpoint, table }: NewTarget): Promise<void> {
  const client = clientOf(endpoint);
  try {
    await ensureTable(client, table, () => {});
  } finally {
    client.destroy();
  }
}

const clientOf = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({
    ...{ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } },
  });

/** Several workers take batches from one stream of items until it is empty. */
async function writeAll(client: DynamoDBClient, table: string): Promise<void> {
  const batches = inBatches(items());
  const worker = async (): Promise<void> => {
    for (const batch of batches) await write(client, table, batch);
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, worker));
}

function* items(): Generator<Item> {
  for (const order of allOrders()) yield orderItem(order);
  for (const position of allPositions()) yield positionItem(position);
}

function* inBatches(all: Iterable<Item>): Generator<readonly Item[]> {
  let batch: Item[] = [];
  for (const item of all) {
    batch.push(item);
    if (batch.length < ITEMS_PER_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function write(client: DynamoDBClient, table: string, batch: readonly Item[]): Promise<void> {
  let left: WriteRequest[] = batch.map((item) => ({ PutRequest: { Item: item } }));
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt === ATTEMPTS_MAX) throw new Error(`table ${table} left ${left.length} items unwritten`);
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: left } }));
    left = answer.UnprocessedItems?.[table] ?? [];
  }
}

/** As the new backend would hold it: its fills are in the position already, and its submission is long answered. */
function orderItem(order: SeedOrder): Item {
  const { notes: _notes, meta: _meta, ...shared } = order;
  const submission = { status: order.status, code: null, detail: null };
  return orderToItem({ ...shared, applied_quantity: order.filled_quantity, submission, version: 1 }, WRITTEN_AT_MS);
}

function positionItem(position: SeedPosition): Item {
  return positionToItem({ ...position, applied: {}, version: 1 });
}
