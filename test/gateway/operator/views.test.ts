import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DifferenceCount, RouteEvidence } from '../../../gateway/mirror/evidence.ts';
import { OUTCOMES, type Outcome } from '../../../gateway/mirror/observation.ts';
import { countStream, newStreamCounted, type StreamFinding } from '../../../gateway/mirror/stream-counts.ts';
import { concludeStreams } from '../../../gateway/mirror/stream-evidence.ts';
import { attentionOf } from '../../../gateway/operator/attention.ts';
import type { RouteFacts } from '../../../gateway/operator/route-facts.ts';
import { routeDetail, routeSummary } from '../../../gateway/operator/views.ts';
import { compileRoute } from '../../../gateway/routing/route.ts';
import type { StandingRule } from '../../../gateway/rule-list.ts';
import type { SideTraffic } from '../../../gateway/traffic.ts';
import { aRoute } from '../../helpers/gateway-config.ts';

const QUIET: SideTraffic = { requests: 0, errors: 0, perSecond: 0, errorShare: null, latencyMs: null };
const NO_OUTCOMES = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
const EVIDENCE: RouteEvidence = {
  window: 'stage',
  since: '2026-01-05T10:00:00.000Z',
  eligible: 0,
  pending: 0,
  outcomes: NO_OUTCOMES,
  dropped: {},
  bracketed: { comparable: 0, agreeing: 0 },
  timed: { pairs: 0, slower: 0 },
  coverage: null,
  parity: null,
  parityLowerBound: null,
  differences: [],
  differencesDropped: 0,
};
const OVERRIDE = {
  scope: 'trade.get',
  side: 'legacy',
  reason: 'prices are wrong',
  actor: 'ops',
  at: '2026-01-05T10:00:00.000Z',
  returnsTo: { stage: 'live', percent: 100, mirrorPercent: 50 },
} as const;
const aDifference: DifferenceCount = {
  ...{ path: '$.price', kind: 'changed', critical: true },
  ...{ count: 3, noise: 0, confirmed: 0, share: 0.1 },
};

const RULE: StandingRule = {
  id: 'a1',
  route: 'trade.get',
  kind: 'ignore',
  source: 'operator',
  rule: { path: '$.fee' },
  reason: 'rounded elsewhere',
  owner: 'trading',
  expires: '2026-06-01',
  permanent: null,
  createdBy: 'ops',
  createdAt: '2026-01-01T00:00:00.000Z',
  state: 'active',
  daysLeft: 147,
};

interface Given {
  readonly rules?: readonly StandingRule[];
  readonly state?: Partial<RouteFacts['state']>;
  readonly evidence?: Partial<Omit<RouteEvidence, 'outcomes'>> & {
    readonly outcomes?: Partial<Record<Outcome, number>>;
  };
  readonly fresh?: Partial<SideTraffic>;
  readonly group?: string;
  readonly openBreakers?: RouteFacts['openBreakers'];
  readonly flagNotes?: readonly string[];
}
const NO_BREAKERS = { legacy: 0, new: 0 };
const NO_WRITES = { count: 0, since: null, upTo: 0, keys: [] };

function factsOf(given: Given = {}): RouteFacts {
  const { state, evidence, fresh, group, rules = [], openBreakers = NO_BREAKERS, flagNotes = [] } = given;
  return {
    route: compileRoute(aRoute({ id: 'trade.get', ...(group === undefined ? {} : { group }) })),
    state: {
      id: 'trade.get',
      stage: 'shadow',
      percent: 0,
      mirrorPercent: 50,
      override: undefined,
      revision: 4,
      ...state,
    },
    evidence: { ...EVIDENCE, ...evidence, outcomes: { ...NO_OUTCOMES, ...evidence?.outcomes } },
    traffic: { legacy: QUIET, new: { ...QUIET, ...fresh } },
    streams: { legacy: 0, new: 0, oldSide: 0, oldest: null },
    rules,
    openBreakers,
    plan: undefined,
    guard: { kind: 'watch' },
    writes: NO_WRITES,
    processes: 4,
    flagNotes,
  };
}

