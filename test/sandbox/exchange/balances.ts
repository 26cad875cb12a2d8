import { type Decimal, decimal, multiply } from '../decimal.ts';
import { QUOTE_ASSET, SYMBOLS, symbolOf } from '../symbols.ts';
import type { ExchangeOrder } from './order.ts';

/** Each asset's balance at the start: enough that a sandbox never runs dry. */
const STARTING_BALANCE = '1000000000';

export interface Balance {
  readonly asset: string;
  readonly free: Decimal;
  readonly locked: Decimal;
}

/** What the account owns, by asset. */
export interface Balances {
  /** Sets aside what `order` may cost; false when there is not enough. Market orders are valued at `last`. */
  lock(order: ExchangeOrder, last: Decimal): boolean;
  settle(order: ExchangeOrder, fill: { quantity: Decimal; price: Decimal; fee: Decimal }): void;
  release(order: ExchangeOrder): void;
  all(): readonly Balance[];
}

export function createBalances(): Balances {
  const assets = new Map<string, { free: Decimal; locked: Decimal }>();
  for (const asset of [QUOTE_ASSET, ...SYMBOLS.map(({ baseAsset }) => baseAsset)]) {
    assets.set(asset, { free: decimal(STARTING_BALANCE), locked: 0n });
  }
  const of = (asset: string) => {
    const entry = assets.get(asset) ?? { free: 0n, locked: 0n };
    assets.set(asset, entry);
    return entry;
  };
  const paying = (order: ExchangeOrder) =>
    of(order.side === 'BUY' ? QUOTE_ASSET : (symbolOf(order.symbol)?.baseAsset ?? ''));
  const cost = (order: ExchangeOrder, quantity: Decimal, price: Decimal) =>
    order.side === 'BUY' ? multiply(quantity, price) : quantity;
  return {
    lock(order, last) {
      const amount = cost(order, order.quantity - order.executed, order.price || last);
      const entry = paying(order);
      if (entry.free < amount) return false;
      entry.free -= amount;
      entry.locked += amount;
      return true;
    },
    settle(order, { quantity, price, fee }) {
      const entry = paying(order);
      const set = cost(order, quantity, order.price || price);
      entry.locked -= set;
      entry.free += set - cost(order, quantity, price);
      const received = order.side === 'BUY' ? (symbolOf(order.symbol)?.baseAsset ?? '') : QUOTE_ASSET;
      of(received).free += order.side === 'BUY' ? quantity : multiply(quantity, price);
      of(QUOTE_ASSET).free -= fee;
    },
    release(order) {
      const entry = paying(order);
      const left = cost(order, order.quantity - order.executed, order.price);
      entry.locked -= left;
      entry.free += left;
    },
    all: () => [...assets].map(([asset, entry]) => ({ asset, ...entry })),
  };
}
