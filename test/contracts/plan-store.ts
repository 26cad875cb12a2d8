// What every store of plans promises; see gateway/ledger/plan-store.ts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { PlanStore } from '../../gateway/ledger/plan-store.ts';

export interface OpenPlanStore extends PlanStore {
  close(): Promise<void>;
}

export interface PlanStoreSubject {
  /** Opens it over the same state each time. */
  open(): Promise<OpenPlanStore>;
  dispose(): Promise<void>;
}

const LEASE_MS = 60_000;

export function describePlanStore(name: string, subject: () => PlanStoreSubject): void {
  describe(`the ${name} store of plans`, () => {
    let current: PlanStoreSubject;
    let store: OpenPlanStore;
    beforeEach(async () => {
      current = subject();
      store = await current.open();
    });
    afterEach(async () => {
      await store.close();
      await current.dispose();
    });
    const put = (revision: number, document: string, token?: number) =>
      store.put({ route: 'a.route', document, revision, token });

    it('is empty at first', async () => {
      assert.deepEqual(await store.list(), []);
    });

    it('keeps what was stored last over a restart, by route', async () => {
      assert.equal(await put(0, 'one'), 'stored');
      assert.equal(await put(1, 'two, "雪"'), 'stored');
      assert.equal(await store.put({ route: 'B.route', document: 'b', revision: 0, token: undefined }), 'stored');
      await store.close();
      store = await current.open();
      assert.deepEqual(await store.list(), [
        { route: 'B.route', revision: 1, document: 'b' },
        { route: 'a.route', revision: 2, document: 'two, "雪"' },
      ]);
    });

    it('refuses a change that is based on what is no longer there', async () => {
      await put(0, 'one');
      assert.equal(await put(0, 'other'), 'stale');
      assert.equal(await put(2, 'other'), 'stale');
      assert.equal((await store.list())[0]?.document, 'one');
    });

    it('takes one of many changes based on the same', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => put(0, String(i))));
      assert.deepEqual(answers.filter((answer) => answer === 'stored').length, 1);
      assert.equal((await store.list())[0]?.revision, 1);
    });

    it('gives each that leads a larger token, and refuses what one that no longer leads writes', async () => {
      const first = await store.lead('first', LEASE_MS);
      assert.equal(first, 1);
      assert.equal(await store.lead('first', LEASE_MS), first, 'it goes on');
      assert.equal(await put(0, 'one', first), 'stored');
      await store.resign('first');
      const second = await store.lead('second', LEASE_MS);
      assert.equal(second, 2);
      assert.equal(await put(1, 'late', first), 'fenced');
      assert.equal(await put(1, 'two', second), 'stored');
      assert.equal(await put(2, 'by an operator'), 'stored');
      assert.equal((await store.list())[0]?.document, 'by an operator');
    });
  });
}
