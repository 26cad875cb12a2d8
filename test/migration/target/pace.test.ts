// How much is under way at once, and how long to wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPace } from '../../../migration/target/pace.ts';
import { patiently } from '../../../migration/target/patience.ts';

test('never more at once than the limit, which halves once for throttlings of one moment and grows again with success', async () => {
  let nowMs = 0;
  const pace = createPace(() => nowMs);
  let [underWay, most] = [0, 0];
  const work = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
  };
  await Promise.all(Array.from({ length: 16 }, () => pace.within(work)));
  assert.equal(most, 16);
  const before = pace.state().atOnce;
  pace.throttled('table');
  pace.throttled('table');
  assert.deepEqual(pace.state(), { atOnce: Math.floor(before / 2), throttled: 2, reason: 'table' });
  nowMs += 1_000;
  pace.throttled('index');
  const { atOnce, reason } = pace.state();
  assert.deepEqual([atOnce, reason], [4, 'index']);
  most = 0;
  await Promise.all(Array.from({ length: 200 }, () => pace.within(work)));
  assert.ok(most > atOnce && most <= pace.state().atOnce, `${most}`);
  for (let i = 0; i < 20; i++) {
    nowMs += 1_000;
    pace.throttled('table');
  }
  assert.equal(pace.state().atOnce, 1, 'one is always under way');
});

test('work that fails gives its place free', async () => {
  const pace = createPace();
  const failing = Array.from({ length: 40 }, () => pace.within(async () => assert.fail('refused')));
  const settled = await Promise.allSettled(failing);
  assert.ok(settled.every(({ status }) => status === 'rejected'));
  assert.equal(await pace.within(async () => 'done'), 'done');
});

test('throttling is waited out however long it takes; what is unclear is tried fifteen times', async () => {
  const pauses: number[] = [];
  let [throttlings, calls] = [0, 0];
  const patience = {
    kindOf: (error: unknown) => (error === 'slow' ? ('throttled' as const) : ('unclear' as const)),
    onThrottled() {
      throttlings += 1;
    },
    random: () => 1,
    pause: async (ms: number) => pauses.push(ms),
  };
  const answer = await patiently(async () => (++calls <= 40 ? Promise.reject('slow') : 'done'), patience);
  assert.deepEqual([answer, throttlings], ['done', 40]);
  assert.deepEqual(pauses.slice(0, 9), [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  calls = 0;
  await assert.rejects(
    patiently(async () => {
      calls += 1;
      throw new Error('reset');
    }, patience),
    /reset/,
  );
  assert.equal(calls, 15);
});
