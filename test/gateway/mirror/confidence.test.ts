import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { exactLow, increaseBounds, lowerBound95, shareBounds } from '../../../gateway/mirror/confidence.ts';

describe('lower bound at 95 %', () => {
  test('no trials, then undefined', () => {
    assert.equal(lowerBound95(0, 0), undefined);
  });

  // Computed by another road: the share s below the observed p with (p - s)^2 = z^2 s (1 - s) / n, found by bisection.
  const rows: readonly (readonly [hits: number, trials: number, bound: number])[] = [
    [0, 10, 0],
    [1, 1, 0.2699],
    [10, 10, 0.7871],
    [100, 100, 0.9737],
    [1000, 1000, 0.9973],
    [50, 100, 0.4188],
    [99, 100, 0.9564],
    [999, 1000, 0.9955],
  ];
  for (const [hits, trials, bound] of rows) {
    test(`${hits} of ${trials}: ${bound}`, () => {
      assert.ok(Math.abs((lowerBound95(hits, trials) ?? Number.NaN) - bound) < 5e-5, `${lowerBound95(hits, trials)}`);
    });
  }

  const counts = fc.integer({ min: 1, max: 1_000_000 });
  test('any counts, then between 0 and the share, more with more hits and with more trials of the same share', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const hits = Math.floor(trials * share);
        const bound = lowerBound95(hits, trials) ?? assert.fail();
        assert.ok(bound >= 0 && bound <= hits / trials + 1e-12);
        if (hits < trials) assert.ok((lowerBound95(hits + 1, trials) ?? 0) > bound);
        if (hits > 0) assert.ok((lowerBound95(hits * 2, trials * 2) ?? 0) > bound);
      }),
    );
  });

  test('the true share lies above the bound in about 95 of 100 experiments', () => {
    // Exact: the probability of each number of hits, summed over those whose bound does not exceed the share.
    for (const [trials, share] of [
      [100, 0.9],
      [200, 0.95],
      [50, 0.5],
    ] as const) {
      let probability = (1 - share) ** trials;
      let covered = 0;
      for (let hits = 0; hits <= trials; hits++) {
        if ((lowerBound95(hits, trials) ?? 1) <= share) covered += probability;
        probability *= ((trials - hits) / (hits + 1)) * (share / (1 - share));
      }
      assert.ok(covered > 0.93 && covered < 0.98, `${trials} trials at ${share}: ${covered}`);
    }
  });
});

describe('how much one share is above another', () => {
  // Newcombe 1998, table II, the hybrid score method (10), at two-sided 95 %.
  const Z_TWO_SIDED_95 = 1.959963984540054;
  const rows: readonly (readonly [from: [number, number], to: [number, number], low: number, high: number])[] = [
    [[48, 80], [56, 70], 0.0524, 0.3339],
    [[3, 10], [9, 10], 0.1705, 0.809],
    [[0, 20], [10, 10], 0.6791, 1],
  ];
  for (const [from, to, low, high] of rows) {
    test(`from ${from.join(' of ')} to ${to.join(' of ')}: ${low} to ${high}`, () => {
      const share = ([hits, trials]: [number, number]) => ({ hits, trials });
      const bounds = increaseBounds(share(from), share(to), Z_TWO_SIDED_95);
      assert.deepEqual(
        [bounds.low, bounds.high].map((bound) => Math.round(bound * 1e4) / 1e4),
        [low, high],
      );
    });
  }
});

describe('the exact lower bound', () => {
  // Where one or all of the trials were hits, the bound can be written down.
  for (const [hits, trials, bound] of [
    [1, 30, 1 - 0.95 ** (1 / 30)],
    [30, 30, 0.05 ** (1 / 30)],
    [1, 1_000_000, 1 - 0.95 ** (1 / 1_000_000)],
    [0, 30, 0],
    [0, 0, 0],
  ] as const) {
    test(`${hits} of ${trials}: ${bound}`, () => {
      assert.ok(Math.abs(exactLow({ hits, trials }, 0.05) - bound) < 1e-9, `${exactLow({ hits, trials }, 0.05)}`);
    });
  }

  test('at one in 31,574, a true share lies below it no oftener; below that of Wilson a hundred times as often', () => {
    const CHANCE = 1 / 31_574;
    const [trials, share] = [30, 0.01];
    let probability = (1 - share) ** trials;
    let [exact, wilson] = [0, 0];
    for (let hits = 0; hits <= trials; hits++) {
      if (exactLow({ hits, trials }, CHANCE) > share) exact += probability;
      if (shareBounds({ hits, trials }, 4).low > share) wilson += probability;
      probability *= ((trials - hits) / (hits + 1)) * (share / (1 - share));
    }
    assert.ok(exact <= CHANCE && wilson > 100 * CHANCE, `exact ${exact}, Wilson ${wilson}`);
  });
});
