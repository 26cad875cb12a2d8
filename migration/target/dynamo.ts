// The target in DynamoDB: conditional puts, as many at once as the table takes.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  type PutItemCommandInput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { createClient } from '../../backend/store/dynamo.ts';
import { createWire } from '../../backend/store/dynamo-wire.ts';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import { PK, SK } from '../../backend/store/keys.ts';
import { isMigrated, MIGRATED, ORIGIN, VERSION, versionIn } from '../run/marks.ts';
import type { Target } from '../run/target.ts';
import { createPace, type Pace } from './pace.ts';
import { patiently } from './patience.ts';

/** What one BatchGetItem takes. */
const KEYS_PER_READ = 100;
/** Of a scan: read well within a request's time. */
const ITEMS_PER_PAGE = 1_000;

export type DynamoTarget = Target & {
  /** Consistent. */
  readonly get: (key: ItemKey) => Promise<Item | undefined>;
  /** Consistent; by key as `keyText` writes it, those that are there. */
  readonly getAll: (keys: readonly ItemKey[]) => Promise<ReadonlyMap<string, Item>>;
  /** Every item with that data_type, page by page. */
  readonly scan: (dataType: string) => AsyncIterable<readonly Item[]>;
  readonly pace: Pace;
  readonly client: DynamoDBClient;
  readonly close: () => Promise<void>;
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

function putInput(table: string, item: Item): PutItemCommandInput {
  const version = item[VERSION];
  if (version === undefined) throw new Error('an item without a version is no job to write');
  return {
    TableName: table,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#pk) OR (#origin = :origin AND #version < :version)',
    ExpressionAttributeNames: { '#pk': PK, '#origin': ORIGIN, '#version': VERSION },
    ExpressionAttributeValues: { ':origin': { S: MIGRATED }, ':version': version },
  };
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
export function throttlingOf(error: unknown): string | undefined {
  const { ThrottlingReasons, throttlingReasons: others } = z
    .object({ ThrottlingReasons: throttlingReasons, throttlingReasons })
    .parse(typeof error === 'object' && error !== null ? { ...error } : {});
  const reasons = [...ThrottlingReasons, ...others];
  if (reasons.length === 0) return undefined;
  return reasons.map(({ reason, resource }) => `${reason} of ${resource?.replace(/^.*:table\//, '')}`).join(', ');
}

type Ask = <T>(call: () => Promise<T>) => Promise<T>;

/** Reads of many items, which the SDK does. */
function createReads({ client, table, ask }: { client: DynamoDBClient; table: string; ask: Ask }) {
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
    async getAll(keys: readonly ItemKey[]): Promise<ReadonlyMap<string, Item>> {
      const parts: ItemKey[][] = [];
      for (let at = 0; at < keys.length; at += KEYS_PER_READ) parts.push(keys.slice(at, at + KEYS_PER_READ));
      const found = await Promise.all(parts.map(getSome));
      return new Map(found.flat().map((item) => [keyText(keyOfItem(item)), item]));
    },
    async *scan(dataType: string): AsyncGenerator<readonly Item[]> {
      let from: Record<string, { S: string }> | undefined;
      do {
        const command = new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          Limit: ITEMS_PER_PAGE,
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
  } satisfies Pick<DynamoTarget, 'getAll' | 'scan'>;
}

export function createDynamoTarget(options: DynamoTargetOptions): DynamoTarget {
  const client = createClient(options);
  const wire = createWire(client, { ...options, now: Date.now });
  const { table } = options;
  const pace = createPace();
  const ask = <T>(call: () => Promise<T>) =>
    pace.within(() =>
      patiently(call, {
        kindOf,
        onThrottled: (error) => pace.throttled(throttlingOf(error)),
        random: Math.random,
      }),
    );

  async function get(key: ItemKey): Promise<Item | undefined> {
    const input = { TableName: table, Key: attributesOfKey(key), ConsistentRead: true };
    return itemOf((await ask(() => wire.send('GetItem', input))).Item);
  }

  return {
    async put(item) {
      try {
        await ask(() => wire.send('PutItem', putInput(table, item))); // At a tenth of the SDK's cost.
        return 'written';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Perhaps it is our own first attempt, whose answer was lost.
        const present = await get(keyOfItem(item));
        return present && isMigrated(present) && versionIn(present) === versionIn(item) ? 'written' : 'kept';
      }
    },
    get,
    ...createReads({ client, table, ask }),
    pace,
    client,
    async close() {
      await wire.close();
      client.destroy();
    },
  };
}

/** A batch of which nothing was taken: throttling that came as an answer, without an error. */
class NothingProcessed extends Error {
  override readonly name = 'NothingProcessed';
}
