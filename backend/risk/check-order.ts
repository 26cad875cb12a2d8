// Whether the order is one that the exchange and the limits take, whatever else there is: its symbol, its size, its price, and how
// many there are. Pure.
import { compare, multiply, subtract } from '../domain/money.ts';
import { unknownSymbol, violationOf } from '../exchange/symbol-rules.ts';
import { denied } from './denial.ts';
import { type Check, exceeds, netOf, type ProposedOrder, reduces, reservedOf, unitValueOf } from './facts.ts';
import type { Limits } from './limits.ts';

/** Whether any limit needs the last price for such an order: asking for it may cost a call to the exchange. */
export function needsPrice({ price }: Pick<ProposedOrder, 'price'>, limits: Limits): boolean {
  if (limits.price_collar !== null) return true;
  const ofValue = [
    limits.order_value_min,
    limits.order_value_max,
    limits.position_value_max,
    limits.exposure_value_max,
    limits.balance_buffer,
  ];
  return price === null && (limits.self_trade === 'deny' || ofValue.some((limit) => limit !== null));
}

export const checkSymbol: Check = ({ symbol }, { limits }) =>
  limits.symbols === null || limits.symbols.includes(symbol) ? undefined : denied('SYMBOL_NOT_ALLOWED', { symbol });

export const checkRules: Check = (order, { rules, lastPrice, isOpening }) => {
  if (rules.kind === 'unknown') return undefined;
  const { symbol } = order;
  const isUnknown = rules.kind === 'rejected' && rules.reason === 'unknown_symbol' && !isOpening;
  const violation =
    rules.kind === 'rules'
      ? violationOf(order, isOpening ? { ...rules.rules, isTraded: true } : rules.rules, lastPrice)
      : isUnknown
        ? unknownSymbol(symbol, rules)
        : undefined;
  return violation && { kind: 'denied', ...violation, context: { symbol, ...violation.context } };
};

export const checkReduceOnly: Check = (order, facts) =>
  order.reduceOnly && !reduces(order, facts)
    ? denied('REDUCE_ONLY_WOULD_INCREASE_POSITION', {
        position: netOf(facts, order.symbol),
        reserved: reservedOf(facts, order.symbol, order.side),
      })
    : undefined;

export const checkMarketData: Check = (order, { limits, lastPrice }) =>
  lastPrice === undefined && needsPrice(order, limits)
    ? denied('MARKET_DATA_STALE', { symbol: order.symbol })
    : undefined;

export const checkSize: Check = (order, facts) => {
  const { limits } = facts;
  const { quantity } = order;
  if (limits.order_quantity_max !== null && exceeds(quantity, limits.order_quantity_max)) {
    return denied('QUANTITY_EXCEEDS_MAXIMUM', { quantity, maximum: limits.order_quantity_max });
  }
  const value = order.quoteQuantity ?? multiply(quantity, unitValueOf(order, facts));
  if (limits.order_value_min !== null && compare(value, limits.order_value_min) < 0) {
    return denied('NOTIONAL_BELOW_MINIMUM', { value, minimum: limits.order_value_min });
  }
  if (limits.order_value_max !== null && exceeds(value, limits.order_value_max)) {
    return denied('NOTIONAL_EXCEEDS_MAX_PER_ORDER', { value, maximum: limits.order_value_max });
  }
  return undefined;
};

/** Only the dangerous side: buying far above the last price, or selling far below it. */
export const checkCollar: Check = ({ side, price }, { limits, lastPrice }) => {
  if (limits.price_collar === null || price === null || lastPrice === undefined) return undefined;
  const beyond = side === 'BUY' ? subtract(price, lastPrice) : subtract(lastPrice, price);
  const allowed = multiply(lastPrice, limits.price_collar);
  return exceeds(beyond, allowed)
    ? denied('PRICE_OUTSIDE_COLLAR', { price, last_price: lastPrice, collar: limits.price_collar })
    : undefined;
};

export const checkCounts: Check = (_order, { account, limits, nowMs }) => {
  const open = Object.keys(account.reservations).length;
  if (open >= limits.open_orders_max) {
    return denied('OPEN_ORDERS_EXCEED_MAXIMUM', { open: `${open}`, maximum: `${limits.open_orders_max}` });
  }
  const inSecond = account.second === Math.floor(nowMs / 1000) ? account.second_orders : 0;
  if (limits.orders_per_second_max !== null && inSecond >= limits.orders_per_second_max) {
    return denied('RATE_LIMIT_EXCEEDED', { orders: `${inSecond}`, maximum: `${limits.orders_per_second_max}` });
  }
  return undefined;
};
