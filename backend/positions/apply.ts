// Taking an order's fills into its user's position exactly once, over two items and no transaction:
//   1. the order says how much has filled (written before we are called);
//   2. the position takes the difference and notes, in the same write, how much it has taken from this order in all;
//   3. the order notes that the position has it.
// A crash between 2 and 3 repeats 2, which the note makes harmless. The order stays in the UNSURE set until 3.
import type { Clock } from '../domain/ids.ts';
import {
  compare,
  type Decimal,
  divide,
  isPositive,
  multiply,
  PRICE_SCALE,
  parseDecimal,
  subtract,
  ZERO,
} from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { type OrderRecord, orderSetOf, type PositionRecord } from '../store/items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { type Fill, fold, type PositionState } from './fold.ts';

const CONFLICTS_MAX = 8;
/** Notes looked at for pruning in one write; each costs a read. There are hardly ever more than one or two. */
const PRUNED_PER_WRITE_MAX = 8;

export type ApplyFills = (order: OrderRecord) => Promise<OrderRecord>;

const amount = (text: string | null | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;

/** What a unit cost; the limit is the best guess where the exchange did not say. */
const unitPrice = (order: OrderRecord): Decimal => amount(order.average_price ?? order.price);

type Taken = { readonly quantity: Decimal; readonly quote: Decimal };

/** What the position has from this order so far: its own note, or what the order itself says was taken. */
function takenBefore(order: OrderRecord, position: PositionRecord | undefined): Taken {
  const note = position?.applied[order.order_id];
  if (note) return { quantity: amount(note.quantity), quote: amount(note.quote) };
  const quantity = amount(order.applied_quantity);
  return { quantity, quote: multiply(quantity, unitPrice(order)) };
}

function stateOf(position: PositionRecord | undefined): PositionState | undefined {
  return (
    position && {
      side: position.side,
      quantity: amount(position.quantity),
      entryPrice: amount(position.entry_price),
      realizedPnl: amount(position.realized_pnl),
      openedAt: position.opened_at,
    }
  );
}

/** The position with what is new of `order`, or undefined when it has everything. Pure. */
export function withFills(
  position: PositionRecord | undefined,
  order: OrderRecord,
  nowMs: number,
): PositionRecord | undefined {
  const before = takenBefore(order, position);
  const total: Taken = {
    quantity: amount(order.filled_quantity),
    quote: multiply(amount(order.filled_quantity), unitPrice(order)),
  };
  if (compare(total.quantity, before.quantity) <= 0) return undefined;
  const quantity = subtract(total.quantity, before.quantity);
  const paid = subtract(total.quote, before.quote);
  const price = isPositive(paid) ? divide(paid, quantity, PRICE_SCALE) : unitPrice(order);
  const fill: Fill = { side: order.side, quantity, price, at: order.updated_at };
  const next = fold(stateOf(position), fill);
  return {
    user_id: order.user_id,
    symbol: order.symbol,
    side: next.side,
    quantity: next.quantity,
    entry_price: next.entryPrice,
    realized_pnl: next.realizedPnl,
    opened_at: next.openedAt,
    updated_at: isoTime(nowMs),
    applied: { ...position?.applied, [order.order_id]: total },
    version: (position?.version ?? 0) + 1,
  };
}

export function createApplyFills(deps: {
  store: Store;
  now: Clock;
  /** Step 3: stores the change to the order, against whoever else changes it. */
  changeOrder: (order: OrderRecord, change: (current: OrderRecord) => OrderRecord | undefined) => Promise<OrderRecord>;
}): ApplyFills {
  const { store, now, changeOrder } = deps;

  /**
   * Drops the notes about other orders that are settled. A partially filled one keeps its note, although it knows what was
   * taken: what that cost is nowhere else. Each write looks at the next few, so that in the end all are looked at.
   */
  async function pruned(position: PositionRecord, keep: string): Promise<PositionRecord> {
    const applied = { ...position.applied };
    const others = Object.keys(applied).filter((orderId) => orderId !== keep);
    const first = (position.version * PRUNED_PER_WRITE_MAX) % (others.length || 1);
    const looked = others.length <= PRUNED_PER_WRITE_MAX ? others : others.slice(first, first + PRUNED_PER_WRITE_MAX);
    for (const orderId of looked) {
      const order = await store.getOrder(position.user_id, orderId);
      if (!order || orderSetOf(order) === 'DONE') delete applied[orderId];
    }
    return { ...position, applied };
  }

  async function takeIntoPosition(order: OrderRecord): Promise<void> {
    for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
      const next = withFills(await store.getPosition(order.user_id, order.symbol), order, now());
      if (!next) return;
      if ((await store.putPosition(await pruned(next, order.order_id))) === 'stored') return;
    }
    throw new StoreUnavailable(
      `the position of ${order.symbol} changed ${CONFLICTS_MAX} times while it was being changed`,
    );
  }

  return async function applyFills(order) {
    await takeIntoPosition(order);
    return changeOrder(order, (current) =>
      current.applied_quantity !== order.filled_quantity &&
      compare(amount(current.applied_quantity), amount(order.filled_quantity)) <= 0
        ? { ...current, applied_quantity: order.filled_quantity, version: current.version + 1 }
        : undefined,
    );
  };
}