describe('a route in the list', () => {
  test('quiet, then where it is, and nothing to look at', () => {
    assert.deepEqual(routeSummary(factsOf()), {
      id: 'trade.get',
      group: null,
      match: { methods: ['GET'], path: '/orders/:id' },
      stage: 'shadow',
      percent: 0,
      mirrorPercent: 50,
      samplePercent: 100,
      override: null,
      revision: 4,
      traffic: { legacy: QUIET, new: QUIET },
      streams: { legacy: 0, new: 0, oldSide: 0, oldest: null },
      comparison: { eligible: 0, coverage: null, parity: null, parityLowerBound: null, outcomes: NO_OUTCOMES },
      writesLegacyLacks: { count: 0, since: null },
      attention: [],
    });
  });

  test('that serves streams, then their rates too, and what disagrees', () => {
    const counted = newStreamCounted();
    const findings: readonly StreamFinding[] = [
      { kind: 'begun' },
      { kind: 'single', outcome: 'missing', count: 1 },
      { kind: 'ended', reason: 'new_failed' },
      { kind: 'ended', reason: 'new_ended' },
      { kind: 'ended', reason: 'legacy_failed' },
    ];
    for (const finding of findings) countStream(counted, finding);
    const streams = concludeStreams(counted, []);
    const { comparison, attention } = routeSummary(factsOf({ evidence: { streams } }));
    const { begun, coverage, parity, parityLowerBound, messages } = streams;
    assert.deepEqual(comparison.streams, { begun, coverage, parity, parityLowerBound, messages });
    assert.deepEqual([begun, coverage, parity], [1, 1, 0]);
    const said = (sentence: string) => ({ kind: 'stream_differences', severity: 'warning', sentence });
    assert.deepEqual(attention, [
      said('compared streams disagree: 0 messages differ, 1 are missing on new, 0 only it sends'),
      said('the new side would not open 1 of 1 compared streams'),
      said('the new side ended 1 of 1 compared streams before legacy did'),
    ]);
  });

  test('of a group and overridden, then both are told', () => {
    const summary = routeSummary(factsOf({ group: 'trade', state: { override: OVERRIDE } }));
    assert.equal(summary.group, 'trade');
    assert.deepEqual(summary.override, OVERRIDE);
  });
});

describe('one route', () => {
  test('then the list’s entry, its settings and its evidence', () => {
    const facts = factsOf({ evidence: { pending: 2, dropped: { queue_count: 1 }, differences: [aDifference] } });
    const { initialStage, timeoutMs, mirror, compare, redact } = facts.route.config;
    const minute = { ...EVIDENCE, window: '1m', since: '2026-01-05T10:09:00.000Z' } as const;
    const { settings, evidence, openBreakers, plan, guard, writesLegacyLacks, ...summary } = routeDetail(facts, [
      minute,
      facts.evidence,
    ]);
    assert.deepEqual([summary.streams, openBreakers], [facts.streams, facts.openBreakers]);
    assert.deepEqual([plan, guard], [null, { kind: 'watch' }]);
    assert.deepEqual(writesLegacyLacks, NO_WRITES);
    const { writesLegacyLacks: _brief, ...listed } = routeSummary(facts);
    assert.deepEqual(summary, listed);
    assert.deepEqual(settings, {
      initialStage,
      timeoutMs,
      mirror,
      compare,
      redact,
      streams: facts.route.config.streams,
      writes: { count: true },
      requires: [],
    });
    const rates = { eligible: 0, coverage: null, parity: null, parityLowerBound: null, outcomes: NO_OUTCOMES };
    assert.deepEqual(evidence, {
      window: 'stage',
      since: EVIDENCE.since,
      pending: 2,
      dropped: { queue_count: 1 },
      differences: [aDifference],
      windows: [
        { window: '1m', since: minute.since, ...rates },
        { window: 'stage', since: EVIDENCE.since, ...rates },
      ],
    });
  });

  test('survives JSON: nothing in it is undefined', () => {
    const facts = factsOf({ evidence: { differences: [aDifference] }, state: { override: OVERRIDE } });
    const detail = routeDetail(facts, [facts.evidence]);
    assert.deepEqual(JSON.parse(JSON.stringify(detail)), detail);
  });
});

