// The table's keys: which item is where. Pure; the migration uses them too.
import { createHash } from 'node:crypto';

/** Attribute names of the table and its two indexes. */
export const PK = 'pk';
export const SK = 'sk';
export const SYMBOL_SHARD = 'symbol_shard';
export const DATA_TYPE_SHARD = 'data_type_shard';
export const TTL = 'ttl';

export const SYMBOL_INDEX = 'symbol-index';
export const DATA_TYPE_INDEX = 'data_type-index';

export const ORDER_PREFIX = 'ORDER#';
export const POSITION_PREFIX = 'POSITION#';
export const EXECUTION_PREFIX = 'EXECUTION#';
export const TARGET_PREFIX = 'TARGET#';
/** What the user may do and has under way: one item, so that one conditional write decides. */
export const ACCOUNT_SK = 'ACCOUNT';
/** The trading state of all users, beside no user. */
export const TRADING_STATE_KEY = { pk: 'TRADING_STATE', sk: 'TRADING_STATE' } as const;

/**
 * One index key value takes 1,000 writes a second at most, and "all orders" or "all of BTCUSDT" is one value. So index keys
 * carry a shard number; a reader asks all of them.
 */
export const SHARDS = 16;

/**
 * UNSURE: must be asked about at the exchange soon, or fills are not in the position yet. OPEN: may change at the exchange.
 * DONE: settled. Sets of their own in the index, so that finding the few unsure ones never reads the many others.
 */
export type OrderSet = 'UNSURE' | 'OPEN' | 'DONE';

export const userPk = (userId: string) => `USER#${userId}`;
export const orderSk = (orderId: string) => `${ORDER_PREFIX}${orderId}`;
export const positionSk = (symbol: string) => `${POSITION_PREFIX}${symbol}`;

export const KLINE_PREFIX = 'T#';
/** Time keys of one length, so that text order is time order. */
const timeText = (timeMs: number) => String(timeMs).padStart(15, '0');
export const klineSk = (openMs: number) => `${KLINE_PREFIX}${timeText(openMs)}`;
/** One series a partition: a minute's candle is one write a minute, and a range of them is one query. */
export const klinePk = (symbol: string, interval: string) => `KLINE#${symbol}#${interval}`;

export const CREDENTIAL_PREFIX = 'CREDENTIAL#';
export const credentialSk = (exchange: string) => `${CREDENTIAL_PREFIX}${exchange}`;
export const credentialShard = (shard: number) => `CREDENTIAL#${shard}`;

export const AUDIT_PREFIX = 'AUDIT#';
/** By time, then by what tells events of one moment apart. */
export const auditSk = (timeMs: number, id: string) => `${AUDIT_PREFIX}${timeText(timeMs)}#${id}`;

/** The key a client chose is hashed: it may be long or hold anything. */
export const idempotencySk = (key: string) => `IDEM#${createHash('sha256').update(key).digest('hex')}`;

/** 0 to SHARDS-1, even over any kind of id (FNV-1a, 32 bits). */
export function shardOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}

export const symbolShard = (symbol: string, id: string) => `${symbol}#${shardOf(id)}`;
export const orderShard = (set: OrderSet, shard: number) => `ORDER#${set}#${shard}`;
export const positionShard = (shard: number) => `POSITION#${shard}`;
/** Digits enough for a fill every millisecond for 300,000 years; text order is number order. */
const SEQ_DIGITS = 16;
export const fillPrefix = (symbol: string) => `FILL#${symbol}#`;
export const fillSk = (symbol: string, seq: number) => fillPrefix(symbol) + String(seq).padStart(SEQ_DIGITS, '0');
export const executionSk = (executionId: string) => `${EXECUTION_PREFIX}${executionId}`;
export const accountShard = (shard: number) => `ACCOUNT#RESERVED#${shard}`;
export const targetSk = (targetId: string) => `${TARGET_PREFIX}${targetId}`;
export const targetShard = (shard: number) => `TARGET#AT_WORK#${shard}`;
/**
 * All listings in one partition: a few a day, read together, and written when they change. A listing is found by the exchange's
 * id of it, whenever it opens: that time may move.
 */
export const CALENDAR_PK = 'CALENDAR';
export const CALENDAR_PREFIX = 'CALENDAR#';
export const calendarSk = (vcoinId: string) => `${CALENDAR_PREFIX}${vcoinId}`;
export const submissionSk = (submissionId: string) => `SUBMISSION#${submissionId}`;
export const submissionShard = (shard: number) => `SUBMISSION#UNDECIDED#${shard}`;
export const executionShard = (shard: number) => `EXECUTION#RUNNING#${shard}`;
