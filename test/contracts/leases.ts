import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fence } from '../../backend/bus/bus.ts';
import type { LeaseHooks, Leases } from '../../backend/lease/lease.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';

/** A lease's work as a test sees it: how often it was begun and closed, and under what. */
export function watchedWork() {
  const fences: (Fence | undefined)[] = [];
  let closed = 0;
  let failures = 0;
  return {
    fences,
    closed: () => closed,
    isHeld: () => fences.length > closed,
    failNext: (count: number) => {
      failures = count;
    },
    async begin(fence: Fence | undefined) {
      if (failures-- > 0) throw new Error('it cannot begin');
      fences.push(fence);
      return {
        async close() {
          closed += 1;
        },
      };
    },
  };
}

/** The port's promises for one instance, for any implementation. */
export function leasesContract(name: string, start: () => Promise<(hooks: LeaseHooks) => Leases>): void {
  describe(`leases contract: ${name}`, () => {
    const keep = closingAfterEach();
    async function opened() {
      const raised: string[] = [];
      const held: [string, boolean][] = [];
      const create = await start();
      const leases = await keep(
        create({
          raised: (operation) => void raised.push(operation),
          onHeld: (...change) => void held.push(change),
        }),
      );
      return { leases, raised, held };
    }

    test('nobody else is there, then the work is begun once, and closed when it is given up', async () => {
      const { leases, held } = await opened();
      const work = watchedWork();
      const holding = await keep(leases.of('one')(work.begin));
      await eventually(() => held.length === 1, 'the work to begin');
      assert.deepEqual([work.fences.length, work.closed()], [1, 0]);
      await holding.close();
      assert.deepEqual([work.fences.length, work.closed()], [1, 1]);
      assert.deepEqual(held, [
        ['one', true],
        ['one', false],
      ]);
    });

    test('the work cannot begin, then that is raised and it is tried again', async () => {
      const { leases, raised } = await opened();
      const work = watchedWork();
      work.failNext(1);
      await keep(leases.of('one')(work.begin));
      await eventually(work.isHeld, 'the work to begin', 10_000);
      assert.deepEqual(raised.filter((operation) => operation !== 'lease.redis').length, 1);
    });

    test('two names are two leases', async () => {
      const { leases } = await opened();
      const [one, other] = [watchedWork(), watchedWork()];
      await keep(leases.of('one')(one.begin));
      await keep(leases.of('other')(other.begin));
      await eventually(() => one.isHeld() && other.isHeld(), 'both to begin');
    });
  });
}
