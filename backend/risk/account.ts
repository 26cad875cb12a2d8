// What becomes of an account when orders are reserved for, settle and fill. Pure.
import { add, compare, type Decimal, isPositive, negate, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import type { AccountRecord, Reservation } from '../store/account-items.ts';
import { isApplied, type OrderRecord, type PositionRecord } from '../store/items.ts';
import type { Limits } from './limits.ts';

const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;
const dayOf = (nowMs: number): string => isoTime(nowMs).slice(0, 10);

export function emptyAccount(userId: string, nowMs: number): AccountRecord {
  return {
    user_id: userId,
    state: 'ACTIVE',
    state_reason: null,
    limits: {},
    reservations: {},
    holdings: {},
    day: dayOf(nowMs),
    day_opened: ZERO,
    peak: ZERO,
    drawdown_at: null,
    second: 0,
    second_orders: 0,
    version: 0,
  };
}

/** Realised over all symbols, since the account's positions were first seen. */
export function realizedOf({ holdings }: Pick<AccountRecord, 'holdings'>): Decimal {
  return Object.values(holdings).reduce((sum, { realized_total: total }) => add(sum, amount(total)), ZERO);
}

/** The account at `nowMs`: a new day counts its losses anew, and a drawdown's pause ends. */
export function atTime(account: AccountRecord, limits: Limits, nowMs: number): AccountRecord {
  const day = dayOf(nowMs);
  const today = account.day === day ? account : { ...account, day, day_opened: realizedOf(account) };
  const isOver = today.drawdown_at !== null && nowMs >= Date.parse(today.drawdown_at) + limits.drawdown_pause_ms;
  return isOver ? { ...today, drawdown_at: null, peak: realizedOf(today) } : today;
}

export type Reserving = { readonly orderId: string; readonly reservation: Reservation; readonly replaces?: string };

export function withReservation(account: AccountRecord, reserving: Reserving, nowMs: number): AccountRecord {
  const { orderId, reservation } = reserving;
  const second = Math.floor(nowMs / 1000);
  return {
    ...account,
    reservations: { ...account.reservations, [orderId]: reservation },
    second,
    second_orders: account.second === second ? account.second_orders + 1 : 1,
  };
}

export function withoutReservation(account: AccountRecord, orderId: string): AccountRecord {
  if (!(orderId in account.reservations)) return account;
  const { [orderId]: _gone, ...reservations } = account.reservations;
  return { ...account, reservations };
}

const isFinal = ({ status }: OrderRecord) => status === 'filled' || status === 'cancelled' || status === 'error';

/** What can yet fill of the order and is not in the position: all that its reservation stands for. Zero when it is over. */
function outstandingOf(order: OrderRecord): Decimal {
  if (isFinal(order))
    return isApplied(order) ? ZERO : subtract(amount(order.filled_quantity), amount(order.applied_quantity));
  return subtract(amount(order.quantity), amount(order.applied_quantity));
}

/** The account once it knows how far the order has come; itself when that is nothing new to it. */
export function withOrder(account: AccountRecord, order: OrderRecord): AccountRecord {
  const reservation = account.reservations[order.order_id];
  if (!reservation) return account;
  const outstanding = outstandingOf(order);
  if (!isPositive(outstanding)) return isFinal(order) ? withoutReservation(account, order.order_id) : account;
  if (compare(outstanding, amount(reservation.quantity)) >= 0) return account; // News that comes late shrinks nothing back.
  const reservations = { ...account.reservations, [order.order_id]: { ...reservation, quantity: outstanding } };
  return { ...account, reservations };
}

/** The account once it knows the position; itself when it knows a newer one. Notices a drawdown. */
export function withPosition(
  account: AccountRecord,
  position: PositionRecord,
  { limits, nowMs }: { limits: Limits; nowMs: number },
): AccountRecord {
  const known = account.holdings[position.symbol];
  if (known && known.version >= position.version) return account;
  const quantity = amount(position.quantity);
  const holding = {
    net: position.side === 'long' ? quantity : negate(quantity),
    entry_price: position.entry_price,
    realized_total: position.realized_total ?? ZERO,
    version: position.version,
  };
  const now = atTime(account, limits, nowMs);
  const next = { ...now, holdings: { ...now.holdings, [position.symbol]: holding } };
  const total = realizedOf(next);
  const peak = compare(total, amount(now.peak)) > 0 ? total : now.peak;
  const isFallen = limits.drawdown_max !== null && compare(subtract(amount(peak), total), limits.drawdown_max) >= 0;
  return { ...next, peak, drawdown_at: now.drawdown_at ?? (isFallen ? isoTime(nowMs) : null) };
}
