// Whether an order may be sent, by everything known of its user: the checks in their order. Pure.
import type { Funds } from '../balances/balances.ts';
import {
  add,
  compare,
  type Decimal,
  decimalOf,
  isPositive,
  multiply,
  negate,
  parseDecimal,
  subtract,
  ZERO,
} from '../domain/money.ts';
import type { OrderType, Rejection, RulesResult } from '../exchange/exchange.ts';
import { type RuleReason, unknownSymbol, violationOf } from '../exchange/symbol-rules.ts';
import type { AccountRecord, Reservation, TradingState } from '../store/account-items.ts';
import type { Side } from '../store/items.ts';
import { realizedOf } from './account.ts';
import { type Cost, costOf, freeOf, isShort } from './funds.ts';
import type { Limits } from './limits.ts';

/** Why an order was denied; a part of the API. What an exchange refuses is another matter. */
export type DenialReason =
  | RuleReason
  | 'QUANTITY_CONVERSION_FAILED'
  | 'TRADING_HALTED'
  | 'TRADING_STATE_REDUCING'
  | 'RECONCILING'
  | 'CIRCUIT_OPEN'
  | 'DAILY_LOSS_EXCEEDS_MAXIMUM'
  | 'DRAWDOWN_EXCEEDS_MAXIMUM'
  | 'SYMBOL_NOT_ALLOWED'
  | 'REDUCE_ONLY_WOULD_INCREASE_POSITION'
  | 'MARKET_DATA_STALE'
  | 'QUANTITY_EXCEEDS_MAXIMUM'
  | 'NOTIONAL_EXCEEDS_MAX_PER_ORDER'
  | 'PRICE_OUTSIDE_COLLAR'
  | 'OPEN_ORDERS_EXCEED_MAXIMUM'
  | 'RATE_LIMIT_EXCEEDED'
  | 'POSITION_EXCEEDS_MAXIMUM'
  | 'EXPOSURE_EXCEEDS_MAXIMUM'
  | 'NOTIONAL_EXCEEDS_FREE_BALANCE'
  | 'SELF_TRADE';

/**
 * The answer "no": not an error. `context` is what was compared, by name; `rejection` is there where a published rule of the
 * exchange says no, and is what the exchange would have answered.
 */
export type Denial = {
  readonly kind: 'denied';
  readonly reason: DenialReason;
  readonly context: Readonly<Record<string, string>>;
  readonly rejection?: Rejection;
};

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

type Check = (order: ProposedOrder, facts: Facts) => Denial | undefined;

const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;
const exceeds = (value: Decimal, limit: Decimal | null): boolean => limit !== null && compare(value, limit) > 0;
const signed = (side: Side, quantity: Decimal): Decimal => (side === 'BUY' ? quantity : negate(quantity));
const magnitude = (value: Decimal): Decimal => (compare(value, ZERO) < 0 ? negate(value) : value);
const larger = (a: Decimal, b: Decimal): Decimal => (compare(a, b) >= 0 ? a : b);

function denied(reason: DenialReason, context: Denial['context'] = {}): Denial {
  return { kind: 'denied', reason, context };
}

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

/** What one unit counts for: the limit, or the last price at market, or nothing where no limit asks. */
export const unitValueOf = ({ price }: ProposedOrder, { lastPrice }: Facts): Decimal => price ?? lastPrice ?? ZERO;

/** What the order takes of the account, where a limit asks and the symbol's assets are known. */
export function costIn(order: ProposedOrder, facts: Facts): Cost | undefined {
  const { limits, rules } = facts;
  if (limits.balance_buffer === null || rules.kind !== 'rules') return undefined;
  return costOf({ ...order, unitValue: unitValueOf(order, facts) }, rules.rules, decimalOf(limits.balance_buffer));
}

const reservationsOf = ({ account }: Facts): readonly Reservation[] => Object.values(account.reservations);
const netOf = ({ account }: Facts, symbol: string): Decimal => amount(account.holdings[symbol]?.net);

/** What open orders of one side can still add to the position in `symbol`. */
function reservedOf(facts: Facts, symbol: string, side: Side): Decimal {
  const same = reservationsOf(facts).filter((each) => each.symbol === symbol && each.side === side);
  return same.reduce((sum, { quantity }) => add(sum, amount(quantity)), ZERO);
}

