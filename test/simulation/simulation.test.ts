// A small part of `npm run simulate`, with a seed: good new sides are promoted, bad ones never serve half of the users, those
// that become bad suddenly go back in time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BAD, GOOD, isWrong, SUDDEN, simulate } from './scenarios.ts';
import { upperBound } from './upper-bound.ts';

const RUNS = 2;
const SEED = 7;

describe('simulated plans', () => {
  for (const scenario of GOOD.slice(0, 2)) {
    test(`${scenario.name}: promoted, in the time that bad ones are given`, () => {
      const { runs } = simulate({ ...scenario, giveUpHours: BAD[0]?.giveUpHours ?? 0 }, RUNS, SEED);
      assert.deepEqual(
        runs.map(({ end }) => end),
        Array.from({ length: RUNS }, () => 'promoted'),
      );
    });
  }

  for (const scenario of BAD) {
    test(`${scenario.name}: never promoted, never reaches 50 %`, () => {
      const { runs } = simulate(scenario, RUNS, SEED);
      assert.deepEqual(
        runs.filter((run) => isWrong(scenario, run)),
        [],
      );
    });
  }

  for (const scenario of SUDDEN.filter(({ isLarge }) => isLarge)) {
    test(`${scenario.name}: back within the longest window`, () => {
      const { runs } = simulate(scenario, RUNS, SEED);
      assert.deepEqual(
        runs.filter((run) => run.end !== 'rolled_back' || isWrong(scenario, run)),
        [],
      );
    });
  }

  test('the same seed gives the same runs', () => {
    const [scenario] = SUDDEN;
    assert.ok(scenario);
    assert.deepEqual(simulate(scenario, 1, SEED), simulate(scenario, 1, SEED));
  });

  test('what counted shares can be at most', () => {
    assert.ok(Math.abs(upperBound(0, 300) - (1 - 0.05 ** (1 / 300))) < 1e-9);
    assert.ok(Math.abs(upperBound(5, 100) - 0.10225) < 1e-4);
    assert.equal(upperBound(3, 3), 1);
  });
});
