// What every kind of record over an ItemTable shares: reading that tells what cannot be read, and versioned writing.
import type { Expectation, ItemTable } from './item-table.ts';
import type { Item } from './items.ts';
import { StoreUnavailable } from './store.ts';

/** An item that is not the record it claims to be cannot be served, and saying "not found" would be a lie. */
export function reading<T>(read: (item: Item) => T): (item: Item) => T {
  return (item) => {
    try {
      return read(item);
    } catch (cause) {
      throw new StoreUnavailable('an item of the table is not readable', { cause });
    }
  };
}

/** Version 1 is the first. */
export function expectationOf(version: number): Expectation {
  return version === 1 ? { kind: 'absent' } : { kind: 'version', version: version - 1 };
}

/** Stores a versioned record's item: version 1 where there is none, any other in place of the version before it. */
export async function putVersioned(table: ItemTable, item: Item, version: number): Promise<'stored' | 'conflict'> {
  return (await table.put(item, expectationOf(version))) ? 'stored' : 'conflict';
}
