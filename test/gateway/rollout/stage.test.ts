import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type FlagPercents,
  flagsFor,
  STAGES,
  type Stage,
  type StageRequest,
  stageOf,
} from '../../../gateway/rollout/stage.ts';

describe('the stage that flags amount to', () => {
  const rows: readonly (readonly [percent: number, mirrorPercent: number, stage: Stage])[] = [
    [0, 0, 'legacy'],
    [0, 1, 'shadow'],
    [0, 100, 'shadow'],
    [1, 0, 'canary'],
    [1, 100, 'canary'],
    [99, 0, 'canary'],
    [99.5, 50, 'canary'],
    [100, 1, 'live'],
    [100, 100, 'live'],
    [100, 0, 'complete'],
  ];
  for (const [percent, mirrorPercent, stage] of rows) {
    test(`${percent} % on new, ${mirrorPercent} % mirrored: ${stage}`, () => {
      assert.equal(stageOf({ percent, mirrorPercent }), stage);
    });
  }
});

describe('the flags of a stage', () => {
  const rows: readonly (readonly [request: StageRequest, flags: FlagPercents])[] = [
    [{ stage: 'legacy' }, { percent: 0, mirrorPercent: 0 }],
    [{ stage: 'shadow' }, { percent: 0, mirrorPercent: 100 }],
    [
      { stage: 'shadow', mirrorPercent: 7 },
      { percent: 0, mirrorPercent: 7 },
    ],
    [
      { stage: 'canary', percent: 1 },
      { percent: 1, mirrorPercent: 100 },
    ],
    [
      { stage: 'canary', percent: 99, mirrorPercent: 100 },
      { percent: 99, mirrorPercent: 100 },
    ],
    [{ stage: 'live' }, { percent: 100, mirrorPercent: 100 }],
    [
      { stage: 'live', mirrorPercent: 1 },
      { percent: 100, mirrorPercent: 1 },
    ],
    [{ stage: 'complete' }, { percent: 100, mirrorPercent: 0 }],
  ];
  for (const [request, flags] of rows) {
    test(`${JSON.stringify(request)}: ${JSON.stringify(flags)}`, () => {
      assert.deepEqual(flagsFor(request), { ok: true, flags });
    });
  }

  const refusals: readonly (readonly [request: StageRequest, problem: string])[] = [
    [{ stage: 'canary' }, 'canary needs "percent": how many per cent of users the new side serves'],
    [{ stage: 'canary', percent: 0 }, '"percent" of a canary is a whole number from 1 to 99'],
    [{ stage: 'canary', percent: 100 }, '"percent" of a canary is a whole number from 1 to 99'],
    [{ stage: 'canary', percent: 2.5 }, '"percent" of a canary is a whole number from 1 to 99'],
    [{ stage: 'canary', percent: Number.NaN }, '"percent" of a canary is a whole number from 1 to 99'],
    [{ stage: 'canary', percent: 5, mirrorPercent: 0 }, '"mirrorPercent" is a whole number from 1 to 100'],
    [{ stage: 'shadow', mirrorPercent: 101 }, '"mirrorPercent" is a whole number from 1 to 100'],
    [{ stage: 'live', percent: 100 }, '"percent" belongs to canary; live has its own share'],
    [{ stage: 'legacy', percent: 0 }, '"percent" belongs to canary; legacy has its own share'],
    [{ stage: 'legacy', mirrorPercent: 5 }, '"mirrorPercent" has no meaning in legacy: nothing is copied'],
    [{ stage: 'complete', mirrorPercent: 5 }, '"mirrorPercent" has no meaning in complete: nothing is copied'],
  ];
  for (const [request, problem] of refusals) {
    test(`${JSON.stringify(request)} is refused: ${problem}`, () => {
      assert.deepEqual(flagsFor(request), { ok: false, problem });
    });
  }
});

describe('round trip', () => {
  test('any request that is granted, then the flags amount to the stage that was asked for', () => {
    const requests = fc.record(
      {
        stage: fc.constantFrom(...STAGES),
        percent: fc.oneof(fc.constant(undefined), fc.integer({ min: -1, max: 101 })),
        mirrorPercent: fc.oneof(fc.constant(undefined), fc.integer({ min: -1, max: 101 })),
      },
      { requiredKeys: ['stage'] },
    );
    const granted = new Set<Stage>();
    fc.assert(
      fc.property(requests, (request) => {
        const wanted = flagsFor(request);
        if (!wanted.ok) return;
        granted.add(request.stage);
        assert.equal(stageOf(wanted.flags), request.stage);
        for (const percent of Object.values(wanted.flags))
          assert.ok(Number.isInteger(percent) && percent >= 0 && percent <= 100);
        assert.equal(wanted.flags.percent, request.percent ?? wanted.flags.percent);
        assert.equal(wanted.flags.mirrorPercent, request.mirrorPercent ?? wanted.flags.mirrorPercent);
      }),
      { numRuns: 1_000 },
    );
    assert.equal(granted.size, STAGES.length);
  });
});
