// Plans that wait: what is told of them, and how often.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHolds } from '../../../gateway/notify/holds.ts';
import type { Notice } from '../../../gateway/notify/notice.ts';
import type { Verdict } from '../../../gateway/rollout/gates/verdict.ts';
import type { PlanView } from '../../../gateway/rollout/plan-view.ts';

const ENTERED = '2026-01-05T10:00:00.000Z';
const LEAST_MS = 60_000;

function create() {
  const told: Notice[] = [];
  let nowMs = Date.parse(ENTERED);
  const holds = createHolds(
    (notice) => void told.push(notice),
    () => new Date(nowMs),
  );
  const verdict = (status: Verdict['status']): Verdict => ({ gate: 'parity', status, sentence: status, numbers: {} });
  const look = (gates: readonly Verdict[], change: Partial<PlanView> = {}) => {
    const view: PlanView = {
      ...{ plan: 'standard', mode: 'act', status: 'running', step: 2, steps: ['shadow', 'canary 5 %'] },
      ...{ since: ENTERED, settled: true, note: null, holds: 'parity: too few', gates },
      ...change,
    };
    holds.look('a.route', view, LEAST_MS);
    return told.length;
  };
  return { told, verdict, look, pass: (ms: number) => (nowMs += ms) };
}

describe('a plan that waits', () => {
  it('at a gate that fails is told at once, and once', () => {
    const { told, verdict, look } = create();
    assert.equal(look([verdict('fail')]), 1);
    assert.equal(look([verdict('fail')]), 1);
    assert.deepEqual(
      [told[0]?.type, told[0]?.severity, told[0]?.sentence],
      ['route.held', 'warning', 'a.route: the plan standard waits at step 2 of 2 (canary 5 %): parity: too few'],
    );
  });

  it('for want of numbers is told once its time is over, and no sooner', () => {
    const { verdict, look, pass } = create();
    assert.equal(look([verdict('inconclusive')]), 0);
    pass(LEAST_MS - 1);
    assert.equal(look([verdict('inconclusive')]), 0);
    pass(1);
    assert.equal(look([verdict('inconclusive')]), 1);
    assert.equal(look([verdict('fail')]), 2, 'it has become another thing');
    assert.equal(look([verdict('pass')], { holds: null }), 2);
    assert.equal(look([verdict('fail')]), 3, 'it waits again');
  });

  it('for its time only, for a person who paused it, or for its flags is not told', () => {
    const { verdict, look, pass } = create();
    pass(LEAST_MS);
    assert.equal(look([verdict('pass')]), 0);
    for (const change of [{ status: 'paused' }, { settled: false }, { holds: null }, { since: null }] as const) {
      assert.equal(look([verdict('fail')], change), 0, JSON.stringify(change));
    }
  });
});