/** Whether the order, with all others of its side filled before it, only makes the position smaller. */
function reduces(order: ProposedOrder, facts: Facts): boolean {
  const net = netOf(facts, order.symbol);
  const isAgainst = compare(net, ZERO) * (order.side === 'BUY' ? 1 : -1) < 0;
  const all = add(reservedOf(facts, order.symbol, order.side), order.quantity);
  return isAgainst && compare(all, magnitude(net)) <= 0;
}

const checkState: Check = (order, facts) => {
  const { state, stateReason } = facts;
  if (state === 'HALTED') return denied('TRADING_HALTED', { why: stateReason });
  if (state === 'REDUCING' && !reduces(order, facts)) return denied('TRADING_STATE_REDUCING', { why: stateReason });
  return undefined;
};

const checkReconciling: Check = (_order, { isReconciling }) => (isReconciling ? denied('RECONCILING') : undefined);

const checkCircuit: Check = (_order, { openCircuit }) =>
  openCircuit === undefined ? undefined : denied('CIRCUIT_OPEN', { circuit: openCircuit });

const checkLosses: Check = (order, facts) => {
  const { account, limits, nowMs } = facts;
  if (reduces(order, facts)) return undefined; // Whoever has lost too much must still be able to get out.
  const total = realizedOf(account);
  const lost = subtract(amount(account.day_opened), total);
  if (limits.daily_loss_max !== null && compare(lost, limits.daily_loss_max) >= 0) {
    return denied('DAILY_LOSS_EXCEEDS_MAXIMUM', { lost, maximum: limits.daily_loss_max });
  }
  if (limits.drawdown_max === null || account.drawdown_at === null) return undefined;
  const untilMs = Date.parse(account.drawdown_at) + limits.drawdown_pause_ms;
  if (nowMs >= untilMs) return undefined;
  const context = { below: subtract(amount(account.peak), total), maximum: limits.drawdown_max };
  return denied('DRAWDOWN_EXCEEDS_MAXIMUM', { ...context, until: new Date(untilMs).toISOString() });
};

const checkSymbol: Check = ({ symbol }, { limits }) =>
  limits.symbols === null || limits.symbols.includes(symbol) ? undefined : denied('SYMBOL_NOT_ALLOWED', { symbol });

const checkRules: Check = (order, { rules, lastPrice, isOpening }) => {
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

const checkReduceOnly: Check = (order, facts) =>
  order.reduceOnly && !reduces(order, facts)
    ? denied('REDUCE_ONLY_WOULD_INCREASE_POSITION', {
        position: netOf(facts, order.symbol),
        reserved: reservedOf(facts, order.symbol, order.side),
      })
    : undefined;

const checkMarketData: Check = (order, { limits, lastPrice }) =>
  lastPrice === undefined && needsPrice(order, limits)
    ? denied('MARKET_DATA_STALE', { symbol: order.symbol })
    : undefined;

const checkSize: Check = (order, facts) => {
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
const checkCollar: Check = ({ side, price }, { limits, lastPrice }) => {
  if (limits.price_collar === null || price === null || lastPrice === undefined) return undefined;
  const beyond = side === 'BUY' ? subtract(price, lastPrice) : subtract(lastPrice, price);
  const allowed = multiply(lastPrice, limits.price_collar);
  return exceeds(beyond, allowed)
    ? denied('PRICE_OUTSIDE_COLLAR', { price, last_price: lastPrice, collar: limits.price_collar })
    : undefined;
};

const checkCounts: Check = (_order, { account, limits, nowMs }) => {
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

const checkExposure: Check = (order, facts) => {
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

const checkSelfTrade: Check = (order, facts) => {
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

const checkBalance: Check = (order, facts) => {
  const cost = costIn(order, facts);
  if (!cost || !facts.funds) return undefined;
  const free = freeOf(facts.funds, cost.asset, facts.account.reservations);
  return isShort(cost, free)
    ? denied('NOTIONAL_EXCEEDS_FREE_BALANCE', { asset: cost.asset, cost: cost.amount, free })
    : undefined;
};

const CHECKS: readonly Check[] = [
  checkState,
  checkReconciling,
  checkCircuit,
  checkLosses,
  checkSymbol,
  checkRules,
  checkReduceOnly,
  checkMarketData,
  checkSize,
  checkCollar,
  checkCounts,
  checkExposure,
  checkBalance,
  checkSelfTrade,
];

/** The first denial, or undefined when the order may be sent. */
export function checkOrder(order: ProposedOrder, facts: Facts): Denial | undefined {
  for (const check of CHECKS) {
    const denial = check(order, facts);
    if (denial) return denial;
  }
  return undefined;
}
