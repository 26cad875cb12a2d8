// What an entry buys: a limit that is as far above the reference price as may be, and as much as the budget pays for at it. Pure.
import { add, type Decimal, decimalOf, divide, isPositive, multiply, PRICE_SCALE, roundDown } from '../domain/money.ts';
import type { TargetRecord } from '../store/sniper-items.ts';

/** Decimals of prices and quantities. */
export type Places = { readonly pricePlaces: number; readonly quantityPlaces: number };
export type EntryPlan = { readonly quantity: Decimal; readonly price: Decimal };

const ONE = decimalOf('1');
/** Between two tries at what a plan needs, ms. */
const RETRY_MS = 1000;
/**
 * And around the opening, when the first price comes. 25 books of weight 3, with the tickers and rules of the same ten seconds, are
 * some 160 of the 210 that the limiter leaves to data as it is set by default.
 */
const RETRY_NEAR_MS = 100;
const NEAR_BEFORE_MS = 500;
const NEAR_AFTER_MS = 2000;

/** Undefined when the budget buys nothing at such a price. */
export function planOf(
  { budget, max_slippage: slippage }: Pick<TargetRecord, 'budget' | 'max_slippage'>,
  reference: Decimal,
  { pricePlaces, quantityPlaces }: Places,
): EntryPlan | undefined {
  const price = roundDown(multiply(reference, add(ONE, decimalOf(slippage))), pricePlaces);
  if (!isPositive(price)) return undefined;
  // Division rounds half away from zero; cutting it to fewer places never spends more than the budget.
  const quantity = roundDown(divide(decimalOf(budget), price, PRICE_SCALE), Math.min(quantityPlaces, PRICE_SCALE - 1));
  return isPositive(quantity) ? { quantity, price } : undefined;
}

/** When to look again for what a plan needs, ms; `leftMs` to the opening, negative once it has passed. */
export function planRetryMs(leftMs: number): number {
  if (leftMs > NEAR_BEFORE_MS) return Math.min(RETRY_MS, leftMs - NEAR_BEFORE_MS);
  return leftMs < -NEAR_AFTER_MS ? RETRY_MS : RETRY_NEAR_MS;
}
