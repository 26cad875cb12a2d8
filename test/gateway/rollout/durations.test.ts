// Durations as counts: near the exact percentile, subtractable, and honest about how sure they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Durations } from '../../../gateway/rollout/durations.ts';
import { ServedHistory } from '../../../gateway/rollout/served-history.ts';
import { aServed, bothServed } from '../../helpers/rollout.ts';

function of(durationsMs: readonly number[]): Durations {
  const durations = new Durations();
  for (const durationMs of durationsMs) durations.add(durationMs);
  return durations;
}
const lists = fc.array(fc.double({ min: 0.2, max: 500_000, noNaN: true }), { minLength: 1, maxLength: 300 });

describe('durations', () => {
  test('none, then no quantile', () => {
    assert.equal(of([]).quantileMs(0.95), undefined);
    assert.equal(of([]).quantileBoundsMs(0.95, 2), undefined);
  });

  test('any, then a quantile within one step of the exact one, between its bounds', () => {
    fc.assert(
      fc.property(lists, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (list, share) => {
        const exact = list.toSorted((a, b) => a - b)[Math.ceil(share * list.length) - 1] ?? Number.NaN;
        const durations = of(list);
        const found = durations.quantileMs(share) ?? Number.NaN;
        assert.ok(found >= exact / 1.051 && found <= exact * 1.051, `${found} for ${exact}`);
        const bounds = durations.quantileBoundsMs(share, 2);
        assert.ok(bounds && bounds.low <= found && found <= bounds.high);
      }),
    );
  });

  test('any, then as many above a quantile as there should be', () => {
    fc.assert(
      fc.property(lists, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (list, share) => {
        const durations = of(list);
        const above = durations.above(durations.quantileMs(share) ?? 0);
        assert.ok(Math.abs(above - (1 - share) * list.length) < 1e-6 * list.length + 1e-6, `${above}`);
      }),
    );
  });

  test('since a copy, then only what came after it; since a larger one, then all: whoever counted has begun anew', () => {
    const durations = of([10, 20]);
    const copy = durations.copy();
    durations.add(5_000);
    const since = durations.since(copy);
    assert.equal(since.total, 1);
    assert.ok((since.quantileMs(0.5) ?? 0) > 4_700);
    assert.equal(copy.total, 2);
    assert.equal(of([10]).since(copy).total, 1);
  });

  test('outside of what is counted exactly, then at its ends', () => {
    assert.equal(of([0, -1, 0.01, 1e12]).total, 4);
  });
});

describe('what was served in a window', () => {
  test('reaches back as far as it says, and a mark at most; never further than the first mark', () => {
    const history = new ServedHistory();
    const totals = (requests: number) => bothServed(aServed(requests), aServed(0));
    const within = (windowMs: number, requests: number, nowMs: number) =>
      history.within(windowMs, totals(requests), nowMs).legacy.requests;
    assert.equal(within(60_000, 7, 0), 7);
    for (let second = 0; second <= 1_200; second++) history.mark(totals(second), second * 1_000);
    assert.equal(within(60_000, 1_200, 1_200_000), 60);
    assert.equal(within(60_000, 1_205, 1_205_000), 65);
    assert.equal(within(600_000, 1_200, 1_200_000), 600);
    assert.ok(within(3_600_000, 1_200, 1_200_000) <= 610, 'what is older is forgotten');
  });
});
