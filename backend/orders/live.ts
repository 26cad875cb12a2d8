// A user's orders that have not ended.
import type { OrderRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';
import { isSettled } from './state.ts';

/** Those that risk has a reservation for: every order of this service from before it is sent until it has ended. */
export async function liveOrders(
  store: Pick<Store, 'getAccount' | 'getOrder'>,
  userId: string,
): Promise<OrderRecord[]> {
  const live: OrderRecord[] = [];
  for (const orderId of Object.keys((await store.getAccount(userId))?.reservations ?? {})) {
    const order = await store.getOrder(userId, orderId);
    if (order && !isSettled(order.status)) live.push(order);
  }
  return live;
}
