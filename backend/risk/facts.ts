// What an order is decided on: the order that is wanted, everything known of its user and its symbol, and what follows from both
// together. Pure.
import type { Funds } from '../balances/balances.ts';
import { add, compare, type Decimal, negate, parseDecimal, ZERO } from '../domain/money.ts';
import type { OrderType, RulesResult } from '../exchange/exchange.ts';
import type { AccountRecord, Reservation, TradingState } from '../store/account-items.ts';
import type { Side } from '../store/items.ts';
import type { Denial } from './denial.ts';
import type { Limits } from './limits.ts';

export type ProposedOrder = {
  readonly symbol: string;
  readonly side: Side;
  readonly orderType: OrderType;
  readonly quantity: Decimal;
  /** What a market buy is to spend, where it is sized so. */
  readonly quoteQuantity?: Decimal;
  /** Null at market. */
  readonly price: Decimal | null;
  /** Denied rather than let the position grow or turn. */
  readonly reduceOnly: boolean;
};

export type Proposal = {
  readonly userId: string;
  readonly orderId: string;
  readonly order: ProposedOrder;
  /** The order whose place this one takes: it no longer counts. */
  readonly replaces?: string;
  /** Trading in the symbol is about to begin: that it is not published as traded yet is no reason to deny. */
  readonly isOpening?: boolean;
};

export type Facts = {
  readonly limits: Limits;
  /** As of now: of the order that this one takes the place of there is no reservation any more. */
  readonly account: AccountRecord;
  /** The strictest of the states that hold for the user, and why it is what it is. */
  readonly state: TradingState;
  readonly stateReason: string;
  /** The backend has started, and what has become of the user's orders meanwhile is not known yet. */
  readonly isReconciling: boolean;
  /** Why the exchange as a whole is not to be sent orders now. */
  readonly openCircuit: string | undefined;
  /** What the exchange publishes of the symbol. What it does not tell now is left to it: it has the last word. */
  readonly rules: RulesResult;
  /** Trading in the symbol is about to begin: whether it has, the exchange says. */
  readonly isOpening: boolean;
  /** Undefined when nobody could say, or was not asked since nothing depends on it. */
  readonly lastPrice: Decimal | undefined;
  /** Of the account that the order goes out with; undefined when nobody could say, or was not asked. The exchange has the last word. */
  readonly funds: Funds | undefined;
  readonly nowMs: number;
};

/** One reason to say no, or undefined. */
export type Check = (order: ProposedOrder, facts: Facts) => Denial | undefined;

export const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;
export const exceeds = (value: Decimal, limit: Decimal | null): boolean => limit !== null && compare(value, limit) > 0;
export const magnitude = (value: Decimal): Decimal => (compare(value, ZERO) < 0 ? negate(value) : value);

/** What one unit counts for: the limit, or the last price at market, or nothing where no limit asks. */
export const unitValueOf = ({ price }: ProposedOrder, { lastPrice }: Facts): Decimal => price ?? lastPrice ?? ZERO;

export const reservationsOf = ({ account }: Facts): readonly Reservation[] => Object.values(account.reservations);
export const netOf = ({ account }: Facts, symbol: string): Decimal => amount(account.holdings[symbol]?.net);

/** What open orders of one side can still add to the position in `symbol`. */
export function reservedOf(facts: Facts, symbol: string, side: Side): Decimal {
  const same = reservationsOf(facts).filter((each) => each.symbol === symbol && each.side === side);
  return same.reduce((sum, { quantity }) => add(sum, amount(quantity)), ZERO);
}

/** Whether the order, with all others of its side filled before it, only makes the position smaller. */
export function reduces(order: ProposedOrder, facts: Facts): boolean {
  const net = netOf(facts, order.symbol);
  const isAgainst = compare(net, ZERO) * (order.side === 'BUY' ? 1 : -1) < 0;
  const all = add(reservedOf(facts, order.symbol, order.side), order.quantity);
  return isAgainst && compare(all, magnitude(net)) <= 0;
}
