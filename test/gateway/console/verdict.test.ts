import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteSummary } from '../../../gateway/console/answers.ts';
import { healthOf, overallVerdict, parityText } from '../../../gateway/console/verdict.ts';

type Side = RouteSummary['traffic']['legacy'];

const QUIET: Side = { requests: 0, errors: 0, perSecond: 0, errorShare: null, latencyMs: null };
const BUSY: Side = { ...QUIET, requests: 100, perSecond: 1, errorShare: 0 };
const OUTCOMES = {
  match: 0,
  ignored: 0,
  mismatch: 0,
  new_error: 0,
  legacy_error: 0,
  timeout: 0,
  dropped: 0,
  incomparable: 0,
};

function aRoute(given: Partial<RouteSummary> = {}): RouteSummary {
  return {
    ...{ id: 'a', group: null, match: { methods: ['GET'], path: '/a' }, stage: 'legacy', percent: 0, mirrorPercent: 0 },
    ...{ samplePercent: 100, override: null, revision: 1, traffic: { legacy: BUSY, new: QUIET } },
    streams: { legacy: 0, new: 0, oldSide: 0, oldest: null },
    comparison: { eligible: 0, outcomes: OUTCOMES, coverage: null, parity: null, parityLowerBound: null },
    writesLegacyLacks: { count: 0, since: null },
    attention: [],
    ...given,
  };
}

const OVERRIDE: RouteSummary['override'] = {
  ...{ scope: 'a', side: 'legacy', reason: 'x', actor: 'ops', at: '2026-01-05T10:00:00.000Z' },
  returnsTo: { stage: 'live', percent: 100, mirrorPercent: 100 },
};
const WARNING = { kind: 'timeouts', severity: 'warning', sentence: '3 copies were not answered in time' } as const;
const NOTE = { kind: 'plan', severity: 'info', sentence: 'the plan waits for a person' } as const;

describe('the health of a route', () => {
  const cases: readonly (readonly [what: string, given: Partial<RouteSummary>, health: string])[] = [
    ['that serves without a failure', {}, 'healthy'],
    ['that nobody asks', { traffic: { legacy: QUIET, new: QUIET } }, 'unknown'],
    ['on its way', { stage: 'canary', percent: 5 }, 'progressing'],
    ['with something to look at', { attention: [WARNING] }, 'degraded'],
    ['with a note that is only to be known', { attention: [NOTE] }, 'healthy'],
    ['under an override', { override: OVERRIDE }, 'paused'],
    ['that fails now', { traffic: { legacy: BUSY, new: { ...BUSY, errorShare: 0.02 } } }, 'degraded'],
    [
      'that failed one of few',
      { traffic: { legacy: { ...BUSY, perSecond: 0.1, errorShare: 0.2 }, new: QUIET } },
      'healthy',
    ],
  ];
  for (const [what, given, health] of cases) {
    it(`${what} is ${health}`, () => assert.equal(healthOf(aRoute(given)), health));
  }
});

describe('the verdict on all routes', () => {
  const verdict = (routes: readonly RouteSummary[], warnings: readonly string[] = [], forced = false) =>
    overallVerdict(routes, warnings, forced);

  it('is good where nothing is wrong', () => {
    assert.deepEqual(verdict([aRoute(), aRoute()]), { tone: 'good', text: 'All 2 routes as they should be' });
  });

  it('counts what is to be looked at', () => {
    const { tone, text } = verdict([aRoute({ attention: [WARNING] }), aRoute({ override: OVERRIDE })], ['no flags']);
    assert.deepEqual([tone, text], ['bad', '1 route to look at, 1 route held by an override, 1 warning']);
  });

  it('says first of all that every route is forced', () => {
    assert.deepEqual(verdict([aRoute()], [], true), { tone: 'bad', text: 'Every route is forced to legacy' });
  });
});

describe('parity in words', () => {
  const comparison = aRoute().comparison;

  it('comes with its bound and its coverage', () => {
    const told = parityText({ ...comparison, eligible: 10, parity: 0.9971, parityLowerBound: 0.994, coverage: 0.942 });
    assert.equal(told, '99.71 % alike (at least 99.40 %), of 94.2 % compared');
  });

  it('says that there is none', () => {
    assert.equal(parityText(comparison), 'nothing compared');
    assert.equal(parityText({ ...comparison, eligible: 4 }), 'nothing of 4 could be compared');
  });
});
