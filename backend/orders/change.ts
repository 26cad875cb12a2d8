// Changing an order that others may be changing too, and telling of it.
import { channels } from '../bus/bus.ts';
import type { OrderRecord } from '../store/items.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { OrderDeps } from './deps.ts';
import { orderAnswer } from './schemas.ts';

/** Writers that can meet on one order: its creation, a cancel, the reconciliation of each instance. */
const CONFLICTS_MAX = 8;

/** Tells of an order that is durable by now. */
export function announce({ bus, listening, metrics, now }: OrderDeps, order: OrderRecord): void {
  listening.note(order);
  metrics.orderChanges.inc({ status: order.status });
  bus.tell(channels.orders(order.user_id), 'order', orderAnswer(order, now()));
}

/** What the position has taken of an order is nothing that a client sees of it. */
const isVisible = (before: OrderRecord, after: OrderRecord) =>
  before.applied_quantity === after.applied_quantity &&
  before.applied_fee === after.applied_fee &&
  before.applied_other_fees === after.applied_other_fees;

/**
 * Stores `change(order)`, reading again and asking `change` anew whenever somebody else was faster. `change` is pure and says
 * undefined when there is nothing to do. Answers the order as it is in the store afterwards.
 */
export async function changeOrder(
  deps: OrderDeps,
  order: OrderRecord,
  change: (current: OrderRecord) => OrderRecord | undefined,
): Promise<OrderRecord> {
  let current = order;
  for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
    const next = change(current);
    if (next === undefined) return current;
    if ((await deps.store.replaceOrder(next)) === 'stored') {
      if (isVisible(current, next)) announce(deps, next);
      deps.risk.noteOrder(next);
      return next;
    }
    const stored = await deps.store.getOrder(order.user_id, order.order_id);
    if (!stored) throw new StoreUnavailable(`order ${order.order_id} is gone`);
    current = stored;
  }
  throw new StoreUnavailable(`order ${order.order_id} changed ${CONFLICTS_MAX} times while it was being changed`);
}
