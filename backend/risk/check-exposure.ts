// What the order adds to what its user holds and has under way: positions, balances, orders that it would meet. Pure.
import { add, compare, type Decimal, decimalOf, isPositive, multiply, negate, ZERO } from '../domain/money.ts';
import type { Side } from '../store/items.ts';
import { denied } from './denial.ts';
import {
  amount,
  type Check,
  exceeds,
  type Facts,
  magnitude,
  netOf,
  type ProposedOrder,
  reduces,
  reservationsOf,
  reservedOf,
  unitValueOf,
} from './facts.ts';
import { type Cost, costOf, freeOf, isShort } from './funds.ts';

const signed = (side: Side, quantity: Decimal): Decimal => (side === 'BUY' ? quantity : negate(quantity));
const larger = (a: Decimal, b: Decimal): Decimal => (compare(a, b) >= 0 ? a : b);

/** The most that a position can come to be worth, either way, were all open orders of one side to fill. */
function worstValue(facts: Facts, symbol: string, unitValue: Decimal, added: { side: Side; quantity: Decimal } | null) {
  const net = netOf(facts, symbol);
  const reached = (side: Side) => {
    const own = added?.side === side ? added.quantity : ZERO;
    return magnitude(add(net, signed(side, add(reservedOf(facts, symbol, side), own))));
  };
  return multiply(larger(reached('BUY'), reached('SELL')), unitValue);
}

/** What units of a symbol without an order of its own count for: the dearest that is known of them. */
function knownValue(facts: Facts, symbol: string): Decimal {
  const values = reservationsOf(facts).flatMap((each) => (each.symbol === symbol ? [amount(each.unit_value)] : []));
  return values.reduce(larger, amount(facts.account.holdings[symbol]?.entry_price));
}

export const checkExposure: Check = (order, facts) => {
  const { account, limits } = facts;
  if (limits.position_value_max === null && limits.exposure_value_max === null) return undefined;
  if (reduces(order, facts)) return undefined;
  const { symbol, side, quantity } = order;
  const own = worstValue(facts, symbol, unitValueOf(order, facts), { side, quantity });
  if (limits.position_value_max !== null && exceeds(own, limits.position_value_max)) {
    return denied('POSITION_EXCEEDS_MAXIMUM', { value: own, maximum: limits.position_value_max });
  }
  if (limits.exposure_value_max === null) return undefined;
  const symbols = new Set([...Object.keys(account.holdings), ...reservationsOf(facts).map((each) => each.symbol)]);
  symbols.delete(symbol);
  const others = [...symbols].map((each) => worstValue(facts, each, knownValue(facts, each), null));
  const value = others.reduce(add, own);
  return exceeds(value, limits.exposure_value_max)
    ? denied('EXPOSURE_EXCEEDS_MAXIMUM', { value, maximum: limits.exposure_value_max })
    : undefined;
};

export const checkSelfTrade: Check = (order, facts) => {
  if (facts.limits.self_trade === 'allow') return undefined;
  const price = order.price ?? facts.lastPrice;
  if (price === undefined) return undefined;
  const meets = reservationsOf(facts).some((other) => {
    if (other.symbol !== order.symbol || other.side === order.side || !isPositive(amount(other.quantity))) return false;
    if (other.price === null) return true;
    const sign = order.side === 'BUY' ? 1 : -1;
    return compare(price, amount(other.price)) * sign >= 0;
  });
  return meets ? denied('SELF_TRADE', { symbol: order.symbol }) : undefined;
};

/** What the order takes of the account, where a limit asks and the symbol's assets are known. */
export function costIn(order: ProposedOrder, facts: Facts): Cost | undefined {
  const { limits, rules } = facts;
  if (limits.balance_buffer === null || rules.kind !== 'rules') return undefined;
  return costOf({ ...order, unitValue: unitValueOf(order, facts) }, rules.rules, decimalOf(limits.balance_buffer));
}

export const checkBalance: Check = (order, facts) => {
  const cost = costIn(order, facts);
  if (!cost || !facts.funds) return undefined;
  const free = freeOf(facts.funds, cost.asset, facts.account.reservations);
  return isShort(cost, free)
    ? denied('NOTIONAL_EXCEEDS_FREE_BALANCE', { asset: cost.asset, cost: cost.amount, free })
    : undefined;
};
