// The port of the way back: a table's stream of changes. dynamo-streams.ts is the real one; test/contracts/item-feed.ts is what
// every one must keep.
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';

export type ItemChange = {
  readonly key: ItemKey;
  /** Undefined: there was none. */
  readonly before: Item | undefined;
  /** Undefined: it was deleted. */
  readonly after: Item | undefined;
  /** A whole number, 40 digits at most, that rises with every change of one item, whichever shards those are in. */
  readonly sequence: string;
  /** Whether the table deleted it because it had expired, and nobody asked for that. */
  readonly expired: boolean;
};

/** Changes of one shard are in order; those of one item are in one shard, or, later, in a child of it. */
export type Shard = { readonly id: string; readonly parent: string | undefined };

/** The stream no longer holds what comes after the position: changes are lost. */
export class FeedTrimmed extends Error {
  override readonly name = 'FeedTrimmed';
}

export type ItemFeed = {
  /** All that still hold changes. */
  readonly shards: () => Promise<readonly Shard[]>;
  /**
   * Changes after the one of `sequence`, or from the shard's beginning; none is no sign that there are no more. `ended`: the
   * shard is over, and its children go on. @throws FeedTrimmed
   */
  readonly read: (
    shard: string,
    sequence: string | undefined,
  ) => Promise<{ readonly changes: readonly ItemChange[]; readonly ended: boolean }>;
};
