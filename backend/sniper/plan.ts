// What an entry buys: a limit that is as far above the reference price as may be, and as much as the budget pays for at it. Pure.
import { add, type Decimal, decimalOf, divide, isPositive, multiply, PRICE_SCALE, roundDown } from '../domain/money.ts';
import type { TargetRecord } from '../store/sniper-items.ts';

/** Decimals of prices and quantities. */
export type Places = { readonly pricePlaces: number; readonly quantityPlaces: number };
export type EntryPlan = { readonly quantity: Decimal; readonly price: Decimal };

const ONE = decimalOf('1');

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
