// Users' targets, with how far each has come.
import { z } from 'zod';
import { attributesOf, expiry, type Item, money, plainRecordOf, symbol, timestamp, userId, version } from './items.ts';
import * as keys from './keys.ts';

/** live: orders go out. paper: fills are made up at the price of the moment. dry-run: all but the order. */
export const TARGET_MODES = ['live', 'paper', 'dry-run'] as const;
export type TargetMode = (typeof TARGET_MODES)[number];
/** backend/sniper/state.ts says which follows which. */
export const TARGET_STATUSES = ['pending', 'active', 'ready', 'executing', 'completed', 'failed', 'missed'] as const;
export type TargetStatus = (typeof TARGET_STATUSES)[number];

/** Things that happen to a target, for its audit trail; kept with the change that they are of, so that neither is without the other. */
export const TARGET_EVENTS = [
  'armed',
  'disarmed',
  'ready',
  'execution_window_started',
  'execution_taken_over',
  'order_placed',
  'order_filled',
  'order_cancelled',
  'balance_check_blocked',
  'balance_updated',
  'execution_error',
  'execution_window_ended',
  'take_profit_triggered',
  'stop_loss_triggered',
  'exit_closed',
] as const;
export type TargetEventName = (typeof TARGET_EVENTS)[number];
const event = z.object({ at: timestamp, event: z.enum(TARGET_EVENTS), detail: z.string().max(300) });
export type TargetEvent = z.infer<typeof event>;

/** The attempt at buying that is under way, or was the last. Written down before it is made. */
const entry = z.object({
  index: z.number().int().min(0),
  order_id: z.string(),
  quantity: money,
  /** The most that is paid for one. */
  price: money,
  /** Not sent before this time, and not taken by the exchange after `valid_until`: both by the exchange's clock. */
  not_before: timestamp,
  valid_until: timestamp,
});
export type TargetEntry = z.infer<typeof entry>;

/** Who executes the target, and until when; `fence` counts its holders. */
const lease = z.object({ owner: z.string().min(1).max(64), fence: z.number().int().min(1), until: timestamp });
export type TargetLease = z.infer<typeof lease>;

const exit = z.object({
  status: z.enum(['watching', 'closing', 'closed', 'failed']),
  trigger: z.enum(['take_profit', 'stop_loss']).nullable(),
  /** Sales begun so far; the order of the one under way. */
  index: z.number().int().min(0),
  order_id: z.string().nullable(),
  not_before: timestamp.nullable(),
  sold: money,
  /** In the quote asset. */
  proceeds: money,
});
export type TargetExit = z.infer<typeof exit>;

export const targetRecord = z.object({
  target_id: z.string().min(1).max(128),
  user_id: userId,
  symbol,
  mode: z.enum(TARGET_MODES),
  /** What is spent at most, in the quote asset. */
  budget: money,
  /** Shares of the price paid: "0.1" above it, or below it, sells. Null: never. */
  take_profit: money.nullable(),
  stop_loss: money.nullable(),
  /** How far above the reference price is paid, as a share of it. */
  max_slippage: money,
  /** Null: the exchange's last price before the opening. */
  reference_price: money.nullable(),
  /** The least score of the ready state; 0: the announced time is enough. */
  confidence_min: z.number().int().min(0).max(100),
  /** For how long after the announced opening it is tried, ms. */
  window_ms: z.number().int().min(1),
  status: z.enum(TARGET_STATUSES),
  /** Why it ended so. */
  reason: z.string().max(300).nullable(),
  /** As announced when it was last looked at. */
  opens_at: timestamp.nullable(),
  lease: lease.nullable(),
  entry: entry.nullable(),
  holding: z.object({ quantity: money, average_price: money }).nullable(),
  exit: exit.nullable(),
  events: z.array(event).max(100),
  created_at: timestamp,
  updated_at: timestamp,
  version,
});
export type TargetRecord = z.infer<typeof targetRecord>;

/** Whether something is still to be done by itself: before its end, or to get out of what it bought. */
export const isAtWork = ({ status, exit }: Pick<TargetRecord, 'status' | 'exit'>): boolean =>
  status === 'active' ||
  status === 'ready' ||
  status === 'executing' ||
  exit?.status === 'watching' ||
  exit?.status === 'closing';

/** One with nothing to be done leaves the index; one that has ended leaves the table 90 days after `nowMs`. */
export function targetToItem(target: TargetRecord, nowMs: number): Item {
  const isWorked = isAtWork(target);
  return {
    ...attributesOf(targetRecord.parse(target)),
    [keys.PK]: { S: keys.userPk(target.user_id) },
    [keys.SK]: { S: keys.targetSk(target.target_id) },
    data_type: { S: 'TARGET' },
    ...(isWorked ? { [keys.DATA_TYPE_SHARD]: { S: keys.targetShard(keys.shardOf(target.target_id)) } } : {}),
    ...(isWorked || target.status === 'pending' ? {} : { [keys.TTL]: { N: expiry(nowMs) } }),
  };
}

export function targetFromItem(item: Item): TargetRecord {
  return targetRecord.parse(plainRecordOf(item));
}
