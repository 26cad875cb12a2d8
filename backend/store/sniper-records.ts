// The Store's part for the sniper, over any ItemTable.
import type { Clock } from '../domain/ids.ts';
import { calendarFromItem, calendarToItem } from './calendar-items.ts';
import { putVersioned, reading } from './item-records.ts';
import type { ItemKey, ItemTable } from './item-table.ts';
import * as keys from './keys.ts';
import { targetFromItem, targetToItem } from './sniper-items.ts';
import type { Store } from './store.ts';

/** More listings than there are in the 90 days that they are kept. */
const LISTINGS_MAX = 5000;

const readListing = reading(calendarFromItem);
const readTarget = reading(targetFromItem);

export function sniperRecords(table: ItemTable, now: Clock) {
  return {
    async getListing(vcoinId) {
      const item = await table.get({ pk: keys.CALENDAR_PK, sk: keys.calendarSk(vcoinId) });
      return item && readListing(item);
    },
    putListing: (listing) => putVersioned(table, calendarToItem(listing, now()), listing.version),
    async listings() {
      const items = await table.query({ pk: keys.CALENDAR_PK, prefix: keys.CALENDAR_PREFIX, limit: LISTINGS_MAX });
      // Of one length, so that text order is time order; only rows from elsewhere have microseconds.
      const timeOf = (text: string) => text.replace(/\.(\d{3})Z$/, '.$1000Z');
      const listings = items.map((item) => readListing(item));
      return listings.sort((a, b) => (timeOf(a.first_open_time) < timeOf(b.first_open_time) ? -1 : 1));
    },
    async getTarget(userId, targetId) {
      const item = await table.get({ pk: keys.userPk(userId), sk: keys.targetSk(targetId) });
      return item && readTarget(item);
    },
    putTarget: (target) => putVersioned(table, targetToItem(target, now()), target.version),
    async listTargets(userId, { limit, after }) {
      const items = await table.query({
        pk: keys.userPk(userId),
        prefix: keys.TARGET_PREFIX,
        limit,
        newestFirst: true,
        ...(after === undefined ? {} : { afterSk: keys.targetSk(after) }),
      });
      return items.map(readTarget);
    },
    async targetsAtWork(shard, page: { readonly limit: number; readonly after?: ItemKey }) {
      const { items, next } = await table.queryDataType({ shard: keys.targetShard(shard), ...page });
      return { targets: items.map(readTarget), next };
    },
  } satisfies Partial<Store>;
}
