// A stream of changes in memory, for tests of the way back where there is no Java.
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import { FeedTrimmed, type ItemChange, type ItemFeed, type Shard } from '../../migration/back/feed.ts';

type Kept = Shard & { readonly changes: ItemChange[]; closed: boolean };

/** Puts and deletes as a table would tell them; shards can be split and trimmed. */
export function createMemoryFeed() {
  const shards: Kept[] = [{ id: 'shard-0', parent: undefined, changes: [], closed: false }];
  const items = new Map<string, Item>();
  let sequence = 100n;
  let trimmedTo = 0n;

  function change(key: ItemKey, after: Item | undefined, expired = false): ItemChange {
    const place = JSON.stringify([key.pk, key.sk]);
    const made = { key, before: items.get(place), after, sequence: String(sequence++), expired };
    if (after === undefined) items.delete(place);
    else items.set(place, after);
    shards.findLast(({ closed }) => !closed)?.changes.push(made);
    return made;
  }

  const feed: ItemFeed = {
    shards: async () => shards.map(({ id, parent }) => ({ id, parent })),
    async read(id, after) {
      const shard = shards.find((each) => each.id === id);
      if (!shard) throw new Error(`there is no shard ${id}`);
      if (after !== undefined && BigInt(after) < trimmedTo) throw new FeedTrimmed(`nothing after ${after} is kept`);
      const changes = shard.changes.filter((each) => BigInt(each.sequence) > BigInt(after ?? 0));
      return { changes, ended: shard.closed };
    },
  };
  return {
    feed,
    put: async (item: Item): Promise<void> => {
      const [pk, sk] = [item.pk, item.sk];
      if (!pk || !sk || !('S' in pk) || !('S' in sk)) throw new Error('an item without a key');
      change({ pk: pk.S, sk: sk.S }, item);
    },
    remove: async (key: ItemKey, expired = false): Promise<void> => void change(key, undefined, expired),
    /** The shard is over; a child goes on. */
    split(): void {
      const last = shards.at(-1);
      if (!last) return;
      last.closed = true;
      shards.push({ id: `shard-${shards.length}`, parent: last.id, changes: [], closed: false });
    },
    /** As if a day had passed. */
    trim(): void {
      trimmedTo = sequence;
      for (const shard of shards) shard.changes.length = 0;
    },
  };
}
