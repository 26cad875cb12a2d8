// The answer "no" of risk, and why.
import type { Rejection } from '../exchange/exchange.ts';
import type { RuleReason } from '../exchange/symbol-rules.ts';

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

export function denied(reason: DenialReason, context: Denial['context'] = {}): Denial {
  return { kind: 'denied', reason, context };
}
