// What gates and guards see of evidence with noise in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparedFacts } from '../../gateway/measurements.ts';
import { newCounts } from '../../gateway/mirror/counts.ts';
import { conclude } from '../../gateway/mirror/evidence.ts';

function evidenceOf(noise: number, confirmed: number) {
  const counts = newCounts();
  Object.assign(counts.outcomes, { match: 900, mismatch: 100 });
  Object.assign(counts.bracketed, { comparable: 50, agreeing: 50 - confirmed });
  const found = { path: '$.price', kind: 'changed', critical: true, rule: undefined, count: 100 } as const;
  counts.differences.set('price', { ...found, noise, confirmed });
  return conclude('stage', { sinceMs: 0, counts }, 0);
}

test('a critical place where legacy does not agree with itself is held against nobody, whatever was asked only once', () => {
  const { critical, worst, judged } = comparedFacts(evidenceOf(5, 0));
  assert.deepEqual([critical, worst, judged], [[], undefined, { hits: 50, trials: 50 }]);
});

test('a critical place that is noise at times counts as often as it is certain, and parity less what noise hides', () => {
  const { critical, judged } = comparedFacts(evidenceOf(10, 4));
  assert.deepEqual([critical, judged], [[{ path: '$.price', count: 4 }], { hits: 45, trials: 50 }]);
});

test('without noise everything that was compared counts', () => {
  const { critical, judged } = comparedFacts(evidenceOf(0, 3));
  assert.deepEqual([critical, judged], [[{ path: '$.price', count: 100 }], { hits: 900, trials: 1_000 }]);
});
