// Whether what an order can cost is free in the account that it goes out with. Pure.
import type { Funds } from '../balances/balances.ts';
import { add, compare, type Decimal, multiply, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import type { SymbolRules } from '../exchange/exchange.ts';
import type { AccountRecord } from '../store/account-items.ts';

/** An amount of an asset that the exchange will set aside. */
export type Cost = { readonly asset: string; readonly amount: Decimal };

type Priced = {
  readonly side: 'BUY' | 'SELL';
  readonly quantity: Decimal;
  readonly quoteQuantity?: Decimal;
  /** Quote value of one unit. */
  readonly unitValue: Decimal;
};

/** A buy takes quote, and `buffer` (a share of it) for fees and for a price that moves; a sell takes what it sells. */
export function costOf(order: Priced, rules: SymbolRules, buffer: Decimal): Cost {
  const { side, quantity, quoteQuantity, unitValue } = order;
  if (side === 'SELL') return { asset: rules.baseAsset, amount: quantity };
  const value = quoteQuantity ?? multiply(quantity, unitValue);
  return { asset: rules.quoteAsset, amount: add(value, multiply(value, buffer)) };
}

/** What is free of the asset once all orders have arrived that were reserved for since the exchange was asked. */
export function freeOf(funds: Funds, asset: string, reservations: AccountRecord['reservations']): Decimal {
  const onTheirWay = Object.values(reservations)
    .filter(({ cost, at }) => cost?.asset === asset && Date.parse(at) >= funds.askedAtMs)
    .reduce((sum, { cost }) => add(sum, parseDecimal(cost?.amount ?? '0') ?? ZERO), ZERO);
  return subtract(funds.byAsset.get(asset)?.free ?? ZERO, onTheirWay);
}

export const isShort = (cost: Cost, free: Decimal): boolean => compare(cost.amount, free) > 0;
