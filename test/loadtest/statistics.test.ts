import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { meanOverRounds, percentile, rankInterval, ratioOverRounds } from '../../loadtest/statistics.ts';
import { createRandom } from '../sandbox/seed/random.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('a percentile', () => {
  it('of 1 to 100 is the nearest rank', () => {
    assert.deepEqual(
      [0.5, 0.95, 0.99].map((share) => percentile(upTo(100), share).value),
      [50, 95, 99],
    );
  });

  it('has the interval of the binomial tables: the median of 100 lies from the 40th to the 61st', () => {
    assert.deepEqual(percentile(upTo(100), 0.5), { value: 50, low: 40, high: 61 });
  });

  it('has no upper bound where too few values lie above it: a p95 needs 72', () => {
    assert.equal(rankInterval(0.95, 71).high, undefined);
    assert.equal(rankInterval(0.95, 72).high, 71);
  });

  it('of nothing is an error', () => {
    assert.throws(() => percentile([], 0.5), RangeError);
  });

  it('lies in its own interval, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, share) => {
          const { value, low, high } = percentile(
            values.toSorted((a, b) => a - b),
            share,
          );
          assert.ok((low ?? value) <= value && value <= (high ?? value));
        },
      ),
      { seed: 1 },
    );
  });

  it('is in its interval in at least 95 % of samples of a skewed distribution', () => {
    const random = createRandom(7);
    const uniform = () => random.int(0, 1_000_000) / 1_000_001;
    let held = 0;
    for (let n = 0; n < 400; n++) {
      const sample = Array.from({ length: 200 }, () => -Math.log(1 - uniform())).sort((a, b) => a - b);
      const { low, high } = percentile(sample, 0.95);
      const truth = -Math.log(0.05);
      if (low !== null && high !== null && low <= truth && truth <= high) held += 1;
    }
    assert.ok(held >= 0.94 * 400, `${held} of 400`);
    assert.ok(held <= 0.99 * 400, `${held} of 400: wider than it need be`);
  });
});

describe('a mean over rounds', () => {
  it("has Student's interval", () => {
    const { value, low, high } = meanOverRounds([1, 2, 3, 4, 5]);
    assert.equal(value, 3);
    assert.equal(high?.toFixed(3), '4.963');
    assert.equal(low?.toFixed(3), '1.037');
  });

  it('has none of one round', () => {
    assert.deepEqual(meanOverRounds([2]), { value: 2, low: null, high: null });
  });

  it('of ratios is geometric: twice and half as much is as much', () => {
    assert.equal(ratioOverRounds([2, 0.5]).value.toFixed(6), '1.000000');
  });

  it('of ratios that are all 1 has the bounds 1', () => {
    assert.deepEqual(ratioOverRounds([1, 1, 1]), { value: 1, low: 1, high: 1 });
  });
});
