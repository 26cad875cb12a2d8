// Cancelling an order: the exchange decides, the store follows.
import { type Problem, problem } from '../errors.ts';
import type { OrderRecord } from '../store/items.ts';
import { changeOrder } from './change.ts';
import type { OrderDeps } from './deps.ts';
import { refOf, type Settlement } from './settle.ts';
import { isSettled, progressed } from './state.ts';

export type CancelOrderResult =
  | { readonly ok: true; readonly order: OrderRecord }
  | { readonly ok: false; readonly problem: Problem };
/** `toReplace`: as a part of changing the order. Any other cancel lets go of a wish to change it. */
export type CancelOrder = (userId: string, orderId: string, toReplace?: 'toReplace') => Promise<CancelOrderResult>;

export const notFoundDetail = (orderId: string) => `no order ${orderId} of this user`;
const tooLate = (order: OrderRecord) =>
  refuse('order_not_cancellable', `the order is ${order.status} and can no longer be cancelled`);
const refuse = (...args: Parameters<typeof problem>): CancelOrderResult => ({ ok: false, problem: problem(...args) });

/** What an order that is not there to be cancelled has come to: cancelled already by this very request, or something else. */
function verdict(order: OrderRecord): CancelOrderResult {
  if (order.status === 'cancelled') return { ok: true, order };
  if (isSettled(order.status)) return tooLate(order);
  return refuse('order_in_flight', 'the exchange has not confirmed the order yet; try again');
}

export function createCancelOrder(deps: OrderDeps, settlement: Settlement): CancelOrder {
  const { store, exchange, now } = deps;
  const letGo = (current: OrderRecord): OrderRecord | undefined =>
    current.amendment?.outcome === 'pending'
      ? { ...current, amendment: { ...current.amendment, outcome: 'abandoned' }, version: current.version + 1 }
      : undefined;

  return async function cancelOrder(userId, orderId, toReplace) {
    const found = await store.getOrder(userId, orderId);
    if (!found) return refuse('order_not_found', notFoundDetail(orderId));
    const order = toReplace || !letGo(found) ? found : await changeOrder(deps, found, letGo);
    if (isSettled(order.status)) return tooLate(order);
    const result = await exchange.cancel(refOf(order));
    switch (result.kind) {
      case 'cancelled': {
        const cancelled = await changeOrder(deps, order, (current) => progressed(current, result.order, now()));
        settlement.follow(cancelled); // The exchange may have answered with fills from before the cancel.
        return verdict(cancelled);
      }
      case 'not_found':
        return verdict(await settlement.settle(order));
      case 'unknown': {
        // Perhaps cancelled, perhaps not: ask, and promise nothing that the exchange does not confirm.
        const asked = await settlement.settle(order);
        if (isSettled(asked.status)) return verdict(asked);
        return refuse(
          'exchange_unclear',
          'the exchange did not confirm the cancellation; read the order and try again',
        );
      }
      case 'rejected':
        return refuse('exchange_refused', `exchange refused the cancellation: ${result.detail}`);
    }
  };
}
