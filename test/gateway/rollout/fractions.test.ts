import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEvaluator, FeatureSource } from '../../../gateway/rollout/evaluator.ts';
import { gradualRollout } from '../../../gateway/rollout/feature.ts';

const USERS = 30_000;
const users = Array.from({ length: USERS }, (_, i) => `user-${i}`);

/** Who a flag of this share is on for. */
async function cohort(percent: number, groupId: string, name = 'a'): Promise<ReadonlySet<string>> {
  const source = new FeatureSource();
  source.replace({ version: 2, features: [gradualRollout(name, percent, groupId)] });
  const isEnabled = createEvaluator(source, { appName: 'test' });
  const members = users.filter((user) => isEnabled(name, user));
  return new Set(members);
}

/** From a hundredth of a per cent to all. */
const share = fc.oneof(
  fc.integer({ min: 1, max: 99 }).map((hundredths) => hundredths / 100),
  fc.integer({ min: 1, max: 100 }),
);

test('a share that grows, in whatever steps, then nobody who was in it leaves it', async () => {
  await fc.assert(
    fc.asyncProperty(share, share, fc.string({ minLength: 1, maxLength: 8 }), async (one, other, groupId) => {
      const [small, large] = [Math.min(one, other), Math.max(one, other)];
      const within = await cohort(large, groupId);
      for (const user of await cohort(small, groupId))
        assert.ok(within.has(user), `${user}: ${small} % and ${large} %`);
    }),
    { numRuns: 20 },
  );
});

test('two flags of one group at the same share below 1 %, then the same users', async () => {
  assert.deepEqual(await cohort(0.4, 'trade', 'a'), await cohort(0.4, 'trade', 'b'));
});

test('shares below 1 %, then so many users, within what chance allows', async () => {
  for (const percent of [0.1, 0.25, 0.5, 0.9]) {
    const expected = (USERS * percent) / 100;
    const { size } = await cohort(percent, 'g');
    assert.ok(Math.abs(size - expected) <= 4 * Math.sqrt(expected) + 1, `${percent} %: ${size} instead of ${expected}`);
  }
});

test('the same users asked again, then the same answer', async () => {
  assert.deepEqual(await cohort(0.5, 'g'), await cohort(0.5, 'g'));
});
