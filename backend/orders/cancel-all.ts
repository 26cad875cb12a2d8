// Cancelling all of a user's orders, or those of one symbol.
import type { Problem } from '../errors.ts';
import type { OrderRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';
import type { CancelOrder } from './cancel.ts';
import { isSettled } from './state.ts';

const PAGE = 100;
/** Orders looked through, newest first: of the 500 that can be open, hardly any is older than so many others. */
const LOOKED_MAX = 10_000;
const CANCELLING_MAX = 4;

export type CancelAllResult = {
  readonly cancelled: readonly OrderRecord[];
  readonly failed: readonly { readonly order_id: string; readonly problem: Problem }[];
  /** False when there were more orders than are looked through. */
  readonly complete: boolean;
};
export type CancelAll = (userId: string, symbol?: string) => Promise<CancelAllResult>;

export function createCancelAll(store: Pick<Store, 'listOrders'>, cancelOrder: CancelOrder): CancelAll {
  async function liveOrders(userId: string, symbol: string | undefined) {
    const live: OrderRecord[] = [];
    let after: string | null | undefined;
    for (let looked = 0; looked < LOOKED_MAX && after !== null; ) {
      const page = await store.listOrders(userId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      live.push(...page.orders.filter((each) => !isSettled(each.status) && (!symbol || each.symbol === symbol)));
      looked += page.orders.length;
      after = page.lastSeen;
    }
    return { live, complete: after === null };
  }

  return async function cancelAll(userId, symbol) {
    const { live, complete } = await liveOrders(userId, symbol);
    const cancelled: OrderRecord[] = [];
    const failed: { order_id: string; problem: Problem }[] = [];
    async function worker(): Promise<void> {
      for (let order = live.shift(); order; order = live.shift()) {
        const result = await cancelOrder(userId, order.order_id);
        if (result.ok) cancelled.push(result.order);
        else failed.push({ order_id: order.order_id, problem: result.problem });
      }
    }
    await Promise.all(Array.from({ length: CANCELLING_MAX }, worker));
    return { cancelled, failed, complete };
  };
}
