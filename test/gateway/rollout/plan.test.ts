// The plan as a state machine: what an operator may ask for, when it goes on by itself, and where the flags have to be.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { plan as planSchema } from '../../../config/plan-schema.ts';
import type { GateStatus, Verdict } from '../../../gateway/rollout/gates/verdict.ts';
import {
  type Asked,
  act,
  advance,
  begin,
  goalOf,
  PLAN_ACTIONS,
  type PlanState,
  pause,
  placeText,
  rolledBack,
  settle,
  stepAt,
  strangeness,
} from '../../../gateway/rollout/plan.ts';

const PLAN = planSchema.parse({
  steps: [
    { stage: 'shadow', leastMs: 100, gates: ['parity'] },
    { stage: 'canary', percent: 10, leastMs: 100, gates: ['parity'] },
    { stage: 'canary', percent: 50, leastMs: 0 },
    { stage: 'live', leastMs: 0, gates: ['manual'] },
    { stage: 'complete' },
  ],
});
const verdict = (status: GateStatus, gate: Verdict['gate'] = 'parity'): Verdict => ({
  ...{ gate, status, sentence: `it is ${status}`, numbers: {} },
});
const asked = (given: Partial<Asked> = {}): Asked => ({
  ...{ name: 'p', plan: PLAN, nowMs: 1_000, verdicts: [verdict('pass')], reason: 'why', force: false },
  ...given,
});
const STARTED = settle(begin({ name: 'p', plan: PLAN, nowMs: 0 }, 'go'), 0);
const brief = (state: PlanState) => [state.status, placeText(state.place), state.settled];

describe('a plan', () => {
  test('goes on when its time is over and all gates pass, and says what holds it', () => {
    const at = (nowMs: number, status: GateStatus) => advance(STARTED, PLAN, { nowMs, verdicts: [verdict(status)] });
    assert.deepEqual(at(99, 'pass'), { holds: 'the step lasts until 1970-01-01T00:00:00.100Z at least' });
    assert.deepEqual(at(100, 'fail'), { holds: 'parity: it is fail' });
    assert.deepEqual(at(100, 'inconclusive'), { holds: 'parity: it is inconclusive' });
    const step = at(100, 'pass');
    assert.ok('next' in step);
    assert.deepEqual(brief(step.next), ['running', 'canary 10 %', false]);
    assert.deepEqual(goalOf(step.next), { stage: 'canary', percent: 10 });
  });

  test('is completed when "complete" has been reached', () => {
    let state = STARTED;
    for (let nowMs = 1_000; state.status === 'running' && nowMs < 10_000; nowMs += 1_000) {
      const outcome = act('promote', state, asked({ nowMs }));
      assert.ok(outcome.ok);
      state = settle(outcome.state, nowMs);
    }
    assert.deepEqual(brief(state), ['completed', 'complete', true]);
  });

  test('promoted against its gates is refused with their sentences, and goes on when forced', () => {
    const failing = asked({ verdicts: [verdict('fail'), verdict('inconclusive', 'manual')] });
    assert.deepEqual(act('promote', STARTED, failing), {
      ok: false,
      kind: 'gate_not_met',
      problem: 'parity: it is fail',
    });
    const forced = act('promote', STARTED, { ...failing, force: true });
    assert.ok(forced.ok);
    assert.deepEqual(brief(forced.state), ['running', 'canary 10 %', false]);
  });

  test("waits at a manual gate for a person's promotion", () => {
    const manual = [verdict('inconclusive', 'manual')];
    assert.ok('holds' in advance(STARTED, PLAN, { nowMs: 1_000, verdicts: manual }));
    assert.equal(act('promote', STARTED, asked({ verdicts: manual })).ok, true);
  });

  test('rolled back, wants the flags in shadow: lifting the override must not bring users back to the new side', () => {
    const state = rolledBack({ ...STARTED, place: { stage: 'canary', percent: 50 } }, 'prices are wrong');
    assert.deepEqual(goalOf(state), { stage: 'shadow' });
    assert.equal(act('resume', state, asked()).ok, false);
    const again = act('start', state, asked());
    assert.ok(again.ok);
    assert.deepEqual(brief(again.state), ['running', 'shadow', false]);
  });

  test('whose steps or whose name have been changed does not go on', () => {
    const other = { ...PLAN, steps: PLAN.steps.slice(1) };
    assert.equal(strangeness(STARTED, { name: 'p', plan: PLAN }), undefined);
    assert.match(
      strangeness(STARTED, { name: 'p', plan: other }) ?? '',
      /^the steps of p have been changed: step 1 was/,
    );
    assert.equal(strangeness(STARTED, { name: 'q', plan: PLAN }), "the route's plan was p and is q now");
    assert.equal(act('promote', STARTED, asked({ plan: other })).ok, false);
    assert.equal(act('abort', STARTED, asked({ plan: other })).ok, true);
  });

  test('as a dry run is in the last step that the flags have reached', () => {
    const at = (stage: 'legacy' | 'shadow' | 'canary' | 'live' | 'complete', percent = 0) =>
      stepAt(PLAN, { stage, percent });
    assert.deepEqual(
      [at('legacy'), at('shadow'), at('canary', 5), at('canary', 10), at('canary', 60), at('live'), at('complete')],
      [-1, 0, 0, 1, 2, 3, 4],
    );
  });

  test('after any actions and looks: never two steps at once, never backwards but to begin anew, never against a gate', () => {
    const event = fc.oneof(
      fc.constantFrom(...PLAN_ACTIONS),
      fc.constantFrom('look', 'settle', 'guard', 'moved by hand' as const),
    );
    const run = fc.array(fc.tuple(event, fc.constantFrom<GateStatus>('pass', 'fail', 'inconclusive')), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(run, (events) => {
        let state: PlanState | undefined;
        for (const [index, [what, status]] of events.entries()) {
          const nowMs = index * 200;
          const before: PlanState | undefined = state;
          state = happen(before, what, nowMs, [verdict(status)]);
          if (!before || !state || what === 'start') continue;
          assert.ok(state.step === before.step || state.step === before.step + 1, `${what}: ${before.step}`);
          if (state.step > before.step) {
            assert.equal(status, 'pass');
            assert.ok(before.settled, 'the flags were where the plan wanted them');
          }
          if (before.status === 'paused' && what === 'look') assert.deepEqual(state, before);
        }
      }),
    );
  });
});

function happen(
  state: PlanState | undefined,
  what: string,
  nowMs: number,
  verdicts: readonly Verdict[],
): PlanState | undefined {
  const action = PLAN_ACTIONS.find((each) => each === what);
  if (action) {
    const outcome = act(action, state, asked({ nowMs, verdicts }));
    return outcome.ok ? outcome.state : state;
  }
  if (!state) return undefined;
  if (what === 'settle') return settle(state, nowMs);
  const isUnderWay = state.status === 'running' || state.status === 'paused';
  if (what === 'guard') return isUnderWay ? rolledBack(state, 'bad') : state;
  if (state.status !== 'running' || !state.settled) return state;
  if (what === 'moved by hand') return pause(state, 'moved');
  const step = advance(state, PLAN, { nowMs, verdicts });
  return 'next' in step ? step.next : state;
}
