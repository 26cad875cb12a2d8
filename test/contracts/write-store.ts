// What every store of the writes that legacy lacks promises; see gateway/ledger/write-store.ts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WRITE_KEYS_MAX, type WriteBatch, type WriteStore } from '../../gateway/ledger/write-store.ts';

export interface OpenWriteStore extends WriteStore {
  close(): Promise<void>;
}

export interface WriteStoreSubject {
  /** Opens it over the same state each time. */
  open(): Promise<OpenWriteStore>;
  dispose(): Promise<void>;
}

export function aWriteBatch(
  sequence: number,
  count: number,
  change: Partial<WriteBatch> & { route?: string } = {},
): WriteBatch {
  const { route = 'a.route', ...batch } = change;
  const keys = Array.from({ length: count }, (_, i) => ({
    n: i + 1,
    atMs: 1_000 + i,
    key: `${sequence}, "雪" ${i + 1}`,
  }));
  return { source: 'one', sequence, routes: [{ route, count, keys }], ...batch };
}

export function describeWriteStore(name: string, subject: () => WriteStoreSubject): void {
  describe(`the ${name} store of writes`, () => {
    let current: WriteStoreSubject;
    let store: OpenWriteStore;
    beforeEach(async () => {
      current = subject();
      store = await current.open();
    });
    afterEach(async () => {
      await store.close();
      await current.dispose();
    });
    const only = async () => {
      const [writes, ...others] = await store.load();
      assert.deepEqual(others, []);
      return writes ?? assert.fail('no writes');
    };

    it('is empty at first', async () => {
      assert.deepEqual(await store.load(), []);
    });

    it('adds up over a restart, by route, each key with its number', async () => {
      await store.add(aWriteBatch(1, 2));
      await store.close();
      store = await current.open();
      await store.add(aWriteBatch(2, 1, { source: 'two' }));
      await store.add(aWriteBatch(3, 1, { source: 'two', route: 'B.route' }));
      const [b, a] = await store.load();
      assert.deepEqual([b?.route, b?.written, b?.acknowledged, b?.keys.length], ['B.route', 1, 0, 1]);
      assert.deepEqual(a, {
        ...{ route: 'a.route', written: 3, acknowledged: 0 },
        keys: [
          { n: 1, atMs: 1_000, key: '1, "雪" 1' },
          { n: 2, atMs: 1_001, key: '1, "雪" 2' },
          { n: 3, atMs: 1_000, key: '2, "雪" 1' },
        ],
      });
    });

    it('counts a batch that comes again once', async () => {
      await store.add(aWriteBatch(1, 2));
      await store.add(aWriteBatch(1, 2));
      await store.add(aWriteBatch(1, 2, { source: 'two' }));
      assert.equal((await only()).written, 4);
    });

    it('keeps the first keys and the latest, and counts all', async () => {
      for (let sequence = 1; sequence <= 6; sequence++) await store.add(aWriteBatch(sequence, 40));
      const { written, keys } = await only();
      assert.equal(written, 240);
      assert.deepEqual(
        keys.map(({ n }) => n),
        [...Array(WRITE_KEYS_MAX).keys()]
          .map((i) => i + 1)
          .concat([...Array(WRITE_KEYS_MAX).keys()].map((i) => 191 + i)),
      );
    });

    it('forgets the keys of what is acknowledged; it is never more than there was, nor taken back', async () => {
      await store.add(aWriteBatch(1, 5));
      await store.acknowledge('a.route', 3);
      await store.acknowledge('a.route', 1);
      const { acknowledged, written, keys } = await only();
      assert.deepEqual([acknowledged, written, keys.map(({ n }) => n)], [3, 5, [4, 5]]);
      await store.acknowledge('a.route', 99);
      await store.add(aWriteBatch(2, 1));
      const after = await only();
      assert.deepEqual([after.acknowledged, after.written, after.keys.map(({ n }) => n)], [5, 6, [6]]);
      await store.acknowledge('no.route', 3);
      assert.equal((await only()).route, 'a.route');
    });
  });
}
