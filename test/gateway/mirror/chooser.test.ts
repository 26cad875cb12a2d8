import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createChooser } from '../../../gateway/mirror/chooser.ts';

describe('a share of a sequence', () => {
  test('any share, then any stretch has nearly that many, and none or all where it says so', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(5_000),
        fc.integer({ min: 1, max: 2_000 }),
        (share, from, length) => {
          const choose = createChooser();
          for (let i = 0; i < from; i++) choose(share);
          const chosen = Array.from({ length }, () => choose(share)).filter(Boolean).length;
          // The discrepancy of the golden ratio's multiples grows with the logarithm only.
          assert.ok(
            Math.abs(chosen - share * length) <= 2 + Math.log2(length),
            `${chosen} of ${length}, ${share} wanted`,
          );
        },
      ),
    );
    const choose = createChooser();
    assert.deepEqual([choose(0), choose(1), choose(0), choose(1)], [false, true, false, true]);
  });

  test('a client whose every tenth request is special, then that kind is chosen as often as others', () => {
    const choose = createChooser();
    const chosen = Array.from({ length: 10_000 }, (_, i) => (choose(0.1) ? i % 10 : -1)).filter((kind) => kind >= 0);
    for (let kind = 0; kind < 10; kind++) {
      const count = chosen.filter((each) => each === kind).length;
      assert.ok(count >= 90 && count <= 110, `${count} of kind ${kind}`);
    }
  });
});
