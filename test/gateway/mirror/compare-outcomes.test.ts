import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judge, type Verdict } from '../../../gateway/mirror/compare.ts';
import { type Observation, OUTCOMES } from '../../../gateway/mirror/observation.ts';
import { compileRules, type RulesFor } from '../../../gateway/mirror/rules.ts';
import { FAILURES, type ForwardFailure } from '../../../gateway/proxy/failure.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { aFailure, anObservation } from '../../helpers/observations.ts';

type Answer = Parameters<typeof anObservation>[1];

function rulesOf(given: Parameters<typeof aCompareConfig>[0] = {}): RulesFor {
  return (statusClass) => compileRules(aCompareConfig(given), { today: '2026-01-05', statusClass });
}
function judged(legacy: Answer, fresh: Answer, rules: RulesFor = rulesOf(), copied: Side = 'new'): Promise<Verdict> {
  return judge({ legacy: anObservation('legacy', legacy), new: anObservation('new', fresh), copied }, rules);
}
const failed = (legacy: Observation, fresh: Observation, copied: Side | undefined) =>
  judge({ legacy, new: fresh, copied }, rulesOf());
const json = (name: string, value: string) => ['Content-Type', 'application/json', name, value];

describe('somebody failed', () => {
  const statuses: readonly (readonly [legacy: number, fresh: number, outcome: string, detail: string | undefined])[] = [
    [200, 500, 'new_error', 'status 500'],
    [404, 503, 'new_error', 'status 503'],
    [500, 200, 'legacy_error', 'status 500'],
    [599, 404, 'legacy_error', 'status 599'],
    [500, 500, 'match', undefined],
    [500, 502, 'mismatch', undefined],
  ];
  for (const [legacy, fresh, outcome, detail] of statuses) {
    test(`legacy ${legacy}, new ${fresh}: ${outcome}`, async () => {
      const verdict = await judged({ status: legacy }, { status: fresh });
      assert.deepEqual([verdict.outcome, verdict.detail], [outcome, detail]);
    });
  }

  const timeouts: readonly string[] = ['upstream_timeout', 'connect_timeout', 'response_stalled'];
  for (const failure of Object.keys(FAILURES) as ForwardFailure[]) {
    const late = timeouts.includes(failure);
    test(`${failure} of the copy, then ${late ? 'timeout' : 'the error of the side that got it'}`, async () => {
      const toNew = await failed(anObservation('legacy'), aFailure('new', failure), 'new');
      assert.deepEqual([toNew.outcome, toNew.detail], [late ? 'timeout' : 'new_error', failure]);
      const toLegacy = await failed(aFailure('legacy', failure), anObservation('new'), 'legacy');
      assert.deepEqual([toLegacy.outcome, toLegacy.detail], [late ? 'timeout' : 'legacy_error', failure]);
    });
    test(`${failure} of the side that served, then its error`, async () => {
      const byNew = await failed(anObservation('legacy'), aFailure('new', failure), 'legacy');
      assert.equal(byNew.outcome, 'new_error');
      const byLegacy = await failed(aFailure('legacy', failure), anObservation('new'), 'new');
      assert.equal(byLegacy.outcome, 'legacy_error');
    });
  }

  test('both were asked on the client’s behalf and one was late, then its error: no copy was late', async () => {
    const byNew = await failed(anObservation('legacy'), aFailure('new', 'upstream_timeout'), undefined);
    assert.deepEqual([byNew.outcome, byNew.detail], ['new_error', 'upstream_timeout']);
    const byLegacy = await failed(aFailure('legacy', 'upstream_timeout'), anObservation('new'), undefined);
    assert.equal(byLegacy.outcome, 'legacy_error');
  });

  test('both failed, then legacy_error: there is nothing to hold the new side to', async () => {
    const verdict = await failed(aFailure('legacy', 'connect_failed'), aFailure('new', 'connect_failed'), 'new');
    assert.deepEqual([verdict.outcome, verdict.detail], ['legacy_error', 'connect_failed']);
  });

  test('a body larger than is kept, then incomparable, and why', async () => {
    for (const [legacy, fresh] of [
      [null, '{}'],
      ['{}', null],
    ] as const) {
      const verdict = await judged({ body: legacy }, { body: fresh });
      assert.deepEqual([verdict.outcome, verdict.detail], ['incomparable', 'a body is larger than is kept']);
    }
  });
});

describe('a status that differs beside a body that cannot be compared', () => {
  test('larger than is kept, or in an unknown coding, then a mismatch all the same: that much is known', async () => {
    const cannot: readonly Answer[] = [{ body: null }, { body: 'x', headers: ['Content-Encoding', 'nonsense'] }];
    for (const answer of cannot) {
      for (const [legacy, fresh] of [
        [{ status: 200, ...answer }, { status: 201 }],
        [{ status: 404 }, { status: 200, ...answer }],
      ] as const) {
        const { outcome, differences } = await judged(legacy, fresh);
        assert.deepEqual([outcome, differences[0]?.path], ['mismatch', 'status']);
      }
    }
  });

  test('where a rule ignores the status, then incomparable', async () => {
    const rules = rulesOf({ ignore: [{ path: 'status', ...REVIEWED }] });
    assert.equal((await judged({ status: 200, body: null }, { status: 201 }, rules)).outcome, 'incomparable');
  });
});

describe('any two observations', () => {
  const statuses = fc.constantFrom(200, 200, 200, 201, 301, 400, 404, 500, 503);
  const failures = fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(FAILURES) as ForwardFailure[])) },
  );
  const bodies = fc.oneof(
    fc.constantFrom(null, '', '{}', '[1]', 'oops', '{"a":1}', '{"a":2}', '{"t":1}', '{"t":2}'),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  const encodings = fc.constantFrom('', '', '', 'gzip', 'br', 'nonsense');
  const answers = fc.tuple(statuses, failures, bodies, encodings);
  const rules = rulesOf({ ignore: [{ path: '$.t', ...REVIEWED }] });

  test('then exactly one outcome of the list; match has no differences, mismatch one without a rule', async () => {
    const seen = new Set<string>();
    const observed = (side: Side, [status, failure, body, coding]: [number, ForwardFailure | null, unknown, string]) =>
      failure
        ? aFailure(side, failure)
        : anObservation(side, { status, body, headers: json('Content-Encoding', coding) });
    await fc.assert(
      fc.asyncProperty(answers, answers, fc.constantFrom<Side>('legacy', 'new'), async (a, b, copied) => {
        const { outcome, differences } = await judge(
          { legacy: observed('legacy', a), new: observed('new', b), copied },
          rules,
        );
        seen.add(outcome);
        assert.ok(OUTCOMES.includes(outcome));
        assert.notEqual(outcome, 'dropped');
        const unruled = differences.filter(({ rule }) => rule === undefined).length;
        assert.equal(outcome === 'mismatch', unruled > 0);
        assert.equal(outcome === 'ignored', differences.length > 0 && unruled === 0);
      }),
      { numRuns: 3_000, seed: 1 },
    );
    assert.deepEqual([...seen].sort(), OUTCOMES.filter((outcome) => outcome !== 'dropped').sort());
  });
});
