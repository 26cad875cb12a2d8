// The records, and how each is written to an item and read back. The migration writes through this too, so that rows moved
// from elsewhere are rows that the service can read.
import { z } from 'zod';
import { beyond, isNothing } from '../domain/by-asset.ts';
import { type Decimal, parseDecimal } from '../domain/money.ts';
import * as keys from './keys.ts';

/** Attribute values used here. A subset of the SDK's type, so that this file needs no SDK. */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { NULL: true }
  | { BOOL: boolean }
  | { L: AttributeValue[] }
  | { M: Record<string, AttributeValue> };
export type Item = Record<string, AttributeValue>;

/** 90 days, as the system before it kept things. */
export const TTL_SECONDS = 90 * 24 * 3600;

export const ORDER_STATUSES = [
  'pending',
  'open',
  'partially_filled',
  'filled',
  'cancelled',
  'error',
  'unknown',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/**
 * Money is any decimal text and is kept letter for letter: a row from elsewhere may say "1.50" or "1E-8", and the store is
 * not where that is put right. What is computed here is canonical.
 */
export const money = z.string().min(1).max(200);
export const byAsset = z.record(z.string().min(1).max(64), money);
/** Money that only this system writes: canonical. */
const decimal = z.string().transform((value, context): Decimal => {
  const parsed = parseDecimal(value);
  if (parsed !== undefined) return parsed;
  context.addIssue('is not a decimal');
  return z.NEVER;
});
/** ISO 8601 in UTC, with milliseconds or microseconds. */
export const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z$/, 'is not an ISO time in UTC');
export const userId = z.string().min(1).max(256);
export const symbol = z.string().min(1).max(64);
export const version = z.number().int().min(1);
export const side = z.enum(['BUY', 'SELL']);
export type Side = z.infer<typeof side>;

const submission = z.object({
  /** What creating the order answered, so that a repeated request is answered the same for ever. */
  status: z.enum(ORDER_STATUSES),
  /** Of a refusal: the error code the client got, and the text. */
  code: z.string().nullable(),
  detail: z.string().nullable(),
  /** Why the exchange refused, as the exchange's port tells reasons apart. */
  reason: z.string().optional(),
  /** The exchange's own code, where it gave one. */
  exchange_code: z.number().int().optional(),
});

/** A wish to change an order: cancel it, then place another with what is left. Durable before the cancel leaves. */
const amendment = z.object({
  /** The id of the order that takes this one's place, chosen beforehand so that a crash cannot place two. */
  order_id: z.string(),
  /** In all, what this one has filled included. */
  quantity: money,
  price: money,
  asked_at: timestamp,
  outcome: z.enum(['pending', 'replaced', 'abandoned']),
});
export type Amendment = z.infer<typeof amendment>;

export const orderRecord = z.object({
  order_id: z.string().min(1).max(128),
  user_id: userId,
  symbol,
  side,
  order_type: z.enum(['LIMIT', 'MARKET', 'LIMIT_MAKER', 'IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL']),
  quantity: money,
  /** What a market buy was to spend; `quantity` then is what that bought at the last price when it was placed. */
  quote_quantity: money.optional(),
  price: money.nullable(),
  filled_quantity: money,
  average_price: money.nullable(),
  /** In the quote asset. */
  fee: money,
  /** In any other. */
  other_fees: byAsset.optional(),
  status: z.enum(ORDER_STATUSES),
  mexc_order_id: z.string().nullable(),
  client_order_id: z.string().max(32),
  created_at: timestamp,
  updated_at: timestamp,
  /** How much of `filled_quantity` the user's position already holds; less means that applying it was interrupted. */
  applied_quantity: money,
  /** How much of `fee` it holds; absent on orders created elsewhere, whose fees it is taken to hold. */
  applied_fee: money.optional(),
  applied_other_fees: byAsset.optional(),
  reduce_only: z.boolean().optional(),
  amendment: amendment.optional(),
  /** `user`: it went out with the user's own keys of the exchange; absent: with the service's. */
  account: z.literal('user').optional(),
  /** By the exchange's clock: it cannot be taken any more after this time. */
  valid_until: timestamp.optional(),
  /** The order that this one took the place of. */
  replaces: z.string().optional(),
  /** Null until the exchange has answered, and on orders created elsewhere. */
  submission: submission.nullable(),
  version,
});
export type OrderRecord = z.infer<typeof orderRecord>;

