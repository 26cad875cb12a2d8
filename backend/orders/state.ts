// What an order may become, and what the exchange's word makes of it. Pure.
import { largest } from '../domain/by-asset.ts';
import { compare, decimalOf, divide, isPositive, PRICE_SCALE, parseDecimal, ZERO } from '../domain/money.ts';
import { quoteAssetOf } from '../domain/symbols.ts';
import { isoTime } from '../domain/time.ts';
import { type ErrorCode, type Problem, problem } from '../errors.ts';
import type { ExchangeOrder, Rejection, RejectReason, SubmitResult } from '../exchange/exchange.ts';
import type { OrderRecord, OrderStatus } from '../store/items.ts';

/**
 * pending: durable, perhaps sent. unknown: sent, and the exchange did not say what came of it. Neither is a failure, and only
 * the exchange's own word leads out of them. filled, cancelled and error are final.
 */
const TRANSITIONS: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['open', 'partially_filled', 'filled', 'cancelled', 'error', 'unknown'],
  unknown: ['open', 'partially_filled', 'filled', 'cancelled', 'error'],
  open: ['partially_filled', 'filled', 'cancelled'],
  partially_filled: ['filled', 'cancelled'],
  filled: [],
  cancelled: [],
  error: [],
};

export const canBecome = (from: OrderStatus, to: OrderStatus): boolean => TRANSITIONS[from].includes(to);
export const isSettled = (status: OrderStatus): boolean => TRANSITIONS[status].length === 0;

/** The error a client gets for a refusal by the exchange. */
export function refusalProblem(result: Rejection, symbol: string): Problem {
  switch (result.reason) {
    case 'unknown_symbol':
      return problem('unknown_symbol', `unknown symbol: ${symbol}`);
    case 'invalid_order':
    case 'insufficient_balance':
      return problem('order_rejected', `order rejected by the exchange: ${result.detail}`);
    case 'not_tradable':
    case 'account_limit':
    case 'rate_limited':
    case 'expired':
    case 'unauthorised':
    case 'refused':
    case 'unreachable':
      return problem('exchange_refused', `exchange refused the order: ${result.detail}`);
  }
}

type Failure = Problem & { readonly reason: RejectReason; readonly exchangeCode?: number };

function submissionOf(status: OrderStatus, failure?: Failure): NonNullable<OrderRecord['submission']> {
  const { code = null, detail = null, reason, exchangeCode } = failure ?? {};
  return {
    ...{ status, code, detail },
    ...(reason && { reason }),
    ...(exchangeCode === undefined ? {} : { exchange_code: exchangeCode }),
  };
}

function failureOf(result: Rejection, symbol: string): Failure {
  const { reason, code } = result;
  return { ...refusalProblem(result, symbol), reason, ...(code === null ? {} : { exchangeCode: code }) };
}

/**
 * The order once the exchange has answered its submission, and perhaps the question after it (`seen`). Somebody else may have
 * learnt more meanwhile: that is kept.
 */
export function submitted(
  order: OrderRecord,
  result: SubmitResult,
  { nowMs, seen }: { nowMs: number; seen?: ExchangeOrder },
): OrderRecord {
  const failure = result.kind === 'rejected' ? failureOf(result, order.symbol) : undefined;
  const status = result.kind === 'accepted' ? 'open' : result.kind === 'rejected' ? 'error' : 'unknown';
  const answered: OrderRecord = {
    ...order,
    status: canBecome(order.status, status) ? status : order.status,
    mexc_order_id: result.kind === 'accepted' ? result.exchangeOrderId : order.mexc_order_id,
    updated_at: isoTime(nowMs),
    version: order.version + 1,
  };
  const known = { ...answered, ...(seen && progress(answered, seen)) };
  return { ...known, submission: submissionOf(result.kind === 'accepted' ? known.status : status, failure) };
}

/** The order the exchange is certain not to have: it was never taken, and no longer can be. */
export function neverTaken(order: OrderRecord, nowMs: number): OrderRecord {
  const code: ErrorCode = 'exchange_refused';
  const failure: Failure = {
    ...problem(code, 'exchange refused the order: it never arrived there'),
    reason: 'expired',
  };
  return {
    ...order,
    status: 'error',
    submission: order.submission ?? submissionOf('error', failure),
    updated_at: isoTime(nowMs),
    version: order.version + 1,
  };
}

const lessThan = (stored: string, given: string) => compare(parseDecimal(stored) ?? ZERO, decimalOf(given)) < 0;

/** Fees only grow, in each asset; the quote asset's is the order's own. */
function progressOfFees(order: OrderRecord, seen: Readonly<Record<string, string>>) {
  const { [quoteAssetOf(order.symbol)]: quoteFee = ZERO, ...others } = seen;
  const otherFees = largest(order.other_fees, others);
  return {
    fee: lessThan(order.fee, quoteFee) ? quoteFee : order.fee,
    ...(otherFees && { other_fees: otherFees }),
  };
}

/** What an answer of the exchange about an order says of its fields. */
function progress(order: OrderRecord, seen: ExchangeOrder) {
  const grew = lessThan(order.filled_quantity, seen.filledQuantity);
  const priced = isPositive(seen.filledQuantity) && isPositive(seen.filledQuote);
  return {
    status: canBecome(order.status, seen.status) ? seen.status : order.status,
    mexc_order_id: order.mexc_order_id ?? seen.exchangeOrderId,
    filled_quantity: grew ? seen.filledQuantity : order.filled_quantity,
    average_price: grew && priced ? divide(seen.filledQuote, seen.filledQuantity, PRICE_SCALE) : order.average_price,
    ...progressOfFees(order, seen.fees ?? {}),
  };
}

/**
 * The order as the exchange describes it now, or undefined when that says nothing new. Answers can arrive out of order, so a
 * status only moves along the table and a filled quantity only grows, which it may even on a cancelled order: the exchange
 * has been seen to answer a cancel with the state before it.
 */
export function progressed(order: OrderRecord, seen: ExchangeOrder, nowMs: number): OrderRecord | undefined {
  const fields = progress(order, seen);
  const changed = (Object.keys(fields) as (keyof typeof fields)[]).some((name) => fields[name] !== order[name]);
  if (!changed) return undefined;
  const submission = order.submission ?? submissionOf(fields.status);
  return { ...order, ...fields, submission, updated_at: isoTime(nowMs), version: order.version + 1 };
}
