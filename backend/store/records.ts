// The Store over any ItemTable: records in, items out, and back.
import type { Clock } from '../domain/ids.ts';
import type { ItemKey, ItemTable } from './item-table.ts';
import {
  claimFromItem,
  claimToItem,
  type Item,
  orderFromItem,
  orderToItem,
  positionFromItem,
  positionToItem,
} from './items.ts';
import * as keys from './keys.ts';
import { createOverlayTable } from './overlay.ts';
import { type SetCursor, type Store, StoreUnavailable } from './store.ts';

/** More than an exchange has symbols; a user's positions are read in one go. */
const POSITIONS_MAX = 5000;

function keyOfCursor(cursor: SetCursor): ItemKey {
  return { pk: keys.userPk(cursor.userId), sk: keys.orderSk(cursor.orderId) };
}

/** An item that is not the record it claims to be cannot be served, and saying "not found" would be a lie. */
function reading<T>(read: (item: Item) => T): (item: Item) => T {
  return (item) => {
    try {
      return read(item);
    } catch (cause) {
      throw new StoreUnavailable('an item of the table is not readable', { cause });
    }
  };
}

const readOrder = reading(orderFromItem);
const readPosition = reading(positionFromItem);
const readClaim = reading(claimFromItem);

export function createStore(table: ItemTable, now: Clock): Store {
  return {
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
    async getPosition(userId, symbol) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.positionSk(symbol) });
      return item && readPosition(item);
    },
    async listPositions(userId) {
      const items = await table.query({ pk: keys.userPk(userId), prefix: keys.POSITION_PREFIX, limit: POSITIONS_MAX });
      return items.map(readPosition);
    },
    async putPosition(position) {
      const { version } = position;
      const stored = await table.put(
        positionToItem(position),
        version === 1 ? { kind: 'absent' } : { kind: 'version', version: version - 1 },
      );
      return stored ? 'stored' : 'conflict';
    },
    async claim(claim) {
      if (await table.put(claimToItem(claim, now()), { kind: 'absent' })) return claim;
      const item = await table.get({ pk: keys.userPk(claim.user_id), sk: keys.idempotencySk(claim.key) });
      if (!item) throw new StoreUnavailable('a claim expired while it was read; try again');
      return readClaim(item);
    },
    discarding: () => createStore(createOverlayTable(table, now), now),
    ping: table.ping,
    close: table.close,
  };
}
