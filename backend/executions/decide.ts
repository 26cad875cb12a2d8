// What an execution does next. Pure: the record and its children's orders in, the changed record out.
import { childOrderId, parseOrderId } from '../domain/ids.ts';
import { add, compare, type Decimal, isPositive, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { ExecutionChild, ExecutionRecord } from '../store/execution-items.ts';
import type { OrderRecord } from '../store/items.ts';

/** Children in a row that the exchange would not take: the rest is too small, or something is wrong for good. */
const REFUSALS_MAX = 5;
/** The next try after a refusal, ms; doubles with each. */
const RETRY_MS = 1000;
/** An order that is not in the store this long after it was written down is not being placed by anybody any more, ms. */
const PLACING_MS = 30_000;

const amount = (text: string): Decimal => parseDecimal(text) ?? ZERO;
const sumOf = (texts: readonly string[]): Decimal => texts.map(amount).reduce(add, ZERO);
const isFinal = ({ status }: OrderRecord) => status === 'filled' || status === 'cancelled' || status === 'error';

export type Orders = ReadonlyMap<string, OrderRecord>;

function changed(execution: ExecutionRecord, change: Partial<ExecutionRecord>, nowMs: number): ExecutionRecord {
  return { ...execution, ...change, updated_at: isoTime(nowMs), version: execution.version + 1 };
}

/** What neither has filled nor rests with a child. */
export function remainingOf({ quantity, filled_quantity, live }: ExecutionRecord): Decimal {
  return subtract(subtract(amount(quantity), amount(filled_quantity)), sumOf(live.map((child) => child.quantity)));
}

/** The execution once it has taken in the children that have ended; undefined when none has. */
function withEnded(execution: ExecutionRecord, orders: Orders, nowMs: number): ExecutionRecord | undefined {
  const ended = execution.live.flatMap(({ order_id: id }) => {
    const order = orders.get(id);
    return order && isFinal(order) ? [order] : [];
  });
  if (ended.length === 0) return undefined;
  const filled = sumOf(ended.map((order) => order.filled_quantity));
  const refused = ended.filter((order) => order.status === 'error');
  const refusals = refused.length === 0 ? 0 : execution.refusals + refused.length;
  const waitMs = refusals === 0 ? 0 : RETRY_MS * 2 ** Math.min(refusals - 1, REFUSALS_MAX);
  const notBefore = Math.max(Date.parse(execution.not_before), refusals === 0 ? 0 : nowMs + waitMs);
  const change = {
    live: execution.live.filter((child) => !ended.some((order) => order.order_id === child.order_id)),
    filled_quantity: add(amount(execution.filled_quantity), filled),
    refusals,
    reason: refused.at(-1)?.submission?.detail ?? null,
    not_before: isoTime(notBefore),
  };
  return changed(execution, change, nowMs);
}

/** A child that was written down and never came into the store, of an execution that is to end. */
function withoutUnplaced(execution: ExecutionRecord, orders: Orders, nowMs: number): ExecutionRecord | undefined {
  const live = execution.live.filter(({ order_id: id, at }) => orders.has(id) || nowMs - Date.parse(at) < PLACING_MS);
  return live.length === execution.live.length ? undefined : changed(execution, { live }, nowMs);
}

function nextChild(execution: ExecutionRecord, nowMs: number): ExecutionRecord | undefined {
  const { plan, live, children_count: index } = execution;
  if (nowMs < Date.parse(execution.not_before)) return undefined;
  if (plan.kind === 'iceberg' && live.length > 0) return undefined;
  const remaining = remainingOf(execution);
  const parent = parseOrderId(execution.execution_id);
  if (!isPositive(remaining) || !parent) return undefined;
  const size = amount(plan.kind === 'iceberg' ? plan.display_quantity : plan.slice_quantity);
  const quantity = compare(size, remaining) < 0 ? size : remaining;
  const child: ExecutionChild = { order_id: childOrderId(parent, index), quantity, at: isoTime(nowMs) };
  // From now on and not from its time: after a stop the missed ones do not all come at once.
  const notBefore = plan.kind === 'twap' ? isoTime(nowMs + plan.interval_ms) : execution.not_before;
  return changed(execution, { live: [...live, child], children_count: index + 1, not_before: notBefore }, nowMs);
}

/** The execution's next state, to be stored before anything else is done; undefined when there is nothing to store now. */
export function advanced(execution: ExecutionRecord, orders: Orders, nowMs: number): ExecutionRecord | undefined {
  const ended = withEnded(execution, orders, nowMs);
  if (ended) return ended;
  if (execution.status === 'cancelling') {
    if (execution.live.length === 0) return changed(execution, { status: 'cancelled' }, nowMs);
    return withoutUnplaced(execution, orders, nowMs);
  }
  if (execution.refusals >= REFUSALS_MAX && execution.live.length === 0) {
    return changed(execution, { status: 'failed' }, nowMs);
  }
  const isFilled = compare(amount(execution.filled_quantity), amount(execution.quantity)) >= 0;
  if (isFilled && execution.live.length === 0) return changed(execution, { status: 'completed' }, nowMs);
  return execution.refusals >= REFUSALS_MAX ? undefined : nextChild(execution, nowMs);
}

/** The execution on its way to its end; undefined when it has come there, or is on that way. */
export function cancelling(execution: ExecutionRecord, nowMs: number): ExecutionRecord | undefined {
  return execution.status === 'running' ? changed(execution, { status: 'cancelling' }, nowMs) : undefined;
}
