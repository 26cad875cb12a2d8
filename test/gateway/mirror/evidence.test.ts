import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from '../../../gateway/mirror/compare.ts';
import type { Difference } from '../../../gateway/mirror/compare-json.ts';
import { createEvidence, type Evidence } from '../../../gateway/mirror/evidence.ts';
import { AGREEING, COMPARABLE, OUTCOMES, type Outcome } from '../../../gateway/mirror/observation.ts';
import { anObservation } from '../../helpers/observations.ts';

const REQUEST = { requestId: 'r-1', method: 'GET', target: '/orders/1' };
const PAIR = { legacy: anObservation('legacy'), new: anObservation('new'), copied: 'new' } as const;
const aDifference = (given: Partial<Difference> = {}): Difference => ({
  path: '$.a',
  at: '/a',
  kind: 'changed',
  legacy: '1',
  new: '2',
  critical: false,
  rule: undefined,
  ...given,
});
const aVerdict = (outcome: Outcome, ...differences: Difference[]): Verdict => ({
  outcome,
  differences,
  detail: undefined,
});
function anEvidence(): Evidence {
  return createEvidence(() => new Date('2026-01-05T10:00:00.000Z'));
}
/** One request of route `r` that ends in this verdict. */
function conclude(evidence: Evidence, verdict: Verdict, request = REQUEST): void {
  evidence.begin('r');
  evidence.record('r', request, PAIR, verdict);
}

describe('accounting', () => {
  test('nothing yet, then zeros, and no shares of nothing', () => {
    assert.deepEqual(anEvidence().of('r'), {
      since: '2026-01-05T10:00:00.000Z',
      eligible: 0,
      pending: 0,
      outcomes: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])),
      dropped: {},
      bracketed: { comparable: 0, agreeing: 0 },
      coverage: null,
      parity: null,
      parityLowerBound: null,
      differences: [],
      differencesDropped: 0,
    });
  });

  test('one of each outcome and one pending, then coverage and parity over what they should be', () => {
    const evidence = anEvidence();
    for (const outcome of OUTCOMES.filter((each) => each !== 'dropped')) conclude(evidence, aVerdict(outcome));
    evidence.begin('r');
    evidence.drop('r', 'queue_count');
    evidence.begin('r');
    const { eligible, pending, coverage, parity, dropped } = evidence.of('r');
    assert.deepEqual(
      { eligible, pending, coverage, parity, dropped },
      { eligible: 9, pending: 1, coverage: 4 / 9, parity: 2 / 4, dropped: { queue_count: 1 } },
    );
  });

  test('any run of requests over several routes, then eligible is the sum of outcomes and what is pending', () => {
    const events = fc.record({
      route: fc.constantFrom('a', 'b'),
      end: fc.constantFrom(
        'pending',
        'queue_count',
        'queue_bytes',
        'client_left',
        ...OUTCOMES.filter((each) => each !== 'dropped'),
      ),
    });
    fc.assert(
      fc.property(fc.array(events, { maxLength: 60 }), (script) => {
        const evidence = anEvidence();
        for (const { route, end } of script) {
          evidence.begin(route);
          if (end === 'pending') continue;
          if (OUTCOMES.includes(end as Outcome)) evidence.record(route, REQUEST, PAIR, aVerdict(end as Outcome));
          else evidence.drop(route, end);
        }
        for (const route of ['a', 'b']) {
          const of = evidence.of(route);
          const count = (outcomes: readonly Outcome[]) =>
            outcomes.reduce((total, each) => total + of.outcomes[each], 0);
          const ends = script.filter((event) => event.route === route).map(({ end }) => end);
          assert.equal(of.eligible, ends.length);
          assert.equal(of.pending, ends.filter((end) => end === 'pending').length);
          assert.equal(of.eligible, count(OUTCOMES) + of.pending);
          assert.equal(
            Object.values(of.dropped).reduce((a, b) => a + b, 0),
            of.outcomes.dropped,
          );
          assert.equal(of.coverage, ends.length > 0 ? count(COMPARABLE) / ends.length : null);
          assert.equal(of.parity, count(COMPARABLE) > 0 ? count(AGREEING) / count(COMPARABLE) : null);
          assert.equal(of.parityLowerBound === null, of.parity === null);
        }
      }),
    );
  });

  test('an answer that was read before, then it does not change afterwards', () => {
    const evidence = anEvidence();
    const before = evidence.of('r');
    conclude(evidence, aVerdict('match'));
    assert.equal(before.outcomes.match, 0);
  });
});