describe('attention', () => {
  const sentencesOf = (given: Given) => attentionOf(factsOf(given)).map(({ sentence }) => sentence);
  const rows: readonly (readonly [what: string, given: Given, sentences: readonly string[]])[] = [
    [
      'a side left alone by some processes',
      { openBreakers: { legacy: 0, new: 3 } },
      ['3 of 4 processes leave new alone, because it keeps failing'],
    ],
    [
      'an override',
      { state: { override: OVERRIDE } },
      ['forced to legacy by ops: prices are wrong; lifting it returns to live'],
    ],
    [
      'a critical difference',
      { evidence: { differences: [aDifference] } },
      ['critical: $.price differs (changed) in 3 of the compared requests'],
    ],
    [
      'a critical difference that is noise wherever anybody could tell',
      { evidence: { differences: [{ ...aDifference, noise: 1 }], bracketed: { comparable: 10, agreeing: 10 } } },
      [],
    ],
    [
      'a place that legacy itself answers now so, now so',
      {
        evidence: {
          differences: [{ ...aDifference, count: 90, noise: 30, confirmed: 5 }],
          bracketed: { comparable: 100, agreeing: 95 },
        },
      },
      [
        'critical: $.price differs (changed) in 5 of the compared requests',
        '$.price cannot be judged in 30 of 100 requests: legacy does not agree with itself there',
      ],
    ],
    ['a difference that is not critical', { evidence: { differences: [{ ...aDifference, critical: false }] } }, []],
    ['a critical difference under a rule', { evidence: { differences: [{ ...aDifference, rule: '$.price' }] } }, []],
    [
      'the new side failing copies',
      { evidence: { outcomes: { new_error: 2 } } },
      ['the new side failed 2 copied requests that legacy answered'],
    ],
    ['copies that are late', { evidence: { outcomes: { timeout: 5 } } }, ['5 copies were not answered in time']],
    ['legacy failing', { evidence: { outcomes: { legacy_error: 5 } } }, []],
    [
      'little coverage of much',
      { evidence: { coverage: 0.5, eligible: 100 } },
      ['only 50.0 % of the eligible requests could be compared'],
    ],
    ['little coverage of little', { evidence: { coverage: 0.5, eligible: 99 } }, []],
    ['enough coverage', { evidence: { coverage: 0.9, eligible: 1_000 } }, []],
    [
      'errors of the new side',
      { fresh: { requests: 100, errors: 2 } },
      ['the new side failed 2 of 100 requests it served'],
    ],
    [
      'a rule that has expired',
      { rules: [{ ...RULE, state: 'expired', expires: '2026-01-04', daysLeft: -1 }] },
      ['the rule ignore $.fee (trading) expired on 2026-01-04: what it covered counts again'],
    ],
    ['a rule that holds for long', { rules: [RULE] }, []],
    ['one error in a hundred', { fresh: { requests: 100, errors: 1 } }, []],
    ['errors among few requests', { fresh: { requests: 19, errors: 19 } }, []],
  ];
  for (const [what, given, sentences] of rows) {
    test(`${what}: ${sentences.length === 0 ? 'none' : sentences.join('; ')}`, () => {
      assert.deepEqual(sentencesOf(given), sentences);
    });
  }

  test('says what kind it is of, and how bad it is', () => {
    const rest = { openBreakers: { legacy: 0, new: 1 }, fresh: { requests: 100, errors: 2 } };
    const found = attentionOf(
      factsOf({ ...rest, state: { override: OVERRIDE }, evidence: { outcomes: { timeout: 5 } } }),
    );
    assert.deepEqual(
      found.map(({ kind, severity }) => `${kind}: ${severity}`),
      ['override: warning', 'breaker: critical', 'timeouts: warning', 'served_errors: critical'],
    );
  });

  test('many critical differences, then the first three', () => {
    const differences = ['$.a', '$.b', '$.c', '$.d'].map((path) => ({ ...aDifference, path }));
    assert.equal(sentencesOf({ evidence: { differences } }).length, 3);
  });

  test('everything at once, then the override first', () => {
    const sentences = sentencesOf({
      state: { override: OVERRIDE },
      evidence: { differences: [aDifference], outcomes: { new_error: 1, timeout: 1 }, coverage: 0.1, eligible: 500 },
      fresh: { requests: 50, errors: 50 },
    });
    assert.equal(sentences.length, 6);
    assert.match(sentences[0] ?? '', /^forced to legacy/);
  });
});