export const positionRecord = z.object({
  user_id: userId,
  symbol,
  side: z.enum(['long', 'short']),
  quantity: money,
  entry_price: money,
  realized_pnl: money,
  opened_at: timestamp,
  updated_at: timestamp,
  /** What was taken, in all, from orders that may not know it yet, by order id. Makes taking the same fill twice harmless. */
  applied: z.record(
    z.string(),
    z.object({ quantity: money, quote: money, fee: money.optional(), other_fees: byAsset.optional() }),
  ),
  /** The last entry of the fill log that this is the fold of; absent where no log has been begun. */
  seq: z.number().int().min(1).optional(),
  /** Realised profit since the log began; `realized_pnl` counts from when the user last held nothing. */
  realized_total: money.optional(),
  /** Paid since the log began, by asset. */
  fees: byAsset.optional(),
  version,
});
export type PositionRecord = z.infer<typeof positionRecord>;

/** A used Idempotency-Key: the order id it stands for and a digest of the request it came with. */
export const claimRecord = z.object({
  user_id: userId,
  key: z.string(),
  order_id: z.string(),
  request_digest: z.string(),
});
export type ClaimRecord = z.infer<typeof claimRecord>;

/** A candle that is over. `open_time` is ms since 1970; volumes are in the base and in the quote asset. */
export const klineRecord = z.object({
  symbol,
  interval: z.string().min(1).max(8),
  open_time: z.number().int().min(0),
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal,
  quote_volume: decimal,
});
export type KlineRecord = z.infer<typeof klineRecord>;

/** A user's keys of an exchange, encrypted (backend/keys/envelope.ts). `wrapped_key` and the rest are base64. */
export const credentialRecord = z.object({
  user_id: userId,
  exchange: z.string().min(1).max(32),
  /** Which of the master keys wrapped the data key. */
  master_key_id: z.string().min(1).max(128),
  wrapped_key: z.string().min(1).max(4096),
  /** Nonce, ciphertext and tag. */
  sealed: z.string().min(1).max(8192),
  /** Set once the keys were removed: `wrapped_key` and `sealed` hold nothing any more. */
  removed_at: timestamp.optional(),
  /** The last characters of the access key, to tell keys apart without showing one. */
  hint: z.string().max(8),
  created_at: timestamp,
  updated_at: timestamp,
  version,
});
export type CredentialRecord = z.infer<typeof credentialRecord>;

/** One or several equal uses of a user's keys within a moment. */
export const auditRecord = z.object({
  user_id: userId,
  id: z.string().min(1).max(64),
  action: z.string().min(1).max(64),
  /** Who asked: a user, a part of the system. */
  actor: z.string().min(1).max(128),
  count: z.number().int().min(1),
  first_at_ms: z.number().int().min(0),
  last_at_ms: z.number().int().min(0),
});
export type AuditRecord = z.infer<typeof auditRecord>;

type Settling = Pick<
  OrderRecord,
  'filled_quantity' | 'applied_quantity' | 'fee' | 'applied_fee' | 'other_fees' | 'applied_other_fees'
>;

/** Whether the user's position holds all that has filled, and what it cost. */
export const isApplied = (order: Settling): boolean =>
  order.filled_quantity === order.applied_quantity &&
  (order.applied_fee ?? order.fee) === order.fee &&
  isNothing(beyond(order.other_fees, order.applied_other_fees));

/** Which set of the index an order belongs to. */
export function orderSetOf(order: Settling & Pick<OrderRecord, 'status' | 'amendment'>): keys.OrderSet {
  if (!isApplied(order) || order.amendment?.outcome === 'pending') return 'UNSURE';
  switch (order.status) {
    case 'pending':
    case 'unknown':
      return 'UNSURE';
    case 'open':
    case 'partially_filled':
      return 'OPEN';
    case 'filled':
    case 'cancelled':
    case 'error':
      return 'DONE';
  }
}

function attributeOf(value: unknown): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') return { N: String(value) };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  if (typeof value === 'object') return { M: attributesOf(value) };
  throw new TypeError(`no attribute for a ${typeof value}`);
}

/** A plain record as attributes; what is undefined is left out. */
export function attributesOf(record: object): Item {
  const present = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([name, value]) => [name, attributeOf(value)]));
}

function plainOf(attribute: AttributeValue): unknown {
  if ('S' in attribute) return attribute.S;
  if ('N' in attribute) return Number(attribute.N); // Only versions and times are numbers; money is text.
  if ('BOOL' in attribute) return attribute.BOOL;
  if ('L' in attribute) return attribute.L.map(plainOf);
  if ('M' in attribute) return plainRecordOf(attribute.M);
  return null;
}

export function plainRecordOf(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, plainOf(attribute)]));
}

