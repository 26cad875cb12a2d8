// What a target's audit trail tells of its orders, and of the balances that they leave.
import type { Balances } from '../balances/balances.ts';
import { decimalOf, isPositive, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import type { OrderDeps } from '../orders/deps.ts';
import type { Denial } from '../risk/denial.ts';
import type { OrderRecord } from '../store/items.ts';
import type { TargetRecord } from '../store/sniper-items.ts';
import type { Happened } from './state.ts';

/** A change of a target does not wait longer than this for what its trail tells of the balances, ms. */
const BALANCES_WAIT_MS = 500;

export const hasEnded = ({ status }: OrderRecord): boolean =>
  status === 'filled' || status === 'cancelled' || status === 'error';

export const hasFilled = ({ filled_quantity: filled }: OrderRecord): boolean =>
  isPositive(parseDecimal(filled) ?? ZERO);

/** Of an order that has ended: whether the exchange took it, what filled, and what it took back. */
export function orderEvents(order: OrderRecord): readonly Happened[] {
  const { status, side, quantity, order_id: id, filled_quantity: filled, average_price: price } = order;
  if (status === 'error' && !hasFilled(order)) return [];
  const events: Happened[] = [['order_placed', `${side} ${quantity}, order ${id}`]];
  if (hasFilled(order)) events.push(['order_filled', `${filled} at ${price ?? 'a price that is not known'}`]);
  if (status === 'cancelled') {
    events.push(['order_cancelled', `${subtract(decimalOf(quantity), decimalOf(filled))} of order ${id}`]);
  }
  return events;
}

/** Of an order that risk denied: whether it was for what is free in the account. */
export function denialEvents({ reason, context }: Denial): readonly Happened[] {
  if (reason !== 'NOTIONAL_EXCEEDS_FREE_BALANCE') return [];
  return [['balance_check_blocked', `${context.cost} ${context.asset} needed, ${context.free} free`]];
}

/** What the account has free once the order has filled; nothing where that cannot be told in time. Never rejects. */
export type BalanceEvents = (target: TargetRecord, order: OrderRecord) => Promise<readonly Happened[]>;

export type BalanceEventDeps = Pick<OrderDeps, 'exchange' | 'hasOwnAccount'> & {
  readonly balances: Pick<Balances, 'ask'>;
};

export function createBalanceEvents({ exchange, hasOwnAccount, balances }: BalanceEventDeps): BalanceEvents {
  async function asked({ user_id: userId, symbol }: TargetRecord): Promise<readonly Happened[]> {
    const account = (await hasOwnAccount(userId)) ? userId : undefined;
    const [found, known] = await Promise.all([exchange.rules(symbol), balances.ask(account)]);
    if (found.kind !== 'rules' || known.kind !== 'funds') return [];
    const { baseAsset, quoteAsset } = found.rules;
    const free = (asset: string) => `${known.funds.byAsset.get(asset)?.free ?? ZERO} ${asset}`;
    return [['balance_updated', `${free(baseAsset)} and ${free(quoteAsset)} free`]];
  }

  return async function told(target, order) {
    if (!hasEnded(order) || !hasFilled(order)) return [];
    const late = Promise.withResolvers<readonly Happened[]>();
    const timer = setTimeout(late.resolve, BALANCES_WAIT_MS, []);
    try {
      // It is for the trail only: a store that is away must not keep the target from being told that it bought.
      return await Promise.race([asked(target).catch(() => []), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
