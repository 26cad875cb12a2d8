// Getting out of what a target bought, by its take profit or stop loss. Pure; each step is stored before it is done, and each
// sale's id is always the same, so that every instance may work at it and a restart loses nothing.
import { childOrderId, parseOrderId } from '../domain/ids.ts';
import {
  add,
  compare,
  type Decimal,
  decimalOf,
  isPositive,
  multiply,
  parseDecimal,
  subtract,
  ZERO,
} from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { Denial } from '../risk/denial.ts';
import type { OrderRecord } from '../store/items.ts';
import type { TargetExit, TargetRecord } from '../store/sniper-items.ts';
import { changed, type Happened } from './state.ts';
import { denialEvents, hasEnded, orderEvents } from './trail.ts';

/** Sales tried: then somebody has to look. */
const SALES_MAX = 20;
/** The next one after one that came to nothing, ms; doubles up to the most. */
const RETRY_MS = 1000;
const RETRY_MOST_MS = 30_000;
/** Numbers of sales' ids, behind those of the attempts at buying. */
const FIRST_SALE = 100;

const ONE = decimalOf('1');
const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;

export const leftToSell = ({ holding, exit }: Pick<TargetRecord, 'holding' | 'exit'>): Decimal =>
  subtract(amount(holding?.quantity), amount(exit?.sold));

/** Which of the two the price sets off, if any. */
export function triggeredBy(target: TargetRecord, price: Decimal): 'take_profit' | 'stop_loss' | undefined {
  const paid = amount(target.holding?.average_price);
  const { take_profit: profit, stop_loss: loss } = target;
  if (profit !== null && compare(price, multiply(paid, add(ONE, decimalOf(profit)))) >= 0) return 'take_profit';
  if (loss !== null && compare(price, multiply(paid, subtract(ONE, decimalOf(loss)))) <= 0) return 'stop_loss';
  return undefined;
}

/** The sale numbered `index`. */
function sale(
  target: TargetRecord,
  index: number,
  notBeforeMs: number,
): Pick<TargetExit, 'index' | 'order_id' | 'not_before'> {
  const parent = parseOrderId(target.target_id);
  if (!parent) throw new Error(`${target.target_id} is no id of a target`);
  return { index, order_id: childOrderId(parent, FIRST_SALE + index), not_before: isoTime(notBeforeMs) };
}

/** A watched target at a price; undefined while that sets nothing off. */
export function triggered(target: TargetRecord, price: Decimal, nowMs: number): TargetRecord | undefined {
  const trigger = triggeredBy(target, price);
  if (!trigger || !target.exit) return undefined;
  const exit: TargetExit = { ...target.exit, status: 'closing', trigger, ...sale(target, 0, nowMs) };
  return changed(target, { exit }, nowMs, [`${trigger}_triggered`, `at ${price}`]);
}

/** The target with what a sale, of which `how` is told, brought in: closed, or on to the next for what is left. */
export function sold(
  target: TargetRecord,
  { quantity, quote }: { readonly quantity: Decimal; readonly quote: Decimal },
  nowMs: number,
  how: readonly Happened[] = [],
): TargetRecord {
  const { exit } = target;
  if (!exit) throw new Error('a target without an exit sold something');
  const next: TargetExit = {
    ...exit,
    sold: add(amount(exit.sold), quantity),
    proceeds: add(amount(exit.proceeds), quote),
  };
  if (!isPositive(leftToSell({ ...target, exit: next }))) {
    const closed = ['exit_closed', `for ${next.proceeds}`] as const;
    return changed(target, { exit: { ...next, status: 'closed' } }, nowMs, ...how, closed);
  }
  const index = exit.index + 1;
  if (index >= SALES_MAX) {
    const why = `${SALES_MAX} sales came to too little; the rest is to be sold by hand`;
    return changed(target, { exit: { ...next, status: 'failed' } }, nowMs, ...how, ['execution_error', why]);
  }
  const waitMs = isPositive(quantity) ? 0 : Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** exit.index);
  return changed(target, { exit: { ...next, ...sale(target, index, nowMs + waitMs) } }, nowMs, ...how);
}

/** A target whose sale has ended, and then `also` happened; undefined while it has not. */
export function afterSale(
  target: TargetRecord,
  order: OrderRecord,
  nowMs: number,
  also: readonly Happened[] = [],
): TargetRecord | undefined {
  if (!hasEnded(order)) return undefined;
  const quantity = amount(order.filled_quantity);
  const quote = multiply(quantity, amount(order.average_price ?? '0'));
  return sold(target, { quantity, quote }, nowMs, [...orderEvents(order), ...also]);
}

/** A target whose sale was denied, and is tried again; undefined where its trail says so already, or has nothing to say of it. */
export function heldBack(target: TargetRecord, denial: Denial, nowMs: number): TargetRecord | undefined {
  const events = denialEvents(denial);
  const [last] = target.events.slice(-1);
  return events.length === 0 || last?.event === events[0]?.[0] ? undefined : changed(target, {}, nowMs, ...events);
}
