// A small part of `npm run simulate`, with a seed: good new sides are promoted, bad ones never serve half of the users.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BAD, GOOD, SUDDEN, simulate } from './scenarios.ts';

const RUNS = 2;
const SEED = 7;
/** The good runs of this seed are at 50 % well before that, so that a bad one has the time to get there too. */
const GIVE_UP_HOURS = 24;
/** Too small, or too much like chance in thin traffic, to be seen without fail; gates hold what guards do not see. */
const isSmall = (name: string) => /\+2 %|\+3 %|0\.1 %|cohort of 1 %|p95 x 2 from/.test(name);

describe('simulated plans', () => {
  for (const scenario of GOOD.slice(0, 2)) {
    test(`${scenario.name}: promoted, never rolled back, in the time that bad ones are given`, () => {
      const { runs } = simulate({ ...scenario, giveUpHours: GIVE_UP_HOURS }, RUNS, SEED);
      assert.deepEqual(
        runs.map(({ end }) => end),
        Array.from({ length: RUNS }, () => 'promoted'),
      );
    });
  }

  for (const scenario of BAD.filter(({ name }) => !isSmall(name))) {
    test(`${scenario.name}: never promoted, never reaches 50 %`, () => {
      const { runs } = simulate({ ...scenario, giveUpHours: GIVE_UP_HOURS }, RUNS, SEED);
      const isPast = ({ end, reachedPercent }: (typeof runs)[number]) => end === 'promoted' || reachedPercent >= 50;
      assert.deepEqual(runs.filter(isPast), []);
    });
  }

  for (const scenario of SUDDEN.filter(({ name }) => !isSmall(name))) {
    test(`${scenario.name}: back within the longest window, before 50 %`, () => {
      const { runs } = simulate({ ...scenario, giveUpHours: GIVE_UP_HOURS }, RUNS, SEED);
      for (const { end, reachedPercent, toRollbackMs = Number.POSITIVE_INFINITY } of runs) {
        assert.equal(end, 'rolled_back');
        assert.ok(reachedPercent < 50, `${reachedPercent} %`);
        assert.ok(toRollbackMs <= 600_000, `${toRollbackMs} ms`);
      }
    });
  }
});
