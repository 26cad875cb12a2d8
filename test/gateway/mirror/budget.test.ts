import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCompareBudget } from '../../../gateway/mirror/budget.ts';
import { createOutage } from '../../../gateway/mirror/outage.ts';

describe('the budget of comparing', () => {
  it('allows its share of a core over time, and a burst at first', () => {
    let now = 0;
    const budget = createCompareBudget(10, () => now);
    let spent = 0;
    // Comparisons of 5 ms, asked for every millisecond by one route.
    for (; now < 60_000; now++) {
      if (!budget.allows('r')) continue;
      budget.spend(5);
      spent += 5;
    }
    // 10 % of a minute, and the quarter of a second saved up before; one comparison a second is always had.
    assert.ok(spent >= 6_250 && spent <= 6_550, `${spent} ms`);
  });

  it('is never exhausted by what costs less than its share', () => {
    let now = 0;
    const budget = createCompareBudget(10, () => now);
    for (; now < 10_000; now++) {
      assert.equal(budget.allows('r'), true);
      budget.spend(0.09);
    }
  });

  it('lets each route have one comparison a second even when it is exhausted', () => {
    let now = 0;
    const budget = createCompareBudget(1, () => now);
    budget.spend(1_000_000);
    const allowed = { busy: 0, rare: 0 };
    for (; now < 10_000; now += 10) {
      if (budget.allows('busy')) allowed.busy++;
      if (now % 2_000 === 0 && budget.allows('rare')) allowed.rare++;
    }
    assert.deepEqual(allowed, { busy: 10, rare: 5 });
  });
});

describe('a side that takes no connection', () => {
  it('is tried once a second after ten failures in a row, until it answers', () => {
    let now = 0;
    const outage = createOutage(() => now);
    for (let i = 0; i < 9; i++) outage.report(true);
    assert.equal(outage.allows(), true);
    outage.report(false);
    for (let i = 0; i < 10; i++) outage.report(true);
    assert.equal(outage.allows(), false);
    let tried = 0;
    for (; now < 5_000; now += 10) {
      if (!outage.allows()) continue;
      tried++;
      outage.report(true);
    }
    assert.equal(tried, 4);
    outage.report(false);
    assert.equal(outage.allows(), true);
  });
});
