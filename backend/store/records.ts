// The Store over any ItemTable: records in, items out, and back.
import type { Clock } from '../domain/ids.ts';
import { accountFromItem, accountToItem, tradingStateFromItem, tradingStateToItem } from './account-items.ts';
import { executionFromItem, executionToItem } from './execution-items.ts';
import { fillFromItem, fillToItem } from './fill-items.ts';
import { expectationOf, putVersioned, reading } from './item-records.ts';
import type { ItemKey, ItemTable } from './item-table.ts';
import {
  auditFromItem,
  auditToItem,
  claimFromItem,
  claimToItem,
  credentialFromItem,
  credentialToItem,
  klineFromItem,
  klineToItem,
  orderFromItem,
  orderToItem,
  positionFromItem,
  positionToItem,
} from './items.ts';
import * as keys from './keys.ts';
import { createOverlayTable } from './overlay.ts';
import { sniperRecords } from './sniper-records.ts';
import { type SetCursor, type Store, StoreUnavailable } from './store.ts';
import { submissionFromItem, submissionToItem } from './submission-items.ts';

/** More than an exchange has symbols; a user's positions are read in one go. */
const POSITIONS_MAX = 5000;

function keyOfCursor(cursor: SetCursor): ItemKey {
  return { pk: keys.userPk(cursor.userId), sk: keys.orderSk(cursor.orderId) };
}

const readOrder = reading(orderFromItem);
const readPosition = reading(positionFromItem);
const readClaim = reading(claimFromItem);
const readFill = reading(fillFromItem);
const readAccount = reading(accountFromItem);
const readTradingState = reading(tradingStateFromItem);
const readExecution = reading(executionFromItem);
const readSubmission = reading(submissionFromItem);

type Pages = { readonly limit: number; readonly after?: ItemKey };

/** What risk keeps: accounts, and the trading state. */
function riskRecords(table: ItemTable) {
  return {
    async getAccount(userId) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.ACCOUNT_SK });
      return item && readAccount(item);
    },
    putAccount: (account) => putVersioned(table, accountToItem(account), account.version),
    async accountsReserved(shard, page: Pages) {
      const { items, next } = await table.queryDataType({ shard: keys.accountShard(shard), ...page });
      return { accounts: items.map(readAccount), next };
    },
    async getTradingState() {
      const item = await table.get(keys.TRADING_STATE_KEY);
      return item && readTradingState(item);
    },
    putTradingState: (state) => putVersioned(table, tradingStateToItem(state), state.version),
  } satisfies Partial<Store>;
}

function executionRecords(table: ItemTable, now: Clock) {
  return {
    async getExecution(userId, executionId) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.executionSk(executionId) });
      return item && readExecution(item);
    },
    putExecution: (execution) => putVersioned(table, executionToItem(execution, now()), execution.version),
    async listExecutions(userId, { limit, after }) {
      const items = await table.query({
        pk: keys.userPk(userId),
        prefix: keys.EXECUTION_PREFIX,
        limit,
        newestFirst: true,
        ...(after === undefined ? {} : { afterSk: keys.executionSk(after) }),
      });
      return items.map(readExecution);
    },
    async executionsRunning(shard, page: Pages) {
      const { items, next } = await table.queryDataType({ shard: keys.executionShard(shard), ...page });
      return { executions: items.map(readExecution), next };
    },
  } satisfies Partial<Store>;
}

function submissionRecords(table: ItemTable, now: Clock) {
  return {
    async getSubmission(userId, submissionId) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.submissionSk(submissionId) });
      return item && readSubmission(item);
    },
    putSubmission: (submission) => putVersioned(table, submissionToItem(submission, now()), submission.version),
    async submissionsUndecided(shard, page: Pages) {
      const { items, next } = await table.queryDataType({ shard: keys.submissionShard(shard), ...page });
      return { submissions: items.map(readSubmission), next };
    },
  } satisfies Partial<Store>;
}

function positionRecords(table: ItemTable) {
  return {
    async getPosition(userId, symbol) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.positionSk(symbol) });
      return item && readPosition(item);
    },
    async listPositions(userId) {
      const items = await table.query({ pk: keys.userPk(userId), prefix: keys.POSITION_PREFIX, limit: POSITIONS_MAX });
      return items.map(readPosition);
    },
    putPosition: (position) => putVersioned(table, positionToItem(position), position.version),
    async appendFill(fill) {
      return (await table.put(fillToItem(fill), { kind: 'absent' })) ? 'stored' : 'exists';
    },
    async getFill(userId, symbol, seq) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.fillSk(symbol, seq) });
      return item && readFill(item);
    },
    async listFills(userId, symbol, { limit, after }) {
      const items = await table.query({
        pk: keys.userPk(userId),
        prefix: keys.fillPrefix(symbol),
        limit,
        ...(after === undefined ? {} : { afterSk: keys.fillSk(symbol, after) }),
      });
      return items.map(readFill);
    },
  } satisfies Partial<Store>;
}

