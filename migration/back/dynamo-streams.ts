// The way back's stream in DynamoDB (API reference of Amazon DynamoDB Streams, 2012-08-10).
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Caller } from '../../backend/store/dynamo-wire.ts';
import type { Item } from '../../backend/store/items.ts';
import { keyOfItem } from '../target/dynamo.ts';
import { FeedTrimmed, type ItemFeed, type Shard } from './feed.ts';

/** What one GetRecords answers at most. */
const RECORDS_PER_READ = 1_000;
/** Iterators are good for 15 minutes; one is kept for each shard that is read. */
const ITERATORS_MAX = 10_000;

const shardPage = z.object({
  StreamDescription: z.object({
    Shards: z.array(z.object({ ShardId: z.string(), ParentShardId: z.string().optional() })).default([]),
    LastEvaluatedShardId: z.string().optional(),
  }),
});
const iterator = z.object({ ShardIterator: z.string() });
/** Attributes of kinds that our items never have are of others, and are not looked at. */
const image = z.custom<Item>((value) => typeof value === 'object' && value !== null);
const recordPage = z.object({
  Records: z
    .array(
      z.object({
        userIdentity: z.object({ type: z.string().optional(), principalId: z.string().optional() }).nullish(),
        dynamodb: z.object({
          Keys: image,
          OldImage: image.optional(),
          NewImage: image.optional(),
          SequenceNumber: z.string().regex(/^\d{1,40}$/),
        }),
      }),
    )
    .default([]),
  NextShardIterator: z.string().nullish(),
});

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** The stream of `table`. @throws when it has none */
export async function streamArn(client: DynamoDBClient, table: string): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  const arn = Table?.StreamSpecification?.StreamEnabled ? Table.LatestStreamArn : undefined;
  if (arn === undefined)
    throw new Error(`table ${table} has no stream for the way back; run: banyan-migrate setup JOB --way-back`);
  return arn;
}

export function createDynamoFeed(caller: Caller, arn: string): ItemFeed {
  /** By shard, with the sequence that it goes on after. */
  const iterators = new Map<string, { readonly after: string | undefined; readonly iterator: string }>();

  async function iteratorOf(shard: string, after: string | undefined): Promise<string> {
    const kept = iterators.get(shard);
    if (kept && kept.after === after) return kept.iterator;
    const from =
      after === undefined
        ? { ShardIteratorType: 'TRIM_HORIZON' }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after };
    const answer = await caller.call('GetShardIterator', { StreamArn: arn, ShardId: shard, ...from });
    return iterator.parse(answer).ShardIterator;
  }

  async function readOnce(shard: string, after: string | undefined) {
    const ShardIterator = await iteratorOf(shard, after);
    const page = recordPage.parse(await caller.call('GetRecords', { ShardIterator, Limit: RECORDS_PER_READ }));
    const changes = page.Records.map(({ userIdentity, dynamodb }) => ({
      key: keyOfItem(dynamodb.Keys),
      before: dynamodb.OldImage,
      after: dynamodb.NewImage,
      sequence: dynamodb.SequenceNumber,
      expired: userIdentity?.type === 'Service' && userIdentity.principalId === 'dynamodb.amazonaws.com',
    }));
    const next = page.NextShardIterator ?? undefined;
    iterators.delete(shard);
    if (next !== undefined) {
      if (iterators.size >= ITERATORS_MAX) iterators.clear(); // They are only a shortcut.
      iterators.set(shard, { after: changes.at(-1)?.sequence ?? after, iterator: next });
    }
    return { changes, ended: next === undefined };
  }

  return {
    async shards() {
      const found: Shard[] = [];
      let from: string | undefined;
      do {
        const start = from === undefined ? {} : { ExclusiveStartShardId: from };
        const { StreamDescription: page } = shardPage.parse(
          await caller.call('DescribeStream', { StreamArn: arn, ...start }),
        );
        for (const { ShardId: id, ParentShardId: parent } of page.Shards) found.push({ id, parent });
        from = page.LastEvaluatedShardId;
      } while (from !== undefined);
      return found;
    },
    async read(shard, sequence) {
      try {
        return await readOnce(shard, sequence);
      } catch (error) {
        iterators.delete(shard);
        if (isNamed(error, 'ExpiredIteratorException')) return readOnce(shard, sequence);
        if (isNamed(error, 'TrimmedDataAccessException'))
          throw new FeedTrimmed(`the stream of the table no longer holds what follows ${sequence} in ${shard}`, {
            cause: error,
          });
        throw error;
      }
    },
  };
}
