import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lowerBound95 } from '../../../gateway/mirror/confidence.ts';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import {
  addStreamCounted,
  countStream,
  newStreamCounted,
  type StreamEnd,
  type StreamFinding,
  type StreamRefusal,
} from '../../../gateway/mirror/stream-counts.ts';
import { concludeStreams } from '../../../gateway/mirror/stream-evidence.ts';
import { addLag, type Lags, lagPercentiles } from '../../../gateway/mirror/stream-lag.ts';

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
    const { lagMs, ...streams } = concludeStreams(counted, []);
    assert.deepEqual(streams, {
      begun: 1,
      refused: { streams_max: 1 },
      ended: { flip: 1 },
      messages: {
        ...{ match: 1, ignored: 0, different: 1, missing: 1, extra: 0, reordered: 1, late: 1 },
        ...{ dropped: 2, unsettled: 3 },
      },
      dropped: { compare_queue: 1, incomparable: 1 },
      coverage: 3 / 8,
      parity: 1 / 3,
      parityLowerBound: lowerBound95(1, 3),
      differences: [{ path: '$.a', kind: 'changed', count: 1, critical: false }],
      differencesDropped: 0,
      samples: [],
    });
    assert.ok(lagMs && Math.abs(lagMs.p50 - 5) < 0.25, JSON.stringify(lagMs));
  });

  test('adds up over processes', () => {
    const [a, b] = [newStreamCounted(), newStreamCounted()];
    for (const [at, finding] of FINDINGS.entries()) countStream(at % 2 === 0 ? a : b, finding);
    const together = newStreamCounted();
    for (const each of [a, b]) addStreamCounted(together, each);
    const one = newStreamCounted();
    for (const finding of FINDINGS) countStream(one, finding);
    assert.deepEqual(concludeStreams(together, []), concludeStreams(one, []));
  });

  test('new would not open a stream, or ended it, then each counts as a message that differs; of legacy it does not', () => {
    const counted = newStreamCounted();
    const end = (reason: StreamEnd) => countStream(counted, { kind: 'ended', reason });
    for (let i = 0; i < 8; i++) countStream(counted, { ...pair, verdict });
    for (const reason of ['new_failed', 'new_ended', 'legacy_failed', 'legacy_ended', 'duration_max'] as const)
      end(reason);
    assert.equal(concludeStreams(counted, []).parity, 8 / 10);
  });

  test('streams that were not begun with lower the coverage, but not those beyond as many as are wanted', () => {
    const counted = newStreamCounted();
    assert.equal(concludeStreams(counted, []).coverage, null);
    const refuse = (reason: StreamRefusal) => countStream(counted, { kind: 'refused', reason });
    refuse('streams_max');
    countStream(counted, { kind: 'begun' });
    assert.equal(concludeStreams(counted, []).coverage, null, 'nothing was said yet');
    countStream(counted, { ...pair, verdict });
    assert.equal(concludeStreams(counted, []).coverage, 1);
    for (const reason of ['writes', 'content_encoding', 'compare_budget'] as const) refuse(reason);
    assert.equal(concludeStreams(counted, []).coverage, 1 / 4);
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
