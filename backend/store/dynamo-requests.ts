// What is asked of DynamoDB, as the parameters of its requests. Pure.
import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Expectation, ItemKey, ItemTable } from './item-table.ts';
import type { AttributeValue, Item } from './items.ts';
import { DATA_TYPE_INDEX, DATA_TYPE_SHARD, PK, SK, TTL } from './keys.ts';

const seconds = (ms: number): AttributeValue => ({ N: String(Math.floor(ms / 1000)) });

export function conditionOf(expectation: Expectation, nowMs: number) {
  if (expectation.kind === 'version') {
    return {
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': { N: String(expectation.version) } },
    };
  }
  return {
    ConditionExpression: 'attribute_not_exists(#pk) OR #ttl <= :now',
    ExpressionAttributeNames: { '#pk': PK, '#ttl': TTL },
    ExpressionAttributeValues: { ':now': seconds(nowMs) },
  };
}

const text = (attribute: AttributeValue | undefined) => (attribute && 'S' in attribute ? attribute.S : '');

/** The key of an item that came from, or is bound for, the table. */
export function keyOf(item: Item): ItemKey {
  return { pk: text(item[PK]), sk: text(item[SK]) };
}

/** One partition by prefix, consistently, without what has expired by `nowMs`. */
export function partitionQuery(
  table: string,
  query: Parameters<ItemTable['query']>[0],
  nowMs: number,
): QueryCommandInput {
  const { pk, prefix, newestFirst = false, afterSk } = query;
  return {
    TableName: table,
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
    FilterExpression: 'attribute_not_exists(#ttl) OR #ttl > :now',
    ExpressionAttributeNames: { '#pk': PK, '#sk': SK, '#ttl': TTL },
    ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: prefix }, ':now': seconds(nowMs) },
    ScanIndexForward: !newestFirst,
    ConsistentRead: true,
    ...(afterSk === undefined ? {} : { ExclusiveStartKey: { [PK]: { S: pk }, [SK]: { S: afterSk } } }),
  };
}

/** One value of the data_type index, by sort key. */
export function shardQuery(table: string, query: Parameters<ItemTable['queryDataType']>[0]): QueryCommandInput {
  const { shard, after } = query;
  return {
    TableName: table,
    IndexName: DATA_TYPE_INDEX,
    KeyConditionExpression: '#shard = :shard',
    ExpressionAttributeNames: { '#shard': DATA_TYPE_SHARD },
    ExpressionAttributeValues: { ':shard': { S: shard } },
    ...(after === undefined
      ? {}
      : { ExclusiveStartKey: { [PK]: { S: after.pk }, [SK]: { S: after.sk }, [DATA_TYPE_SHARD]: { S: shard } } }),
  };
}

/** As ItemTable.countDataType: no items are sent, only how many there are. */
export function countQuery(table: string, shard: string, not: string | undefined): QueryCommandInput {
  const { ExpressionAttributeNames, ExpressionAttributeValues, ...query } = shardQuery(table, { shard, limit: 0 });
  if (not === undefined) return { ...query, Select: 'COUNT', ExpressionAttributeNames, ExpressionAttributeValues };
  return {
    ...query,
    Select: 'COUNT',
    FilterExpression: '#not <> :zero',
    ExpressionAttributeNames: { ...ExpressionAttributeNames, '#not': not },
    ExpressionAttributeValues: { ...ExpressionAttributeValues, ':zero': { S: '0' } },
  };
}
