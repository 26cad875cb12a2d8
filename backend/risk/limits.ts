// What a user may do: the limits, their defaults, and how a user's own lie over those of the settings.
import { z } from 'zod';
import { amount, amountOrZero } from '../domain/amount.ts';

/** Open orders that the exchange takes of one account. */
const OPEN_ORDERS_MAX = 500;
/** More would not fit into a user's item: each open order takes some 250 bytes of its 400 KB. */
const OPEN_ORDERS_LIMIT_MAX = 1000;

const count = (name: string, least: number, most = 1_000_000) =>
  z.int(`${name} must be a whole number`).min(least).max(most, `${name} must be ${most} or less`);

/**
 * Every limit by its name in the API and in the store; null is no limit. Values are in the symbol's quote asset, which adds up
 * over symbols of one quote asset only: who trades in several sets them for the one that matters.
 */
const limits = z.strictObject({
  /** Symbols that may be traded. */
  symbols: z
    .array(z.string().regex(/^[A-Z0-9]{2,32}$/))
    .max(1000)
    .nullable(),
  /** Of one order: quantity in the base asset, and the least and largest value. */
  order_quantity_max: amount('order_quantity_max').nullable(),
  order_value_min: amount('order_value_min').nullable(),
  order_value_max: amount('order_value_max').nullable(),
  open_orders_max: count('open_orders_max', 0, OPEN_ORDERS_LIMIT_MAX),
  orders_per_second_max: count('orders_per_second_max', 1).nullable(),
  /** Of the position in one symbol, and of all positions, were every order that is open to fill. */
  position_value_max: amountOrZero('position_value_max').nullable(),
  exposure_value_max: amountOrZero('exposure_value_max').nullable(),
  /** How far a limit may be on the wrong side of the last price, as a share of it: "0.05" is five per cent. */
  price_collar: amount('price_collar').nullable(),
  /** Losses, as positive values: realised since the day (UTC) began, and below the highest point. */
  daily_loss_max: amount('daily_loss_max').nullable(),
  drawdown_max: amount('drawdown_max').nullable(),
  /** After a drawdown; then the highest point is taken anew. */
  drawdown_pause_ms: count('drawdown_pause_ms', 1, 7 * 86_400_000),
  /**
   * What must be free beside what a buy costs, as a share of it: "0.05" is five per cent, "0" just the cost. Null leaves
   * balances to the exchange.
   */
  balance_buffer: amountOrZero('balance_buffer').nullable(),
  /** Whether an order may meet one of the same user's own. */
  self_trade: z.enum(['allow', 'deny']),
});
export type Limits = z.infer<typeof limits>;

/** Where nothing is set nothing is limited but what the exchange limits itself: the frontend has seen no other limits. */
export const DEFAULT_LIMITS: Limits = {
  symbols: null,
  order_quantity_max: null,
  order_value_min: null,
  order_value_max: null,
  open_orders_max: OPEN_ORDERS_MAX,
  orders_per_second_max: null,
  position_value_max: null,
  exposure_value_max: null,
  price_collar: null,
  daily_loss_max: null,
  drawdown_max: null,
  drawdown_pause_ms: 3_600_000,
  balance_buffer: null,
  self_trade: 'allow',
};

/** Some of the limits: what an operator sets for a user, or the settings for all. */
export const someLimits = limits.partial();
export type SomeLimits = z.infer<typeof someLimits>;

/** `some` over `base`. */
export const mergedLimits = (base: Limits, some: SomeLimits): Limits => limits.parse({ ...base, ...some });

/** By a user's own limits as they are stored: every order asks several times. */
const read = new WeakMap<object, { readonly defaults: Limits; readonly limits: Limits }>();

/** The limits that hold. What a newer version stored and this one does not know is passed over; nothing known ever is. */
export function limitsOf(defaults: Limits, own: Readonly<Record<string, unknown>>): Limits {
  const before = read.get(own);
  if (before?.defaults === defaults) return before.limits;
  const known = Object.entries(own).filter(([name]) => name in limits.shape);
  const merged = known.length === 0 ? defaults : mergedLimits(defaults, someLimits.parse(Object.fromEntries(known)));
  read.set(own, { defaults, limits: merged });
  return merged;
}
