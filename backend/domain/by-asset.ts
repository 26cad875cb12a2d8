// Amounts by asset: what was paid in each, summed and compared asset by asset. Pure.
import { add, compare, type Decimal, isPositive, parseDecimal, subtract, ZERO } from './money.ts';

/** As stored or computed; an asset that is not there is zero. */
export type ByAsset = Readonly<Record<string, string>>;

const amountIn = (amounts: ByAsset | undefined, asset: string): Decimal =>
  parseDecimal(amounts?.[asset] ?? '0') ?? ZERO;

export function added(a: ByAsset, b: ByAsset): Record<string, string> {
  const sums = { ...a };
  for (const asset of Object.keys(b)) sums[asset] = add(amountIn(a, asset), amountIn(b, asset));
  return sums;
}

/** The larger of each asset; `a` itself when nothing in `b` is larger. */
export function largest<T extends ByAsset | undefined>(a: T, b: ByAsset): T | Record<string, string> {
  const larger = Object.keys(b).filter((asset) => compare(amountIn(b, asset), amountIn(a, asset)) > 0);
  if (larger.length === 0) return a;
  return { ...a, ...Object.fromEntries(larger.map((asset) => [asset, amountIn(b, asset)])) };
}

/** What `a` has more of than `b`, in those assets only in which it does. */
export function beyond(a: ByAsset | undefined, b: ByAsset | undefined): Record<string, Decimal> {
  const differences = Object.keys(a ?? {}).map(
    (asset) => [asset, subtract(amountIn(a, asset), amountIn(b, asset))] as const,
  );
  return Object.fromEntries(differences.filter(([, difference]) => isPositive(difference)));
}

export const isNothing = (amounts: ByAsset): boolean => Object.keys(amounts).length === 0;