const readKline = reading(klineFromItem);
const readCredential = reading(credentialFromItem);
const readAudit = reading(auditFromItem);

type MarketRecords = Pick<Store, 'putKlines' | 'klines'>;
type KeyRecords = Pick<Store, 'putCredential' | 'getCredential' | 'credentialsOfShard' | 'putAudits' | 'audits'>;

function marketRecords(table: ItemTable, now: Clock): MarketRecords {
  return {
    putKlines: (klines) => table.putAll(klines.map((kline) => klineToItem(kline, now()))),
    async klines(symbol, interval, { fromMs, toMs, limit }) {
      const pk = keys.klinePk(symbol, interval);
      const after = fromMs > 0 ? { afterSk: keys.klineSk(fromMs - 1) } : {};
      const items = await table.query({ pk, prefix: keys.KLINE_PREFIX, limit, ...after });
      return items.map(readKline).filter(({ open_time }) => open_time <= toMs);
    },
  };
}

function keyRecords(table: ItemTable, now: Clock): KeyRecords {
  return {
    async putCredential(credential) {
      const stored = await table.put(credentialToItem(credential), expectationOf(credential.version));
      return stored ? 'stored' : 'conflict';
    },
    async getCredential(userId, exchange) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.credentialSk(exchange) });
      return item && readCredential(item);
    },
    async credentialsOfShard(shard, { limit, after }) {
      const page = await table.queryDataType({
        shard: keys.credentialShard(shard),
        limit,
        ...(after ? { after: { pk: keys.userPk(after.userId), sk: keys.credentialSk(after.exchange) } } : {}),
      });
      const credentials = page.items.map(readCredential);
      const last = credentials.at(-1);
      return { credentials, next: page.next && last ? { userId: last.user_id, exchange: last.exchange } : null };
    },
    putAudits: (audits) => table.putAll(audits.map((audit) => auditToItem(audit, now()))),
    async audits(userId, limit) {
      const items = await table.query({ pk: keys.userPk(userId), prefix: keys.AUDIT_PREFIX, limit, newestFirst: true });
      return items.map(readAudit);
    },
  };
}

export function createStore(table: ItemTable, now: Clock): Store {
  return {
    ...positionRecords(table),
    ...riskRecords(table),
    ...executionRecords(table, now),
    ...submissionRecords(table, now),
    ...sniperRecords(table, now),
    async insertOrder(order) {
      return (await table.put(orderToItem(order, now()), { kind: 'absent' })) ? 'stored' : 'exists';
    },
    async replaceOrder(order) {
      const stored = await table.put(orderToItem(order, now()), { kind: 'version', version: order.version - 1 });
      return stored ? 'stored' : 'conflict';
    },
    async getOrder(userId, orderId) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.orderSk(orderId) });
      return item && readOrder(item);
    },
    async listOrders(userId, { limit, after }) {
      const items = await table.query({
        pk: keys.userPk(userId),
        prefix: keys.ORDER_PREFIX,
        limit: limit + 1, // One more than asked tells whether there is a next page without a page that is empty.
        newestFirst: true,
        ...(after === undefined ? {} : { afterSk: keys.orderSk(after) }),
      });
      const orders = items.slice(0, limit).map(readOrder);
      return { orders, lastSeen: items.length > limit ? (orders.at(-1)?.order_id ?? null) : null };
    },
    async ordersOfSet(set, shard, { limit, after }) {
      const page = await table.queryDataType({
        shard: keys.orderShard(set, shard),
        limit,
        ...(after === undefined ? {} : { after: keyOfCursor(after) }),
      });
      const orders = page.items.map(readOrder);
      const last = orders.at(-1);
      return { orders, next: page.next && last ? { userId: last.user_id, orderId: last.order_id } : null };
    },
    async countActive() {
      const shards = Array.from({ length: keys.SHARDS }, (_, shard) => shard);
      const counts = shards.map(async (shard) => {
        const unsure = await table.countDataType(keys.orderShard('UNSURE', shard));
        const open = await table.countDataType(keys.orderShard('OPEN', shard));
        return { orders: unsure + open, positions: await table.countDataType(keys.positionShard(shard), 'quantity') };
      });
      const all = await Promise.all(counts);
      return all.reduce((sum, each) => ({
        orders: sum.orders + each.orders,
        positions: sum.positions + each.positions,
      }));
    },
    async claim(claim) {
      if (await table.put(claimToItem(claim, now()), { kind: 'absent' })) return claim;
      const item = await table.get({ pk: keys.userPk(claim.user_id), sk: keys.idempotencySk(claim.key) });
      if (!item) throw new StoreUnavailable('a claim expired while it was read; try again');
      return readClaim(item);
    },
    ...marketRecords(table, now),
    ...keyRecords(table, now),
    discarding: () => createStore(createOverlayTable(table, now), now),
    ping: table.ping,
    close: table.close,
  };
}