describe('differences', () => {
  test('in many members of one answer, then counted once a request; its share is over the comparable', () => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('mismatch', aDifference(), aDifference(), aDifference({ kind: 'type' })));
    conclude(evidence, aVerdict('mismatch', aDifference()));
    conclude(evidence, aVerdict('match'));
    conclude(evidence, aVerdict('match'));
    conclude(evidence, aVerdict('timeout'));
    assert.deepEqual(evidence.of('r').differences, [
      { path: '$.a', kind: 'changed', critical: false, count: 2, noise: 0, confirmed: 0, share: 0.5 },
      { path: '$.a', kind: 'type', critical: false, count: 1, noise: 0, confirmed: 0, share: 0.25 },
    ]);
  });

  test('the most frequent first, then by path', () => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.c' }), aDifference({ path: '$.b' }), aDifference()));
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.c' })));
    assert.deepEqual(
      evidence.of('r').differences.map(({ path }) => path),
      ['$.c', '$.a', '$.b'],
    );
  });

  test('once under a rule and once without (it expired, or holds for errors only), then both are seen', () => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('ignored', aDifference({ rule: '$.a', critical: true })));
    conclude(evidence, aVerdict('mismatch', aDifference({ critical: true })));
    assert.deepEqual(
      evidence.of('r').differences.map(({ rule, count }) => [rule, count]),
      [
        ['$.a', 1],
        [undefined, 1],
      ],
    );
  });

  test('endless places, then a bounded list, and a count of what is not in it', () => {
    const evidence = anEvidence();
    for (let request = 0; request < 30; request++) {
      const places = Array.from({ length: 50 }, (_, i) => aDifference({ path: `$.x${request}_${i}` }));
      conclude(evidence, aVerdict('mismatch', ...places));
    }
    const { differences, differencesDropped, outcomes } = evidence.of('r');
    assert.deepEqual([differences.length, differencesDropped, outcomes.mismatch], [1_000, 500, 30]);
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.x0_0' })));
    assert.deepEqual(evidence.of('r').differences[0], {
      path: '$.x0_0',
      kind: 'changed',
      critical: false,
      count: 2,
      noise: 0,
      confirmed: 0,
      share: 2 / 31,
    });
  });
});

describe('samples', () => {
  test('what agrees leaves none; anything else one, with both sides', () => {
    const evidence = anEvidence();
    for (const outcome of OUTCOMES.filter((each) => each !== 'dropped')) conclude(evidence, aVerdict(outcome));
    assert.deepEqual(
      evidence.samples('r').map(({ n, outcome }) => [n, outcome]),
      [
        [5, 'incomparable'],
        [4, 'timeout'],
        [3, 'legacy_error'],
        [2, 'new_error'],
        [1, 'mismatch'],
      ],
    );
    const side = {
      status: 200,
      failure: undefined,
      durationMs: 1,
      headers: [['Content-Type', 'application/json']],
      body: '{}',
    };
    assert.deepEqual(evidence.samples('r').at(-1), {
      n: 1,
      at: '2026-01-05T10:00:00.000Z',
      ...REQUEST,
      outcome: 'mismatch',
      detail: undefined,
      differences: [],
      legacy: side,
      new: side,
    });
  });

  test('more than are kept, then the newest, numbered on', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second++)));
    for (let i = 1; i <= 50; i++) conclude(evidence, aVerdict('mismatch'), { ...REQUEST, requestId: `r-${i}` });
    assert.deepEqual(
      evidence.samples('r').map(({ n, requestId }) => `${n} ${requestId}`),
      Array.from({ length: 20 }, (_, i) => `${50 - i} r-${50 - i}`),
    );
  });

  test('more than are kept within a second, then only what shows something new', () => {
    const evidence = anEvidence();
    for (let i = 1; i <= 30; i++) conclude(evidence, aVerdict('mismatch'), { ...REQUEST, requestId: `r-${i}` });
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.new' })), { ...REQUEST, requestId: 'new' });
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.new' })), { ...REQUEST, requestId: 'again' });
    const ids = evidence.samples('r').map(({ requestId }) => requestId);
    assert.deepEqual([ids.length, ids[0], ids[1]], [20, 'new', 'r-20']);
  });

  test('many differences, then those that count come before the ignored ones, the critical first', () => {
    const evidence = anEvidence();
    const ignored = Array.from({ length: 200 }, (_, i) => aDifference({ path: `$.i${i}`, rule: '$' }));
    const plain = aDifference({ path: '$.plain' });
    const critical = aDifference({ path: '$.price', critical: true });
    conclude(evidence, aVerdict('mismatch', ...ignored, plain, critical));
    const [sample] = evidence.samples('r');
    assert.equal(sample?.differences.length, 50);
    assert.deepEqual(
      sample?.differences.slice(0, 3).map(({ path }) => path),
      ['$.price', '$.plain', '$.i0'],
    );
  });

  test('each route has its own', () => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('mismatch'));
    assert.deepEqual(evidence.samples('other'), []);
    assert.equal(evidence.of('other').eligible, 0);
  });
});
