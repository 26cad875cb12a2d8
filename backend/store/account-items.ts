// What risk keeps: an account for each user, and the trading state of all.
import { z } from 'zod';
import { attributesOf, type Item, money, plainRecordOf, side, symbol, timestamp, userId, version } from './items.ts';
import * as keys from './keys.ts';

/** ACTIVE: everything. REDUCING: only what makes a position smaller. HALTED: nothing new; cancels always pass. */
export const TRADING_STATES = ['ACTIVE', 'REDUCING', 'HALTED'] as const;
export type TradingState = (typeof TRADING_STATES)[number];

/** What an order may still do to its user's exposure, from before it is stored until it is settled and in the position. */
const reservation = z.object({
  symbol,
  side,
  /** What can yet fill, in the base asset. */
  quantity: money,
  /** Null at market. */
  price: money.nullable(),
  /** Quote value of one unit, as the check took it; zero where no limit needed it. */
  unit_value: money,
  /** What the exchange sets aside for it, where the check looked at balances. */
  cost: z.object({ asset: z.string().min(1), amount: money }).optional(),
  at: timestamp,
});
export type Reservation = z.infer<typeof reservation>;

/** The user's position in one symbol as of its `version`; what the checks look at. */
const holding = z.object({ net: money, entry_price: money, realized_total: money, version });
export type Holding = z.infer<typeof holding>;

export const accountRecord = z.object({
  user_id: userId,
  state: z.enum(TRADING_STATES),
  /** Why, by whoever set it. */
  state_reason: z.string().min(1).max(500).nullable(),
  /** What differs from the settings' limits, by name; their schema is risk/limits.ts. */
  limits: z.record(z.string(), z.unknown()),
  /** By order id. */
  reservations: z.record(z.string(), reservation),
  /** By symbol. */
  holdings: z.record(z.string(), holding),
  /** The day (UTC) that `day_opened`, the realised total when it began, belongs to. */
  day: z.string(),
  day_opened: money,
  /** The highest realised total, and when falling too far below it stopped the user. */
  peak: money,
  drawdown_at: timestamp.nullable(),
  /** Orders let through in the second (since 1970) that they were last counted in. */
  second: z.number().int(),
  second_orders: z.number().int(),
  version,
});
export type AccountRecord = z.infer<typeof accountRecord>;

/** Accounts with reservations are in the index, so that those left behind by a crash are found. */
export function accountToItem(account: AccountRecord): Item {
  const reserved = Object.keys(account.reservations).length > 0;
  return {
    ...attributesOf(accountRecord.parse(account)),
    [keys.PK]: { S: keys.userPk(account.user_id) },
    [keys.SK]: { S: keys.ACCOUNT_SK },
    data_type: { S: 'ACCOUNT' },
    ...(reserved ? { [keys.DATA_TYPE_SHARD]: { S: keys.accountShard(keys.shardOf(account.user_id)) } } : {}),
  };
}

export function accountFromItem(item: Item): AccountRecord {
  return accountRecord.parse(plainRecordOf(item));
}

export const tradingStateRecord = z.object({
  state: z.enum(TRADING_STATES),
  reason: z.string().max(500),
  by: z.string().max(256),
  at: timestamp,
  version,
});
export type TradingStateRecord = z.infer<typeof tradingStateRecord>;

export function tradingStateToItem(record: TradingStateRecord): Item {
  const { pk, sk } = keys.TRADING_STATE_KEY;
  return {
    ...attributesOf(tradingStateRecord.parse(record)),
    [keys.PK]: { S: pk },
    [keys.SK]: { S: sk },
    data_type: { S: 'TRADING_STATE' },
  };
}

export function tradingStateFromItem(item: Item): TradingStateRecord {
  return tradingStateRecord.parse(plainRecordOf(item));
}
