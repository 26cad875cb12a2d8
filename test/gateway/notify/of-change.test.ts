// What is told of a change, and what is not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noticeOfEntry, noticeOfPlan } from '../../../gateway/notify/of-change.ts';
import type { PlanState } from '../../../gateway/rollout/plan.ts';
import { auditEntry } from '../../contracts/ledger.ts';

const told = (change: Parameters<typeof auditEntry>[0], isStored = true) => {
  const notice = noticeOfEntry(auditEntry(change), isStored);
  return notice && [notice.type, notice.severity, notice.sentence];
};
const at = (percent: number, mirrorPercent: number) => ({ percent, mirrorPercent });

describe('a change that was audited', () => {
  test('forward, then a promotion; back by a person, then a warning; else nothing', () => {
    const stage = { action: 'stage', reason: 'go' } as const;
    assert.deepEqual(told({ ...stage, before: at(5, 100), after: at(25, 100) }), [
      ...['route.promoted', 'info', 'a.route: canary 5 % -> canary 25 % by ops: go'],
    ]);
    assert.deepEqual(told({ ...stage, before: at(100, 100), after: at(100, 0) })?.[0], 'route.promoted');
    const back = { ...stage, before: at(100, 100), after: at(0, 100) };
    assert.deepEqual(told(back), ['route.moved_back', 'warning', 'a.route: live -> shadow by ops: go']);
    assert.deepEqual(told({ ...back, source: 'flags' })?.[0], 'route.moved_back');
    for (const source of ['guard', 'plan'] as const) assert.equal(told({ ...back, source }), undefined);
    assert.equal(told({ ...stage, before: at(5, 50), after: at(5, 100) }), undefined, 'only the mirror');
    assert.equal(told({ ...stage, before: at(0, 0), after: at(100, 100) }, false), undefined, 'it has not happened');
  });

  test('a rollback, then it is told with what it loses, also when it could not be stored', () => {
    const rollback = { action: 'rollback', reason: 'fire' } as const;
    assert.deepEqual(told(rollback), ['route.rolled_back', 'warning', 'a.route: rolled back to legacy by ops: fire']);
    const writesLegacyLacks = { count: 7, since: null, upTo: 7, keys: [] };
    const byGuard = { ...rollback, actor: 'guard', source: 'guard' } as const;
    assert.deepEqual(told({ ...byGuard, evidence: { numbers: { writesLegacyLacks }, basis: {} } }), [
      ...['route.rolled_back', 'critical'],
      'a.route: rolled back to legacy by guard: fire; legacy lacks 7 writes that new has accepted',
    ]);
    assert.equal(
      told({ ...rollback, scope: '*', evidence: { writesLegacyLacks: { count: 0, routes: {} } } }, false)?.[2],
      'all routes: rolled back to legacy by ops: fire; it could not be stored, and would not survive a restart',
    );
  });

  test('of no interest to others, then nothing', () => {
    for (const action of ['acknowledge', 'add_rule', 'remove_rule', 'plan', 'create', 'chain'] as const) {
      assert.equal(told({ action }), undefined);
    }
  });
});

describe("a plan's change", () => {
  const state = (change: Partial<PlanState>): PlanState => ({
    ...{ plan: 'standard', status: 'running', step: 1, place: { stage: 'canary', percent: 5 } },
    ...{ settled: true, enteredMs: 0, note: 'because' },
    ...change,
  });
  const sentence = (before: PlanState | undefined, after: PlanState) =>
    noticeOfPlan('a.route', before, after, 'now')?.sentence;

  test('to an end or a pause, then it is told once', () => {
    const running = state({});
    assert.equal(sentence(running, state({ status: 'completed' })), 'a.route: the plan standard is completed: because');
    assert.equal(sentence(running, state({ status: 'aborted' })), 'a.route: the plan standard is aborted: because');
    const paused = state({ status: 'paused' });
    assert.equal(sentence(running, paused), 'a.route: the plan standard is paused at step 2 (canary 5 %): because');
    assert.equal(sentence(paused, paused), undefined);
    assert.equal(sentence(undefined, running), undefined);
    assert.equal(sentence(running, state({ status: 'rolled_back' })), undefined, 'the rollback is told');
  });
});
