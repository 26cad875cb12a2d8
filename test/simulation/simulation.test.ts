// A small part of `npm run simulate`, with a seed: good new sides are promoted, bad ones never serve half of the users.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BAD, countOf, GOOD, SUDDEN, simulate } from './scenarios.ts';

const SEED = 7;
/** Too small, or too much like chance in thin traffic, to be seen without fail; gates hold what guards do not see. */
const isSmall = (name: string) => /\+2 %|\+3 %|0\.1 %|cohort of 1 %|p95 x 2 from/.test(name);

describe('simulated plans', () => {
  for (const scenario of GOOD.slice(0, 2)) {
    test(`${scenario.name}: promoted, never rolled back`, () => {
      const tally = simulate(scenario, 2, SEED);
      assert.equal(
        countOf(tally, ({ end }) => end === 'promoted'),
        3,
      );
    });
  }

  for (const scenario of BAD.filter(({ name }) => !isSmall(name))) {
    test(`${scenario.name}: never reaches 50 %`, () => {
      const tally = simulate({ ...scenario, giveUpHours: 2 }, 2, SEED);
      assert.deepEqual(
        tally.runs.filter(({ reachedPercent }) => reachedPercent >= 50),
        [],
      );
    });
  }

  for (const scenario of SUDDEN.filter(({ name }) => !isSmall(name))) {
    test(`${scenario.name}: back within the longest window, before 50 %`, () => {
      const { runs } = simulate({ ...scenario, giveUpHours: 24 }, 2, SEED);
      for (const { end, reachedPercent, toRollbackMs = Number.POSITIVE_INFINITY } of runs) {
        assert.equal(end, 'rolled_back');
        assert.ok(reachedPercent < 50, `${reachedPercent} %`);
        assert.ok(toRollbackMs <= 600_000, `${toRollbackMs} ms`);
      }
    });
  }
});
