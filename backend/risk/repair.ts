// Putting right what a crash has left in accounts: reservations of orders that are settled or were never made, and positions
// that an account has not heard of.
import type { Logger } from '../../config/log.ts';
import type { Clock } from '../domain/ids.ts';
import type { Metrics } from '../metrics.ts';
import type { AccountRecord } from '../store/account-items.ts';
import type { ItemKey } from '../store/item-table.ts';
import type { PositionRecord } from '../store/items.ts';
import { SHARDS } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { withOrder, withoutReservation } from './account.ts';
import type { Accounts } from './accounts.ts';

/** A reservation this old whose order is not in the store belongs to an order that was never made, ms. */
const ABANDONED_MS = 60_000;
const PAGE = 100;
/** Of one pass; what is repaired leaves the index, so that the next pass comes to others. */
const REPAIRS_MAX = 1000;

type Deps = { readonly store: Store; readonly metrics: Metrics; readonly log: Logger; readonly now: Clock };

export function createRepair(
  { store, metrics, log, now }: Deps,
  accounts: Accounts,
  notePosition: (position: PositionRecord) => void,
): () => Promise<number> {
  async function repairReservation(account: AccountRecord, orderId: string): Promise<boolean> {
    const order = await store.getOrder(account.user_id, orderId);
    const repaired = (current: AccountRecord) =>
      order ? withOrder(current, order) : withoutReservation(current, orderId);
    if (repaired(account) === account) return false;
    await accounts.change(account.user_id, (current) => ({ account: repaired(current), result: undefined }));
    return true;
  }

  async function repairAccount(account: AccountRecord): Promise<number> {
    let repaired = 0;
    for (const [orderId, { at }] of Object.entries(account.reservations)) {
      const isOld = now() - Date.parse(at) >= ABANDONED_MS;
      if (isOld && (await repairReservation(account, orderId))) repaired += 1;
    }
    for (const position of await store.listPositions(account.user_id)) {
      const known = account.holdings[position.symbol];
      if (!known || known.version < position.version) notePosition(position);
    }
    return repaired;
  }

  async function pass(): Promise<number> {
    let repaired = 0;
    for (let shard = 0; shard < SHARDS && repaired < REPAIRS_MAX; shard++) {
      let after: ItemKey | undefined;
      do {
        const page = await store.accountsReserved(shard, { limit: PAGE, ...(after ? { after } : {}) });
        for (const account of page.accounts) repaired += await repairAccount(account);
        after = page.next ?? undefined;
      } while (after && repaired < REPAIRS_MAX);
    }
    return repaired;
  }

  return async function repair() {
    try {
      const repaired = await pass();
      metrics.reservationsRepaired.inc(repaired);
      return repaired;
    } catch (error) {
      metrics.raised.inc({ operation: 'risk.repair' });
      log.warn({ err: error }, 'repairing reservations was cut short; the next pass starts over');
      return 0;
    }
  };
}
