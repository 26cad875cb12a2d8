import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTally } from '../../../gateway/cluster/tally.ts';

describe('the requests of a worker', () => {
  it('are told once each, gathered by route, side and end', () => {
    const tally = createTally();
    tally.count('a', 'new', 1.5, false);
    tally.count('a', 'new', 2.5, false);
    tally.count('a', 'new', 3.5, true);
    tally.count('b', 'legacy', 4.5, false);
    const { requests, unreported } = tally.take();
    assert.deepEqual(
      requests.map(({ route, side, isError, durationsMs }) => [route, side, isError, [...durationsMs]]),
      [
        ['a', 'new', false, [1.5, 2.5]],
        ['a', 'new', true, [3.5]],
        ['b', 'legacy', false, [4.5]],
      ],
    );
    assert.equal(unreported, 0);
    assert.deepEqual(tally.take(), { requests: [], unreported: 0 });
    assert.equal(tally.answered, 4);
  });

  it('that are too many to keep are counted, and there is room again after the next report', () => {
    const tally = createTally();
    for (let i = 0; i < 20_003; i++) tally.count('a', 'new', 1, false);
    const { requests, unreported } = tally.take();
    assert.deepEqual([requests[0]?.durationsMs.length, unreported], [20_000, 3]);
    tally.count('a', 'new', 1, false);
    assert.deepEqual([tally.take().requests.length, tally.answered], [1, 20_004]);
  });
});
