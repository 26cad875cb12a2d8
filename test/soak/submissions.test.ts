import assert from 'node:assert/strict';
import { it } from 'node:test';
import { submissionsSoak } from './submissions-soak.ts';

const COUNT = 60;

it('many submissions with two of three relays failing in turn, then each lands at most once and every outcome is known', async () => {
  const { outcomes, wrong, arrived, expected } = await submissionsSoak(COUNT);
  const { landed = 0, expired = 0, ...others } = outcomes;
  assert.deepEqual(wrong, []);
  assert.equal(landed + expired, COUNT, JSON.stringify(others));
  assert.ok(landed > COUNT / 2, JSON.stringify(outcomes));
  assert.equal(arrived, expected);
});
