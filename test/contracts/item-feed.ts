// What every stream of changes keeps; see migration/back/feed.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import type { ItemChange, ItemFeed } from '../../migration/back/feed.ts';
import { eventually } from '../helpers/deadline.ts';

export type OpenedFeed = {
  readonly feed: ItemFeed;
  readonly put: (item: Item) => Promise<void>;
  readonly remove: (key: ItemKey) => Promise<void>;
  readonly close: () => Promise<void>;
};

const item = (n: number): Item => ({ pk: { S: 'P' }, sk: { S: 'S' }, n: { N: String(n) } });
const WAIT_MS = 20_000;

export function itemFeedContract(
  name: string,
  open: () => Promise<OpenedFeed>,
  options: { skip?: string | undefined } = {},
) {
  describe(`the stream of changes: ${name}`, { skip: options.skip ?? false }, () => {
    async function readUntil(feed: ItemFeed, count: number, after?: string): Promise<ItemChange[]> {
      const [shard] = await feed.shards();
      assert.ok(shard);
      const found: ItemChange[] = [];
      await eventually(
        async () => {
          found.push(...(await feed.read(shard.id, found.at(-1)?.sequence ?? after)).changes);
          return found.length >= count;
        },
        `${count} changes`,
        WAIT_MS,
      );
      return found;
    }

    test('tells what an item was and is, in order, with rising sequences, and goes on after any of them', async () => {
      const { feed, put, remove, close } = await open();
      try {
        await put(item(1));
        await put(item(2));
        await remove({ pk: 'P', sk: 'S' });
        const changes = await readUntil(feed, 3);
        assert.deepEqual(
          changes.map(({ key, before, after, expired }) => ({ key, before: before?.n, after: after?.n, expired })),
          [
            { key: { pk: 'P', sk: 'S' }, before: undefined, after: { N: '1' }, expired: false },
            { key: { pk: 'P', sk: 'S' }, before: { N: '1' }, after: { N: '2' }, expired: false },
            { key: { pk: 'P', sk: 'S' }, before: { N: '2' }, after: undefined, expired: false },
          ],
        );
        const sequences = changes.map(({ sequence }) => BigInt(sequence));
        assert.deepEqual(
          sequences,
          [...sequences].sort((a, b) => (a < b ? -1 : 1)),
        );
        assert.equal(new Set(sequences).size, 3);
        assert.deepEqual(
          (await readUntil(feed, 2, changes[0]?.sequence)).map(({ sequence }) => sequence),
          [changes[1]?.sequence, changes[2]?.sequence],
        );
      } finally {
        await close();
      }
    });

    test('nothing new is no end: what comes later is read from the same place', async () => {
      const { feed, put, close } = await open();
      try {
        await put(item(1));
        const [first] = await readUntil(feed, 1);
        const [shard] = await feed.shards();
        assert.deepEqual(await feed.read(shard?.id ?? '', first?.sequence), { changes: [], ended: false });
        await put(item(2));
        assert.deepEqual((await readUntil(feed, 1, first?.sequence))[0]?.after?.n, { N: '2' });
      } finally {
        await close();
      }
    });
  });
}
