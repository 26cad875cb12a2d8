// The target in DynamoDB: conditional puts, as many at once as the table takes.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import { PK, SK } from '../../backend/store/keys.ts';
import { isMigrated, MIGRATED, ORIGIN, VERSION, versionIn } from '../run/marks.ts';
import type { Target } from '../run/target.ts';
import { createPace, type Pace } from './pace.ts';
import { patiently } from './patience.ts';

const SOCKETS_MAX = 256;
const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** What one BatchGetItem takes. */
const KEYS_PER_READ = 100;

export type DynamoTarget = Target & {
  /** Consistent. */
  readonly get: (key: ItemKey) => Promise<Item | undefined>;
  /** Consistent; by key as `keyText` writes it, those that are there. */
  readonly getAll: (keys: readonly ItemKey[]) => Promise<ReadonlyMap<string, Item>>;
  /** Every item with that data_type, page by page. */
  readonly scan: (dataType: string) => AsyncIterable<readonly Item[]>;
  readonly pace: Pace;
  readonly client: DynamoDBClient;
  readonly close: () => void;
};

export type DynamoTargetOptions = {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly table: string;
};

export const keyText = ({ pk, sk }: ItemKey): string => JSON.stringify([pk, sk]);

export function keyOfItem(item: Item): ItemKey {
  const [pk, sk] = [item[PK], item[SK]];
  return { pk: pk && 'S' in pk ? pk.S : '', sk: sk && 'S' in sk ? sk.S : '' };
}

const attributesOfKey = ({ pk, sk }: ItemKey) => ({ [PK]: { S: pk }, [SK]: { S: sk } });

/** Attributes of kinds that our items never have are of others, and are not looked at. */
const itemOf = (attributes: Record<string, unknown> | undefined) => attributes as Item | undefined;

function createClient({ endpoint, region }: DynamoTargetOptions): DynamoDBClient {
  const local = endpoint?.startsWith('http://'); // A stand-in: it wants credentials, and any will do.
  return new DynamoDBClient({
    region,
    maxAttempts: 1, // Trying again is patience.ts's: two nested backoffs would multiply.
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

function putCommand(table: string, item: Item): PutItemCommand {
  const version = item[VERSION];
  if (version === undefined) throw new Error('an item without a version is no job to write');
  return new PutItemCommand({
    TableName: table,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#pk) OR (#origin = :origin AND #version < :version)',
    ExpressionAttributeNames: { '#pk': PK, '#origin': ORIGIN, '#version': VERSION },
    ExpressionAttributeValues: { ':origin': { S: MIGRATED }, ':version': version },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
}

/** Throttling is an answer to be waited out; a 5xx or none may have been carried out, and is asked again all the same. */
function kindOf(error: unknown): 'throttled' | 'unclear' | 'refused' {
  if (error instanceof NothingProcessed) return 'throttled';
  if (!(error instanceof DynamoDBServiceException)) return 'unclear';
  if (error.$retryable?.throttling || /Throttl|Throughput|RequestLimit/.test(error.name)) return 'throttled';
  return (error.$metadata.httpStatusCode ?? 500) >= 500 ? 'unclear' : 'refused';
}

const throttlingReasons = z
  .array(z.object({ reason: z.string().optional(), resource: z.string().optional() }))
  .min(1)
  .catch([]);

/** What DynamoDB says is short: which limit, of the table or of which index. Errors spell the list's name in two ways. */
export function throttlingOf(error: unknown): string {
  const { ThrottlingReasons, throttlingReasons: others } = z
    .object({ ThrottlingReasons: throttlingReasons, throttlingReasons })
    .parse(typeof error === 'object' && error !== null ? { ...error } : {});
  const reasons = [...ThrottlingReasons, ...others];
  if (reasons.length === 0) return error instanceof Error ? error.name : 'throttled';
  return reasons.map(({ reason, resource }) => `${reason} of ${resource?.replace(/^.*:table\//, '')}`).join(', ');
}

export function createDynamoTarget(options: DynamoTargetOptions): DynamoTarget {
  const client = createClient(options);
  const { table } = options;
  const pace = createPace();
  const ask = <T>(call: () => Promise<T>) =>
    pace.within(() =>
      patiently(call, { kindOf, onThrottled: (error) => pace.throttled(throttlingOf(error)), random: Math.random }),
    );

  async function get(key: ItemKey): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: table, Key: attributesOfKey(key), ConsistentRead: true });
    return itemOf((await ask(() => client.send(command))).Item);
  }

  async function getSome(keys: readonly ItemKey[]): Promise<readonly Item[]> {
    const found: Item[] = [];
    let asked = keys.map(attributesOfKey);
    while (asked.length > 0) {
      const request = { [table]: { Keys: asked, ConsistentRead: true } };
      const answer = await ask(async () => {
        const given = await client.send(new BatchGetItemCommand({ RequestItems: request }));
        const left = given.UnprocessedKeys?.[table]?.Keys ?? [];
        if (left.length === asked.length) throw new NothingProcessed();
        return { items: given.Responses?.[table] ?? [], left };
      });
      found.push(...answer.items.map((item) => itemOf(item) ?? {}));
      asked = answer.left.map((key) => attributesOfKey(keyOfItem(itemOf(key) ?? {})));
    }
    return found;
  }

  return {
    async put(item) {
      try {
        await ask(() => client.send(putCommand(table, item)));
        return 'written';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Perhaps it is our own first attempt, whose answer was lost.
        const present = itemOf(error.Item) ?? (await get(keyOfItem(item)));
        return present && isMigrated(present) && versionIn(present) === versionIn(item) ? 'written' : 'kept';
      }
    },
    get,
    async getAll(keys) {
      const parts: ItemKey[][] = [];
      for (let at = 0; at < keys.length; at += KEYS_PER_READ) parts.push(keys.slice(at, at + KEYS_PER_READ));
      const found = await Promise.all(parts.map(getSome));
      return new Map(found.flat().map((item) => [keyText(keyOfItem(item)), item]));
    },
    async *scan(dataType) {
      let from: Record<string, { S: string }> | undefined;
      do {
        const command = new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          FilterExpression: '#type = :type',
          ExpressionAttributeNames: { '#type': 'data_type' },
          ExpressionAttributeValues: { ':type': { S: dataType } },
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        });
        const page = await ask(() => client.send(command));
        yield (page.Items ?? []).map((item) => itemOf(item) ?? {});
        from = page.LastEvaluatedKey && attributesOfKey(keyOfItem(itemOf(page.LastEvaluatedKey) ?? {}));
      } while (from !== undefined);
    },
    pace,
    client,
    close: () => client.destroy(),
  };
}

/** A batch of which nothing was taken: throttling that came as an answer, without an error. */
class NothingProcessed extends Error {
  override readonly name = 'NothingProcessed';
}
