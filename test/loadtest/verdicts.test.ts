import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createTally } from '../../loadtest/tally.ts';
import { allMet, judge, LIMITS, overhead, verdictsOf } from '../../loadtest/verdicts.ts';
import { measured, reportOf } from './measured.ts';

const ROUNDS = 6;
const outcomes = (tally: ReturnType<typeof createTally>, lost = {}) =>
  Object.fromEntries(verdictsOf({ arms: [...tally.arms()], lost }).map(({ what, outcome }) => [what, outcome]));
const ticker = (what: string) => `${what}: market.ticker`;

describe('a verdict', () => {
  it('is met, missed or unclear by the whole interval', () => {
    assert.equal(judge({ value: 1, low: 0.8, high: 1.2 }, 1.2), 'met');
    assert.equal(judge({ value: 1.5, low: 1.3, high: 1.7 }, 1.2), 'missed');
    assert.equal(judge({ value: 1, low: 0.8, high: 1.3 }, 1.2), 'unclear');
    assert.equal(judge({ value: 1, low: 0.8, high: null }, 1.2), 'unclear');
    assert.equal(judge(null, 1.2), 'unclear');
  });

  it('is met of two sides that are alike and a gateway that adds half a millisecond', () => {
    const tally = measured(ROUNDS, { legacy: 2, new: 2, gateway: 2.5 });
    assert.deepEqual(
      verdictsOf({ arms: [...tally.arms()], lost: {} }).filter(({ outcome }) => outcome !== 'met'),
      [],
    );
  });

  it('is missed of a new side that takes twice as long', () => {
    const tally = measured(ROUNDS, { legacy: 2, new: 4, gateway: 2.5 });
    assert.equal(outcomes(tally)[ticker(LIMITS.ratioP95.what)], 'missed');
    assert.equal(outcomes(tally)[LIMITS.overheadP50.what], 'met');
  });

  it('is missed of a gateway that adds five milliseconds', () => {
    const tally = measured(ROUNDS, { legacy: 2, new: 2, gateway: 7 });
    assert.equal(outcomes(tally)[LIMITS.overheadP50.what], 'missed');
    assert.equal(outcomes(tally)[LIMITS.overheadP95.what], 'missed');
  });

  it('is missed when the new side fails two of a thousand', () => {
    const tally = createTally();
    const point = { metric: 'answer_failed', atMs: 0, route: 'market.ticker', side: 'new' } as const;
    for (let n = 0; n < 1000; n++) tally.add({ ...point, value: n < 2 ? 1 : 0 }, 'new', 0);
    assert.equal(outcomes(tally)[LIMITS.failed.what], 'missed');
  });

  it('is missed when one request could not be sent', () => {
    assert.equal(outcomes(measured(ROUNDS, { new: 2 }), { new: 1 })[LIMITS.lost.what], 'missed');
  });

  it('is never met of nothing', () => {
    assert.equal(allMet(verdictsOf({ arms: [], lost: {} })), false);
  });

  it('against a baseline is met when nothing changed and missed when the new side takes half as long again', () => {
    const then = reportOf(measured(ROUNDS, { new: 2 }));
    const against = (ms: number) =>
      verdictsOf({ arms: [...measured(ROUNDS, { new: ms }).arms()], lost: {} }, then).find(
        ({ what }) => what === ticker(LIMITS.baselineP95.what),
      )?.outcome;
    assert.deepEqual([against(2), against(3)], ['met', 'missed']);
  });
});

describe('what the gateway adds', () => {
  it('is measured against the side that answered', () => {
    const tally = measured(ROUNDS, { legacy: 2, new: 10, gateway: 11 }, 'new');
    assert.equal(overhead(tally.arms(), 'p50')?.value.toFixed(2), '1.00');
  });

  it('is unknown where that side was not asked', () => {
    assert.equal(overhead(measured(ROUNDS, { gateway: 3 }).arms(), 'p50'), null);
  });
});

describe('the limits', () => {
  it('are those of the table in MIGRATION.md', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'MIGRATION.md'), 'utf8');
    const units: Record<string, string> = { x: ' x', ms: ' ms', share: '' };
    const rows = Object.values(LIMITS).map(({ what, limit, unit }) => `| ${what} | ${limit}${units[unit]} |`);
    assert.deepEqual(
      rows.filter((row) => !text.includes(row)),
      [],
    );
  });
});