/** A settled order leaves 90 days after `nowMs`, its last write. One that may still change never expires. */
export function orderToItem(order: OrderRecord, nowMs: number): Item {
  const shard = keys.shardOf(order.order_id);
  const set = orderSetOf(order);
  return {
    ...attributesOf(orderRecord.parse(order)),
    [keys.PK]: { S: keys.userPk(order.user_id) },
    [keys.SK]: { S: keys.orderSk(order.order_id) },
    data_type: { S: 'ORDER' },
    [keys.SYMBOL_SHARD]: { S: keys.symbolShard(order.symbol, order.order_id) },
    [keys.DATA_TYPE_SHARD]: { S: keys.orderShard(set, shard) },
    ...(set === 'DONE' ? { [keys.TTL]: { N: expiry(nowMs) } } : {}),
  };
}

/** Throws a ZodError on an item that is no order. Attributes of others (a migration's marks) are passed over. */
export function orderFromItem(item: Item): OrderRecord {
  return orderRecord.parse(plainRecordOf(item));
}

/** A position has no expiry: an open one must not vanish because nobody traded for 90 days. */
export function positionToItem(position: PositionRecord): Item {
  return {
    ...attributesOf(positionRecord.parse(position)),
    [keys.PK]: { S: keys.userPk(position.user_id) },
    [keys.SK]: { S: keys.positionSk(position.symbol) },
    data_type: { S: 'POSITION' },
    [keys.SYMBOL_SHARD]: { S: keys.symbolShard(position.symbol, position.user_id) },
    [keys.DATA_TYPE_SHARD]: { S: keys.positionShard(keys.shardOf(position.user_id)) },
  };
}

export function positionFromItem(item: Item): PositionRecord {
  return positionRecord.parse(plainRecordOf(item));
}

export function claimToItem(claim: ClaimRecord, nowMs: number): Item {
  return {
    user_id: { S: claim.user_id },
    order_id: { S: claim.order_id },
    request_digest: { S: claim.request_digest },
    key: { S: claim.key },
    [keys.PK]: { S: keys.userPk(claim.user_id) },
    [keys.SK]: { S: keys.idempotencySk(claim.key) },
    data_type: { S: 'CLAIM' },
    [keys.TTL]: { N: expiry(nowMs) },
  };
}

export function claimFromItem(item: Item): ClaimRecord {
  return claimRecord.parse(plainRecordOf(item));
}

/** Candles of less than a day leave after 90 days, as everything of the day does; longer ones are few and stay. */
export function klineToItem(kline: KlineRecord, nowMs: number): Item {
  return {
    ...attributesOf(klineRecord.parse(kline)),
    [keys.PK]: { S: keys.klinePk(kline.symbol, kline.interval) },
    [keys.SK]: { S: keys.klineSk(kline.open_time) },
    data_type: { S: 'KLINE' },
    ...(/[dWM]$/.test(kline.interval) ? {} : { [keys.TTL]: { N: expiry(nowMs) } }),
  };
}

export function klineFromItem(item: Item): KlineRecord {
  return klineRecord.parse(plainRecordOf(item));
}

export function credentialToItem(credential: CredentialRecord): Item {
  const { user_id, exchange } = credential;
  return {
    ...attributesOf(credentialRecord.parse(credential)),
    [keys.PK]: { S: keys.userPk(user_id) },
    [keys.SK]: { S: keys.credentialSk(exchange) },
    data_type: { S: 'CREDENTIAL' },
    [keys.DATA_TYPE_SHARD]: { S: keys.credentialShard(keys.shardOf(user_id)) },
  };
}

export function credentialFromItem(item: Item): CredentialRecord {
  return credentialRecord.parse(plainRecordOf(item));
}

export function auditToItem(audit: AuditRecord, nowMs: number): Item {
  return {
    ...attributesOf(auditRecord.parse(audit)),
    [keys.PK]: { S: keys.userPk(audit.user_id) },
    [keys.SK]: { S: keys.auditSk(audit.first_at_ms, audit.id) },
    data_type: { S: 'AUDIT' },
    [keys.TTL]: { N: expiry(nowMs) },
  };
}

export function auditFromItem(item: Item): AuditRecord {
  return auditRecord.parse(plainRecordOf(item));
}

/** Epoch seconds, as DynamoDB's TTL wants them: milliseconds would be a date it never reaches. */
export function expiry(nowMs: number): string {
  return String(Math.floor(nowMs / 1000) + TTL_SECONDS);
}

/** DynamoDB deletes expired items lazily, days late, so that a reader must pass over them itself. */
export function isExpired(item: Item, nowMs: number): boolean {
  const ttl = item[keys.TTL];
  return ttl !== undefined && 'N' in ttl && Number(ttl.N) <= Math.floor(nowMs / 1000);
}
