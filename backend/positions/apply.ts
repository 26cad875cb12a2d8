// Taking an order's fills into its user's position exactly once, over several items and no transaction:
//   1. the order says how much has filled (written before we are called);
//   2. the difference is appended to the fill log, whose entries are numbered: of two writers one gets the number;
//   3. the position becomes its fold with that entry, and notes, in the same write, what it has taken from the order in all;
//   4. the order notes that the position has it.
// A crash after 2 leaves an entry that the position does not hold yet: whoever comes next takes that one in first. A crash
// after 3 repeats 2, which the note makes harmless. The order stays in the UNSURE set until 4.
import { largest } from '../domain/by-asset.ts';
import { createInTurn } from '../domain/in-turn.ts';
import { compare, type Decimal, parseDecimal, ZERO } from '../domain/money.ts';
import type { FillRecord } from '../store/fill-items.ts';
import { type OrderRecord, orderSetOf, type PositionRecord } from '../store/items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { entryFor, withEntry } from './log.ts';

/** Rounds of one order: its own entry, an opening, those that others left, and writers that were faster. */
const ROUNDS_MAX = 16;
/** Notes looked at for pruning in one write; each costs a read. There are hardly ever more than one or two. */
const PRUNED_PER_WRITE_MAX = 8;

export type ApplyFills = (order: OrderRecord) => Promise<OrderRecord>;

const amount = (text: string): Decimal => parseDecimal(text) ?? ZERO;
/** The larger of two; where they are worth the same, `b` letter for letter. */
const larger = (a: string, b: string): string => (compare(amount(a), amount(b)) > 0 ? a : b);

export function createApplyFills(deps: {
  store: Store;
  /** Step 4: stores the change to the order, against whoever else changes it. */
  changeOrder: (order: OrderRecord, change: (current: OrderRecord) => OrderRecord | undefined) => Promise<OrderRecord>;
  /** Hears of the position as it is in the store now. */
  onPosition: (position: PositionRecord) => void;
}): ApplyFills {
  const { store, changeOrder, onPosition } = deps;
  const inTurn = createInTurn();

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

  /** Appends the entry, or answers the one that has its number already. */
  async function appended(entry: FillRecord): Promise<FillRecord> {
    if ((await store.appendFill(entry)) === 'stored') return entry;
    const present = await store.getFill(entry.user_id, entry.symbol, entry.seq);
    if (!present) throw new StoreUnavailable(`entry ${entry.seq} of the fills of ${entry.symbol} is gone`);
    return present;
  }

  /**
   * The order as it is by now, where the position has no note of it: then the order itself says what was taken, and the one we
   * were given may be older than the note that is gone. To be asked after the position was read: a note goes only once its order
   * says the same.
   */
  async function currentOf(order: OrderRecord, position: PositionRecord | undefined): Promise<OrderRecord> {
    if (position?.applied[order.order_id]) return order;
    const current = (await store.getOrder(order.user_id, order.order_id)) ?? order;
    const { applied_quantity, applied_fee, applied_other_fees } = current;
    return {
      ...order,
      applied_quantity,
      ...(applied_fee === undefined ? {} : { applied_fee }),
      ...(applied_other_fees && { applied_other_fees }),
    };
  }

  async function takeIntoPosition(order: OrderRecord): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const position = await store.getPosition(order.user_id, order.symbol);
      const wanted = entryFor(position, await currentOf(order, position));
      if (!wanted) {
        if (position) onPosition(position);
        return;
      }
      const entry = await appended(wanted);
      const next = await pruned(withEntry(position, entry), order.order_id);
      const stored = (await store.putPosition(next)) === 'stored';
      if (stored && entry === wanted && entry.kind === 'fill') return onPosition(next);
    }
    throw new StoreUnavailable(
      `the position of ${order.symbol} changed ${ROUNDS_MAX} times while it was being changed`,
    );
  }

  async function applyOne(order: OrderRecord): Promise<OrderRecord> {
    await takeIntoPosition(order);
    return changeOrder(order, (current) => {
      const appliedQuantity = larger(current.applied_quantity, order.filled_quantity);
      const appliedFee = larger(current.applied_fee ?? order.fee, order.fee);
      const appliedOtherFees = largest(current.applied_other_fees, order.other_fees ?? {});
      const isKnown =
        current.applied_quantity === appliedQuantity &&
        (current.applied_fee ?? order.fee) === appliedFee &&
        current.applied_other_fees === appliedOtherFees;
      if (isKnown) return undefined;
      return {
        ...current,
        applied_quantity: appliedQuantity,
        applied_fee: appliedFee,
        ...(appliedOtherFees && { applied_other_fees: appliedOtherFees }),
        version: current.version + 1,
      };
    });
  }

  return (order) => inTurn(JSON.stringify([order.user_id, order.symbol]), () => applyOne(order));
}
