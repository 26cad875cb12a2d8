import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import {
  addStreamCounted,
  concludeStreams,
  countStream,
  newStreamCounted,
  STREAM_SAMPLES_EACH,
  type StreamFinding,
} from '../../../gateway/mirror/stream-counts.ts';
import { addLag, type Lags, lagPercentiles } from '../../../gateway/mirror/stream-lag.ts';
import type { StreamSample } from '../../../gateway/mirror/stream-sample.ts';

const pair = { kind: 'pair', lagMs: 5, isLate: false, isReordered: false } as const;
const verdict = { outcome: 'match', differences: [], detail: undefined } as const;
const difference: Difference = {
  ...{ path: '$.a', at: '/a', kind: 'changed' as const, legacy: '1', new: '2', critical: false, rule: undefined },
};
const FINDINGS: readonly StreamFinding[] = [
  { kind: 'begun' },
  { kind: 'refused', reason: 'streams_max' },
  { kind: 'ended', reason: 'flip' },
  { ...pair, verdict },
  { ...pair, isLate: true, verdict: { ...verdict, outcome: 'mismatch', differences: [difference] } },
  { ...pair, isReordered: true, verdict: { dropped: 'compare_queue' } },
  { ...pair, lagMs: undefined, verdict: { ...verdict, outcome: 'incomparable' } },
  { kind: 'single', outcome: 'missing', count: 1 },
  { kind: 'single', outcome: 'unsettled', count: 3 },
];

describe('what comparing streams has found', () => {
  test('is counted, each message in one outcome, late and reordered ones once more', () => {
    const counted = newStreamCounted();
    for (const finding of FINDINGS) countStream(counted, finding);
    const { lagMs, ...streams } = concludeStreams(counted, 0);
    assert.deepEqual(streams, {
      since: '1970-01-01T00:00:00.000Z',
      begun: 1,
      refused: { streams_max: 1 },
      ended: { flip: 1 },
      messages: {
        ...{ match: 1, ignored: 0, different: 1, missing: 1, extra: 0, reordered: 1, late: 1 },
        ...{ dropped: 2, unsettled: 3 },
      },
      dropped: { compare_queue: 1, incomparable: 1 },
      differences: [{ path: '$.a', kind: 'changed', count: 1, critical: false }],
      differencesDropped: 0,
      samples: [],
    });
    assert.ok(lagMs && Math.abs(lagMs.p50 - 5) < 0.25, JSON.stringify(lagMs));
  });

  test('adds up over processes, with as many samples as one would keep', () => {
    const [a, b] = [newStreamCounted(), newStreamCounted()];
    for (const [at, finding] of FINDINGS.entries()) countStream(at % 2 === 0 ? a : b, finding);
    const sample: StreamSample = {
      ...{ at: '', requestId: '', outcome: 'missing', differences: [], legacy: 'x', new: null },
    };
    for (const each of [a, b]) each.samples.push(sample, sample, sample);
    const together = newStreamCounted();
    for (const each of [a, b]) addStreamCounted(together, each);
    const one = newStreamCounted();
    for (const finding of FINDINGS) countStream(one, finding);
    assert.equal(together.samples.length, STREAM_SAMPLES_EACH);
    assert.deepEqual(concludeStreams({ ...together, samples: [] }, 0), concludeStreams(one, 0));
  });
});

describe('lags', () => {
  test('have percentiles within 5 %, those of the side that is ahead below zero', () => {
    const lags: Lags = new Map();
    for (let ms = -100; ms < 900; ms++) addLag(lags, ms, 1);
    const { p50 = 0, p95 = 0, p99 = 0 } = lagPercentiles(lags) ?? {};
    for (const [found, expected] of [
      [p50, 399],
      [p95, 849],
      [p99, 889],
    ] as const)
      assert.ok(Math.abs(found - expected) <= expected * 0.05 + 1, `${found} for ${expected}`);
    const ahead: Lags = new Map();
    addLag(ahead, -50, 3);
    assert.ok((lagPercentiles(ahead)?.p99 ?? 0) < -47);
  });

  test('of any size take a bounded number of buckets', () => {
    const lags: Lags = new Map();
    for (let ms = 1; ms < 1e12; ms *= 1.01) for (const lag of [ms, -ms, ms / 1e6]) addLag(lags, lag, 1);
    assert.ok(lags.size < 400, `${lags.size} buckets`);
    assert.equal(lagPercentiles(new Map()), null);
  });
});
