// The few things asked of a key-value table, below the records: what DynamoDB and the in-memory table both can do.
import type { Item } from './items.ts';

export type ItemKey = { readonly pk: string; readonly sk: string };

/** What must be true of the item in place for a write to happen. An expired item counts as absent. */
export type Expectation = { readonly kind: 'absent' } | { readonly kind: 'version'; readonly version: number };

/** Whether `expectation` is true of the item in place; an expired one counts as absent and is to be given as undefined. */
export function holds(expectation: Expectation, present: Item | undefined): boolean {
  if (expectation.kind === 'absent') return present === undefined;
  const version = present?.version;
  return version !== undefined && 'N' in version && Number(version.N) === expectation.version;
}

/** All methods reject with StoreUnavailable only. Reads by key and by partition see every write that resolved before. */
export type ItemTable = {
  /** False: the expectation did not hold and nothing was written. */
  readonly put: (item: Item, expectation: Expectation) => Promise<boolean>;
  /** Writes all of them whatever is there, in any order, each by itself. No two may have the same key. */
  readonly putAll: (items: readonly Item[]) => Promise<void>;
  readonly get: (key: ItemKey) => Promise<Item | undefined>;
  /** Items of one partition whose sort key starts with `prefix`. Fewer than `limit` means there are no more. */
  readonly query: (query: {
    pk: string;
    prefix: string;
    limit: number;
    newestFirst?: boolean;
    afterSk?: string;
  }) => Promise<readonly Item[]>;
  /** Items of one value of the data_type index, by sort key. May lag behind writes. `next` is null at the end. */
  readonly queryDataType: (query: {
    shard: string;
    limit: number;
    after?: ItemKey;
  }) => Promise<{ items: readonly Item[]; next: ItemKey | null }>;
  /** How many items one value of the data_type index has whose attribute `not` is not zero's text; all where none is named. */
  readonly countDataType: (shard: string, not?: string) => Promise<number>;
  readonly ping: () => Promise<string | undefined>;
  readonly close: () => Promise<void>;
};
