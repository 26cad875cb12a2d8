// Executions: larger orders that are placed as many small ones, and how far each has come.
import { z } from 'zod';
import {
  attributesOf,
  expiry,
  type Item,
  money,
  plainRecordOf,
  side,
  symbol,
  timestamp,
  userId,
  version,
} from './items.ts';
import * as keys from './keys.ts';

export const EXECUTION_STATUSES = ['running', 'cancelling', 'completed', 'cancelled', 'failed'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** iceberg: one child rests at a time, the next when it is gone. twap: a child after each interval. */
const plan = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('iceberg'), display_quantity: money }),
  z.object({ kind: z.literal('twap'), slice_quantity: money, interval_ms: z.number().int().min(1) }),
]);
export type ExecutionPlan = z.infer<typeof plan>;

/** An order of an execution. Written down before it is placed, so that whoever goes on places the very same one. */
const child = z.object({ order_id: z.string(), quantity: money, at: timestamp });

export const executionRecord = z.object({
  execution_id: z.string().min(1).max(128),
  user_id: userId,
  symbol,
  side,
  quantity: money,
  /** Of each child; null places them at market (twap only). */
  price: money.nullable(),
  plan,
  status: z.enum(EXECUTION_STATUSES),
  /** Why it failed, or what has held it up. */
  reason: z.string().max(500).nullable(),
  /** Children begun so far; the next one's number. */
  children_count: z.number().int().min(0),
  /** Children that are not settled yet. */
  live: z.array(child),
  /** Filled by children that are settled. */
  filled_quantity: money,
  /** Children in a row that came to nothing. */
  refusals: z.number().int().min(0),
  /** No child before this time. */
  not_before: timestamp,
  created_at: timestamp,
  updated_at: timestamp,
  version,
});
export type ExecutionRecord = z.infer<typeof executionRecord>;
export type ExecutionChild = z.infer<typeof child>;

export const isRunning = ({ status }: Pick<ExecutionRecord, 'status'>): boolean =>
  status === 'running' || status === 'cancelling';

/** One that has ended leaves the index, and the table 90 days after `nowMs`. */
export function executionToItem(execution: ExecutionRecord, nowMs: number): Item {
  return {
    ...attributesOf(executionRecord.parse(execution)),
    [keys.PK]: { S: keys.userPk(execution.user_id) },
    [keys.SK]: { S: keys.executionSk(execution.execution_id) },
    data_type: { S: 'EXECUTION' },
    ...(isRunning(execution)
      ? { [keys.DATA_TYPE_SHARD]: { S: keys.executionShard(keys.shardOf(execution.execution_id)) } }
      : { [keys.TTL]: { N: expiry(nowMs) } }),
  };
}

export function executionFromItem(item: Item): ExecutionRecord {
  return executionRecord.parse(plainRecordOf(item));
}
