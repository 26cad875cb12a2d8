import { type Decimal, decimal } from '../decimal.ts';

/** Each asset's balance at the start: enough that a sandbox never runs dry. */
const STARTING_BALANCE = '1000000000';

export interface Balance {
  readonly asset: string;
  readonly free: Decimal;
  readonly locked: Decimal;
}

/** What an account owns, by asset. */
export interface Balances {
  /** Sets `amount` aside; false when there is not enough. */
  lock(asset: string, amount: Decimal): boolean;
  /** Gives back what was set aside. */
  unlock(asset: string, amount: Decimal): void;
  /** Pays out of what was set aside. */
  pay(asset: string, amount: Decimal): void;
  /** Adds to what is free; a fee is a negative amount. */
  receive(asset: string, amount: Decimal): void;
  of(asset: string): Balance;
  all(): readonly Balance[];
}

/** `assets` are those that the account owns from the start. */
export function createBalances(assets: readonly string[]): Balances {
  const entries = new Map<string, { free: Decimal; locked: Decimal }>();
  const entryOf = (asset: string) => {
    const entry = entries.get(asset) ?? { free: 0n, locked: 0n };
    entries.set(asset, entry);
    return entry;
  };
  for (const asset of assets) entryOf(asset).free = decimal(STARTING_BALANCE);
  return {
    lock(asset, amount) {
      const entry = entryOf(asset);
      if (entry.free < amount) return false;
      entry.free -= amount;
      entry.locked += amount;
      return true;
    },
    unlock(asset, amount) {
      const entry = entryOf(asset);
      entry.locked -= amount;
      entry.free += amount;
    },
    pay(asset, amount) {
      entryOf(asset).locked -= amount;
    },
    receive(asset, amount) {
      entryOf(asset).free += amount;
    },
    of: (asset) => ({ asset, ...entryOf(asset) }),
    all: () => [...entries].map(([asset, entry]) => ({ asset, ...entry })),
  };
}
