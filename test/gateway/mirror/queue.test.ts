import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createQueue, type QueueLimits, type Work } from '../../../gateway/mirror/queue.ts';
import { within } from '../../helpers/deadline.ts';

const LIMITS: QueueLimits = { concurrency: 2, concurrencyPerKey: 2, countMax: 3, bytesMax: 100 };

/** Work that ends when it is told to. */
function aWork(key = 'a', bytes = 1, order: string[] = []): Work & { finish: () => void; started: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let started = false;
  return {
    key,
    bytes,
    run() {
      started = true;
      order.push(key);
      return promise;
    },
    finish: resolve,
    started: () => started,
  };
}
/** Lets everything that is ready run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('limits', () => {
  test('room to run, then at once; none, then it waits; then in order', async () => {
    const queue = createQueue(LIMITS);
    const works = [aWork(), aWork(), aWork(), aWork()] as const;
    for (const work of works) assert.equal(queue.offer(work), undefined);
    assert.deepEqual(
      works.map((work) => work.started()),
      [true, true, false, false],
    );
    assert.deepEqual([queue.running, queue.waiting, queue.waitingBytes], [2, 2, 2]);
    works[1].finish();
    await turn();
    assert.deepEqual(
      works.map((work) => work.started()),
      [true, true, true, false],
    );
    for (const work of works) work.finish();
    await within(queue.idle(), 'the queue to be idle');
    assert.deepEqual([queue.running, queue.waiting, queue.waitingBytes], [0, 0, 0]);
  });

  test('as many wait as may, then the next is refused by count', () => {
    const queue = createQueue(LIMITS);
    const answers = Array.from({ length: 8 }, () => queue.offer(aWork()));
    assert.deepEqual(answers, [...Array(5).fill(undefined), ...Array(3).fill('queue_count')]);
    assert.equal(queue.waiting, 3);
  });

  test('waiting bytes would be too many, then refused by bytes; a smaller one still fits', () => {
    const queue = createQueue(LIMITS);
    queue.offer(aWork('a', 1_000));
    queue.offer(aWork('a', 1_000));
    assert.equal(queue.waitingBytes, 0, 'what runs does not wait');
    assert.equal(queue.offer(aWork('a', 60)), undefined);
    assert.equal(queue.offer(aWork('a', 41)), 'queue_bytes');
    assert.equal(queue.offer(aWork('a', 40)), undefined);
    assert.equal(queue.offer(aWork('a', 1)), 'queue_bytes');
    assert.equal(queue.waitingBytes, 100);
  });

  test('one key has its share, then it waits while another passes by', async () => {
    const queue = createQueue({ ...LIMITS, concurrencyPerKey: 1 });
    const order: string[] = [];
    const [slow, slowToo, quick] = [aWork('slow', 1, order), aWork('slow', 1, order), aWork('quick', 1, order)];
    queue.offer(slow);
    queue.offer(slowToo);
    queue.offer(quick);
    assert.deepEqual(order, ['slow', 'quick']);
    quick.finish();
    await turn();
    assert.deepEqual(order, ['slow', 'quick']);
    slow.finish();
    await turn();
    assert.deepEqual(order, ['slow', 'quick', 'slow']);
    slowToo.finish();
    await within(queue.idle(), 'the queue to be idle');
  });

  test('work with a limit of its own, then that holds instead', () => {
    const queue = createQueue({ ...LIMITS, concurrency: 9 });
    for (let i = 0; i < 4; i++) queue.offer({ ...aWork('few'), concurrencyMax: 1 });
    assert.deepEqual([queue.running, queue.waiting], [1, 3]);
    for (let i = 0; i < 4; i++) queue.offer({ ...aWork('many'), concurrencyMax: 4 });
    assert.deepEqual([queue.running, queue.waiting], [5, 3]);
  });

  test('nothing may wait, then what cannot run is refused', () => {
    const queue = createQueue({ ...LIMITS, countMax: 0 });
    assert.deepEqual(
      [queue.offer(aWork()), queue.offer(aWork()), queue.offer(aWork())],
      [undefined, undefined, 'queue_count'],
    );
  });
});

describe('idle and clear', () => {
  test('nothing to do, then idle at once', async () => {
    await within(createQueue(LIMITS).idle(), 'an empty queue to be idle', 100);
  });

  test('work under way, then idle only after it, for everybody who asked', async () => {
    const queue = createQueue(LIMITS);
    const work = aWork();
    queue.offer(work);
    let idle = 0;
    const asked = [queue.idle(), queue.idle()].map((each) => each.then(() => idle++));
    await turn();
    assert.equal(idle, 0);
    work.finish();
    await within(Promise.all(asked), 'both to hear of it');
    assert.equal(idle, 2);
  });

  test('cleared, then what waits never runs and what runs goes on', async () => {
    const queue = createQueue({ ...LIMITS, concurrency: 1 });
    const [running, waiting] = [aWork('a', 5), aWork('a', 7)];
    queue.offer(running);
    queue.offer(waiting);
    assert.deepEqual(queue.clear(), [waiting]);
    assert.deepEqual([queue.running, queue.waiting, queue.waitingBytes], [1, 0, 0]);
    running.finish();
    await within(queue.idle(), 'the queue to be idle');
    assert.equal(waiting.started(), false);
    assert.deepEqual(queue.clear(), []);
  });
});

describe('any offers and ends', () => {
  const limits = fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    concurrencyPerKey: fc.integer({ min: 1, max: 3 }),
    countMax: fc.integer({ min: 0, max: 5 }),
    bytesMax: fc.integer({ min: 0, max: 30 }),
  });
  const steps = fc.array(
    fc.oneof(fc.record({ offer: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat(12) }), fc.record({ finish: fc.nat() })),
    { maxLength: 40 },
  );

  test('then no limit is passed, nobody waits who could run, nothing is lost, and a refusal has its reason', async () => {
    await fc.assert(
      fc.asyncProperty(limits, steps, async (given, script) => {
        const queue = createQueue(given);
        const accepted: ReturnType<typeof aWork>[] = [];
        const finished = new Set<ReturnType<typeof aWork>>();
        const running = () => accepted.filter((work) => work.started() && !finished.has(work));
        const waiting = () => accepted.filter((work) => !work.started());
        const bytesOf = (works: readonly Work[]) => works.reduce((total, { bytes }) => total + bytes, 0);
        const mayRun = (key: string) =>
          running().length < given.concurrency &&
          running().filter((work) => work.key === key).length < given.concurrencyPerKey;
        const check = () => {
          assert.deepEqual(
            [queue.running, queue.waiting, queue.waitingBytes],
            [running().length, waiting().length, bytesOf(waiting())],
          );
          assert.ok(
            queue.running <= given.concurrency &&
              queue.waiting <= given.countMax &&
              queue.waitingBytes <= given.bytesMax,
          );
          assert.equal(
            waiting().some(({ key }) => mayRun(key)),
            false,
          );
        };
        for (const step of script) {
          if ('offer' in step) {
            const work = aWork(step.offer, step.bytes);
            const expected = mayRun(work.key)
              ? undefined
              : waiting().length >= given.countMax
                ? 'queue_count'
                : bytesOf(waiting()) + work.bytes > given.bytesMax
                  ? 'queue_bytes'
                  : undefined;
            assert.equal(queue.offer(work), expected);
            if (expected === undefined) accepted.push(work);
          } else {
            const work = running()[step.finish % Math.max(1, running().length)];
            if (work) {
              finished.add(work);
              work.finish();
              await turn();
            }
          }
          check();
        }
        while (running().length > 0) {
          for (const work of running()) {
            finished.add(work);
            work.finish();
          }
          await turn();
        }
        await within(queue.idle(), 'the queue to be idle');
        assert.equal(
          accepted.every((work) => work.started()),
          true,
        );
      }),
      { numRuns: 150 },
    );
  });
});
