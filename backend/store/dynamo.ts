// The table in DynamoDB: kept-alive connections, our own bounded retries, conditional writes that survive them.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DynamoDBClient,
  type QueryCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../domain/ids.ts';
import { conditionOf, countQuery, keyOf, partitionQuery, shardQuery } from './dynamo-requests.ts';
import { createRetry, type Retry } from './dynamo-retry.ts';
import { createWire, type Wire } from './dynamo-wire.ts';
import type { ItemKey, ItemTable } from './item-table.ts';
import { type Item, isExpired } from './items.ts';
import { PK, SK } from './keys.ts';
import { createStore } from './records.ts';
import { type Store, StoreUnavailable } from './store.ts';
import { ensureTable, tableProblem } from './table.ts';

/** Marks whose write an item is, so that a retry recognises its own first attempt. */
const WRITE_TOKEN = 'write_token';
const SOCKETS_MAX = 64;
const CONNECT_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 2000;
/** Pages read for one query at most: expired items are filtered after paging and could make very many of them. */
const PAGES_MAX = 50;
/** Of each request that sets the table up: a start must not fail for one answer that is late. */
const SETUP_ATTEMPTS_MAX = 4;
/** What one BatchWriteItem takes. */
const BATCH_ITEMS = 25;
const BATCH_ATTEMPTS_MAX = 6;
const BATCH_PAUSE_MS = 25;

export type DynamoOptions = {
  /** Of DynamoDB Local or a stand-in; undefined is AWS. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly table: string;
  readonly now: Clock;
  /** Hears of each attempt that is tried again, for counting. */
  readonly onRetry?: (operation: string) => void;
  /** Hears why expiry could not be enabled. */
  readonly onTtlRefused?: (error: unknown) => void;
};

/** `attemptsMax` counts the first; more than one only where createRetry is not used: two nested backoffs would multiply. */
export function createClient(
  { endpoint, region }: Pick<DynamoOptions, 'endpoint' | 'region'>,
  attemptsMax = 1,
): DynamoDBClient {
  const local = endpoint?.startsWith('http://'); // A stand-in: it wants credentials, and any will do.
  return new DynamoDBClient({
    region,
    maxAttempts: attemptsMax,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
      httpsAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(local ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}),
  });
}

/** Only what items.ts writes can come back, and attributes of others that it passes over. */
const itemOf = (attributes: Record<string, unknown> | undefined) => attributes as Item | undefined;

/** Puts an item if the expectation holds; its own first attempt, should a retry meet it, counts as success. */
function createPut(wire: Wire, { table, now }: DynamoOptions, retry: Retry, read: ItemTable['get']): ItemTable['put'] {
  return async function put(item, expectation) {
    const token = randomUUID();
    const input = {
      TableName: table,
      Item: { ...item, [WRITE_TOKEN]: { S: token } },
      ...conditionOf(expectation, now()),
    };
    let unclear = false;
    try {
      await retry(
        'put',
        () => wire.send('PutItem', input),
        () => {
          unclear = true;
        },
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const present = unclear ? await read(keyOf(item)) : undefined;
      const mark = present?.[WRITE_TOKEN];
      return mark !== undefined && 'S' in mark && mark.S === token;
    }
  };
}

/** Writes in batches; what the table had no room for just now is written again, with growing pauses. */
function createPutAll(client: DynamoDBClient, table: string, retry: Retry): ItemTable['putAll'] {
  async function putBatch(items: readonly Item[]): Promise<void> {
    let requests: WriteRequest[] = items.map((Item) => ({ PutRequest: { Item } }));
    for (let attempt = 0; requests.length > 0; attempt++) {
      if (attempt === BATCH_ATTEMPTS_MAX)
        throw new StoreUnavailable(`${requests.length} items of a batch were not taken`);
      if (attempt > 0) await delay(BATCH_PAUSE_MS * 2 ** attempt);
      const command = new BatchWriteItemCommand({ RequestItems: { [table]: requests } });
      requests = (await retry('batch', () => client.send(command))).UnprocessedItems?.[table] ?? [];
    }
  }
  return async function putAll(items) {
    for (let start = 0; start < items.length; start += BATCH_ITEMS)
      await putBatch(items.slice(start, start + BATCH_ITEMS));
  };
}

/** Asks page by page until `limit` items or the end. */
function createCollect(wire: Wire, retry: Retry) {
  return async function collect(input: QueryCommandInput, limit: number): Promise<{ items: Item[]; more: boolean }> {
    const items: Item[] = [];
    let start = input.ExclusiveStartKey;
    for (let page = 0; page < PAGES_MAX; page++) {
      const rest = { Limit: limit - items.length, ...(start ? { ExclusiveStartKey: start } : {}) };
      const answer = await retry('query', () => wire.send('Query', { ...input, ...rest }));
      items.push(...((answer.Items ?? []) as Item[])); // As itemOf.
      start = answer.LastEvaluatedKey;
      if (!start || items.length >= limit) break;
    }
    return { items, more: start !== undefined };
  };
}

function createDynamoTable(client: DynamoDBClient, options: DynamoOptions): ItemTable {
  const { table, now } = options;
  const retry = createRetry({ onRetry: options.onRetry ?? (() => {}) });
  const wire = createWire(client, options);
  const collect = createCollect(wire, retry);

  async function read({ pk, sk }: ItemKey): Promise<Item | undefined> {
    const Key = { [PK]: { S: pk }, [SK]: { S: sk } };
    const input = { TableName: table, Key, ConsistentRead: true };
    return itemOf((await retry('get', () => wire.send('GetItem', input))).Item);
  }

  return {
    put: createPut(wire, options, retry, read),
    putAll: createPutAll(client, table, retry),
    async get(key) {
      const item = await read(key);
      return item && isExpired(item, now()) ? undefined : item;
    },
    query: async (query) => (await collect(partitionQuery(table, query, now()), query.limit)).items,
    async queryDataType(query) {
      const { items, more } = await collect(shardQuery(table, query), query.limit);
      const last = items.at(-1);
      return { items, next: more && last ? keyOf(last) : null };
    },
    async countDataType(shard, not) {
      const input = countQuery(table, shard, not);
      let count = 0;
      let start: QueryCommandInput['ExclusiveStartKey'];
      do {
        const rest = start ? { ExclusiveStartKey: start } : {};
        const answer = await retry('count', () => wire.send('Query', { ...input, ...rest }));
        count += answer.Count ?? 0;
        start = answer.LastEvaluatedKey;
      } while (start);
      return count;
    },
    async ping() {
      try {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
        return Table ? tableProblem(Table) : 'the table is not described';
      } catch (error) {
        return error instanceof Error ? `${error.name}: ${error.message}` : 'the store does not answer';
      }
    },
    async close() {
      client.destroy();
      await wire.close();
    },
  };
}

/** A store on a table that exists when this resolves. Rejects when the table cannot be reached or used. */
export async function createDynamoStore(options: DynamoOptions): Promise<Store> {
  const setup = createClient(options, SETUP_ATTEMPTS_MAX);
  try {
    await ensureTable(setup, options.table, options.onTtlRefused ?? (() => {}));
  } finally {
    setup.destroy();
  }
  return createStore(createDynamoTable(createClient(options), options), options.now);
}
