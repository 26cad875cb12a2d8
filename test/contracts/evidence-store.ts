// What every store of evidence promises; see gateway/ledger/evidence-store.ts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { EvidenceBatch, EvidenceStore, RouteBatch, StoredRoute } from '../../gateway/ledger/evidence-store.ts';

export interface EvidenceStoreSubject {
  /** A store over the same state as those opened before. */
  open(): Promise<EvidenceStore & { close(): Promise<void> }>;
  /** Removes the state. */
  dispose(): Promise<void>;
}

const STAGE = { name: 'shadow', sinceMs: 1_000 };

export function aRouteBatch(given: Partial<RouteBatch> = {}): RouteBatch {
  return { route: 'a.route', stage: STAGE, slices: [], added: [], removed: [], ...given };
}

const aSample = (n: number, at = '2026-01-05T10:00:00.000Z') => ({ n, at, document: `{"n":${n},"雪":"\\u0000"}` });
const counters = (named: Record<string, number>) => new Map(Object.entries(named));
const aSlice = (startMs: number, named: Record<string, number>) => ({ startMs, counters: counters(named) });

export function describeEvidenceStore(name: string, subject: () => EvidenceStoreSubject): void {
  describe(`the ${name} store of evidence`, () => {
    let current: EvidenceStoreSubject;
    let store: EvidenceStore & { close(): Promise<void> };
    let sequence = 0;
    beforeEach(async () => {
      current = subject();
      store = await current.open();
      sequence = 0;
    });
    afterEach(async () => {
      await store.close();
      await current.dispose();
    });
    const batchOf = (...routes: RouteBatch[]): EvidenceBatch => ({ source: 'one', sequence: ++sequence, routes });
    const add = (...routes: RouteBatch[]) => store.add(batchOf(...routes));
    const reopen = async () => {
      await store.close();
      store = await current.open();
    };
    const kept = async (): Promise<readonly StoredRoute[]> => {
      const { routes } = await store.load();
      return routes.toSorted((a, b) => (a.route < b.route ? -1 : 1));
    };

    it('is empty at first', async () => {
      assert.deepEqual(await kept(), []);
      assert.deepEqual(await store.changed(), []);
    });

    it('adds counters up, by slice and since the stage began, over a restart', async () => {
      await add(aRouteBatch({ slices: [aSlice(10_000, { match: 1, 'difference ["$.a",null]': 2 })] }));
      await reopen();
      sequence = 0;
      await store.add({
        source: 'two',
        sequence: 1,
        routes: [
          aRouteBatch({ slices: [aSlice(10_000, { match: 2 }), aSlice(20_000, { match: 3 })] }),
          aRouteBatch({ route: 'b.route', slices: [aSlice(20_000, { timeout: 1 })] }),
        ],
      });
      await reopen();
      assert.deepEqual(await kept(), [
        {
          ...{
            route: 'a.route',
            stage: STAGE,
            samples: [],
            total: counters({ match: 6, 'difference ["$.a",null]': 2 }),
          },
          slices: [aSlice(10_000, { match: 3, 'difference ["$.a",null]': 2 }), aSlice(20_000, { match: 3 })],
        },
        {
          ...{ route: 'b.route', stage: STAGE, samples: [], total: counters({ timeout: 1 }) },
          slices: [aSlice(20_000, { timeout: 1 })],
        },
      ]);
    });

    it('counts a batch that comes again once, and a batch of another source apart', async () => {
      const batch = batchOf(aRouteBatch({ slices: [aSlice(10_000, { match: 1 })] }));
      for (let attempt = 0; attempt < 3; attempt++) await store.add(batch);
      await store.add({ ...batch, source: 'two' });
      assert.deepEqual((await kept())[0]?.total, counters({ match: 2 }));
    });

    it('begins anew with a later stage, and leaves out what was counted in an earlier one', async () => {
      await add(aRouteBatch({ slices: [aSlice(10_000, { match: 5 })] }));
      const later = { name: 'canary', sinceMs: 15_000 };
      await add(aRouteBatch({ stage: later, slices: [aSlice(10_000, { match: 1 })] }));
      await add(aRouteBatch({ slices: [aSlice(10_000, { match: 7 })] }));
      const [route] = await kept();
      assert.deepEqual(route, {
        ...{ route: 'a.route', stage: later, total: counters({ match: 1 }), samples: [] },
        slices: [aSlice(10_000, { match: 1 })],
      });
    });

    it('keeps a stage in which nothing was counted yet', async () => {
      await add(aRouteBatch());
      assert.deepEqual(await kept(), [
        { route: 'a.route', stage: STAGE, total: counters({}), slices: [], samples: [] },
      ]);
    });

    it('keeps samples as they are until they are removed, those of an earlier stage too', async () => {
      await add(aRouteBatch({ added: [aSample(2), aSample(1)] }));
      await add(aRouteBatch({ stage: { name: 'live', sinceMs: 2_000 }, added: [aSample(10)] }));
      await add(aRouteBatch({ added: [aSample(11)], removed: [2, 404] }));
      await reopen();
      assert.deepEqual((await kept())[0]?.samples, [aSample(1), aSample(10), aSample(11)]);
    });

    it('gives each process numbers for its samples that no other has', async () => {
      const { samplesFrom } = await store.load();
      await add(aRouteBatch({ added: [aSample(samplesFrom + 1)] }));
      await reopen();
      assert.ok((await store.load()).samplesFrom > samplesFrom);
    });

    it('forgets other routes, slices and samples that are too old, and nothing of the totals', async () => {
      const old = aSample(1, '2026-01-01T00:00:00.000Z');
      await add(
        aRouteBatch({ slices: [aSlice(10_000, { match: 1 }), aSlice(20_000, { match: 2 })], added: [old, aSample(2)] }),
        aRouteBatch({ route: 'gone', slices: [aSlice(20_000, { match: 1 })], added: [aSample(3)] }),
      );
      await store.prune({ routes: ['a.route', 'new'], slicesFromMs: 20_000, samplesFrom: '2026-01-02T00:00:00.000Z' });
      assert.deepEqual(await kept(), [
        {
          ...{ route: 'a.route', stage: STAGE, total: counters({ match: 3 }), samples: [aSample(2)] },
          slices: [aSlice(20_000, { match: 2 })],
        },
      ]);
      await add(aRouteBatch({ route: 'gone', slices: [aSlice(30_000, { match: 1 })] }));
      assert.deepEqual((await kept())[1]?.total, counters({ match: 1 }), 'a route that comes back begins from nothing');
    });

    it('holds the sum of any batches, however often each is sent', async () => {
      const named = fc.dictionary(
        fc.constantFrom('match', 'mismatch', '__proto__', 'a b'),
        fc.integer({ min: 1, max: 9 }),
      );
      const slices = fc.array(fc.tuple(fc.constantFrom(10_000, 20_000), named), { maxLength: 3 });
      const batches = fc.array(fc.tuple(slices, fc.integer({ min: 1, max: 3 })), { maxLength: 6 });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(batches, async (script) => {
          const route = `r${++run}`;
          const sums = new Map<string, number>();
          for (const [each, times] of script) {
            const batch = batchOf(
              aRouteBatch({ route, slices: each.map(([startMs, names]) => aSlice(startMs, names)) }),
            );
            for (let i = 0; i < times; i++) await store.add(batch);
            for (const [, names] of each) {
              for (const [counter, value] of Object.entries(names)) sums.set(counter, (sums.get(counter) ?? 0) + value);
            }
          }
          const stored = (await kept()).find((each) => each.route === route);
          assert.deepEqual(stored?.total ?? counters({}), sums);
        }),
        { numRuns: 20 },
      );
    });
  });
}
