// What gates and guards see of evidence with noise in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparedFacts } from '../../gateway/measurements.ts';
import { newCounts } from '../../gateway/mirror/counts.ts';
import { conclude } from '../../gateway/mirror/evidence.ts';
import { countStream, newStreamCounted } from '../../gateway/mirror/stream-counts.ts';
import { concludeStreams } from '../../gateway/mirror/stream-evidence.ts';

function evidenceOf(noise: number, confirmed: number) {
  const counts = newCounts();
  Object.assign(counts.outcomes, { match: 900, mismatch: 100 });
  Object.assign(counts.bracketed, { comparable: 50, agreeing: 50 - confirmed });
  const found = { path: '$.price', kind: 'changed', critical: true, rule: undefined, count: 100 } as const;
  counts.differences.set('price', { ...found, noise, confirmed });
  return conclude({ window: 'stage', sinceMs: 0, counts, pending: 0 });
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

test('of streams, what agrees is counted by messages, and by streams that new would not open', () => {
  const counted = newStreamCounted();
  countStream(counted, { kind: 'begun' });
  countStream(counted, { kind: 'single', outcome: 'missing', count: 1 });
  countStream(counted, { kind: 'single', outcome: 'unsettled', count: 2 });
  countStream(counted, { kind: 'ended', reason: 'new_failed' });
  const difference = { path: '$.price', at: '/price', kind: 'changed', legacy: '1', new: '2', critical: true } as const;
  const differences = [
    { ...difference, rule: undefined },
    { ...difference, path: '$.fee', rule: '$.fee' },
  ];
  const verdict = { outcome: 'mismatch', differences, detail: undefined } as const;
  countStream(counted, { kind: 'pair', lagMs: 1, isLate: false, isReordered: false, verdict });
  const { streams } = comparedFacts({ ...evidenceOf(0, 0), streams: concludeStreams(counted, []) });
  assert.deepEqual(streams, {
    begun: 1,
    failed: { legacy: 0, new: 1 },
    judged: { hits: 0, trials: 3 },
    coveredMessages: { hits: 2, trials: 4 },
    coveredStreams: { hits: 1, trials: 1 },
    critical: [{ path: '$.price', count: 1 }],
    worst: { path: '$.price', count: 1 },
  });
});
