import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Verdict } from '../../../gateway/mirror/compare.ts';
import { countDropped } from '../../../gateway/mirror/counts.ts';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import { createEvidence, type Evidence } from '../../../gateway/mirror/evidence.ts';
import { AGREEING, COMPARABLE, OUTCOMES, type Outcome } from '../../../gateway/mirror/observation.ts';
import { addRouteCounts, newRouteCounts } from '../../../gateway/mirror/route-counts.ts';
import { WINDOWS } from '../../../gateway/mirror/windows.ts';
import { anObservation } from '../../helpers/observations.ts';

const SENT = { requestId: 'r-1', method: 'GET', target: '/orders/1' };
const REQUEST = { ...SENT, headers: ['accept', '*/*', 'cookie', 'sid=1'], body: Buffer.alloc(0) };
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
function countsOfDropped(reason: string, copies: number) {
  const counts = newRouteCounts();
  countDropped(counts.requests, reason, copies);
  return counts;
}
function anEvidence(): Evidence {
  return createEvidence(() => new Date('2026-01-05T10:00:00.000Z'));
}
/** One request of route `r` that ends in this verdict. */
function conclude(evidence: Evidence, verdict: Verdict, request = REQUEST): void {
  evidence.begin('r');
  evidence.record('r', request, PAIR, verdict);
}

describe('accounting', () => {
  test('a difference critical in some members only, then it counts as critical beside the others', () => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('mismatch', aDifference(), aDifference({ critical: true })));
    conclude(evidence, aVerdict('mismatch', aDifference()));
    assert.deepEqual(
      evidence.of('r').differences.map(({ path, critical, count }) => [path, critical, count]),
      [
        ['$.a', false, 2],
        ['$.a', true, 1],
      ],
    );
  });

  test('nothing yet, then zeros, and no shares of nothing', () => {
    assert.deepEqual(anEvidence().of('r'), {
      window: 'stage',
      since: '2026-01-05T10:00:00.000Z',
      eligible: 0,
      pending: 0,
      outcomes: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])),
      dropped: {},
      bracketed: { comparable: 0, agreeing: 0 },
      timed: { pairs: 0, slower: 0 },
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

  test('a secret that serves as a name, then it is in no count, no sample and nothing that is stored', () => {
    const evidence = anEvidence();
    for (const name of ['hunter2', 'hunter3']) {
      conclude(
        evidence,
        aVerdict('mismatch', aDifference({ path: `$.sessions.${name}.a`, at: `/sessions/${name}/a` })),
      );
    }
    assert.deepEqual(
      evidence.of('r').differences.map(({ path, count }) => [path, count]),
      [['$.sessions.*.a', 2]],
    );
    assert.deepEqual(
      evidence.samples('r').map(({ differences }) => differences.map(({ at }) => at)),
      [['/sessions/*/a'], ['/sessions/*/a']],
    );
    const [taken] = evidence.take();
    assert.deepEqual(
      [...(taken?.slices.values() ?? [])].flatMap(({ requests }) => [...requests.differences.keys()]),
      ['changed $.sessions.*.a '],
    );
  });

  test('a secret that serves as a name in a message, then it is in no count, no sample and nothing that is stored', () => {
    const evidence = anEvidence();
    const differences = [aDifference({ path: '$.sessions.hunter2.a', at: '/sessions/hunter2/a' })];
    const verdict = aVerdict('mismatch', ...differences);
    const body = Buffer.from('{"sessions":{"hunter2":{"a":1}}}');
    const message = { body, contentType: 'application/json', event: undefined, id: undefined } as const;
    const shown = { requestId: 'r-1', outcome: 'different', differences, legacy: message, new: message } as const;
    evidence.streamed('r', { kind: 'pair', lagMs: 1, isLate: false, isReordered: false, verdict }, shown);
    const { streams } = evidence.of('r');
    assert.deepEqual([streams?.differences.map(({ path }) => path), streams?.samples.length], [['$.sessions.*.a'], 1]);
    const [taken] = evidence.take();
    const counted = [...(taken?.slices.values() ?? [])].map((counts) => [...(counts.streams?.pairs.differences ?? [])]);
    assert.ok(!JSON.stringify([streams, counted, taken]).includes('hunter2'));
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
      ...SENT,
      request: {
        headers: [
          ['accept', '*/*'],
          ['cookie', '[redacted]'],
        ],
        body: '',
        redacted: ['header:cookie'],
      },
      outcome: 'mismatch',
      detail: undefined,
      differences: [],
      legacy: side,
      new: side,
    });
  });

  test('more than are kept, then the first and the latest, numbered on', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second++)));
    for (let i = 1; i <= 50; i++) conclude(evidence, aVerdict('mismatch'), { ...REQUEST, requestId: `r-${i}` });
    const numbers = [50, 49, 48, 47, 46, 5, 4, 3, 2, 1];
    assert.deepEqual(
      evidence.samples('r').map(({ n, requestId }) => `${n} ${requestId}`),
      numbers.map((n) => `${n} r-${n}`),
    );
  });

  test('more than the first within a second, then only what shows something new, five times', () => {
    const evidence = anEvidence();
    for (let i = 1; i <= 30; i++) conclude(evidence, aVerdict('mismatch'), { ...REQUEST, requestId: `old-${i}` });
    const fresh = aVerdict('mismatch', aDifference({ path: '$.new' }));
    for (let i = 1; i <= 30; i++) conclude(evidence, fresh, { ...REQUEST, requestId: `new-${i}` });
    assert.deepEqual(
      evidence.samples('r').map(({ requestId }) => requestId),
      ['new', 'old'].flatMap((name) => [5, 4, 3, 2, 1].map((i) => `${name}-${i}`)),
    );
  });

  test('older than they are kept, then gone', () => {
    let day = 1;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, day)), { sampleDays: 7 });
    conclude(evidence, aVerdict('mismatch'));
    day = 8;
    assert.equal(evidence.samples('r').length, 1);
    day = 9;
    assert.equal(evidence.samples('r').length, 0);
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

describe('an answer in a content coding', () => {
  const bodyOf = (body: Buffer, coding: string) => {
    const evidence = anEvidence();
    const headers = ['Content-Type', 'application/json', 'Content-Encoding', coding, 'ETag', '"1"'];
    evidence.begin('r');
    const pair = { ...PAIR, new: anObservation('new', { body, headers }) };
    evidence.record('r', REQUEST, pair, aVerdict('mismatch'));
    const side = evidence.samples('r')[0]?.new;
    return { body: side?.body, names: side?.headers.map(([name]) => name) };
  };
  const TEXT = Buffer.from('{"a":1,"token":"x"}');

  test('is kept as people read it, secrets replaced', () => {
    const kept = { body: '{"a":1,"token":"[redacted]"}', names: ['Content-Type', 'ETag'] };
    assert.deepEqual(bodyOf(gzipSync(TEXT), 'gzip'), kept);
    assert.deepEqual(bodyOf(zstdCompressSync(gzipSync(TEXT)), 'gzip, zstd'), kept);
  });
  test('that is unknown, wrong or unpacks to too much, then is only described', () => {
    const bomb = gzipSync(JSON.stringify('x'.repeat(2_000_000)));
    for (const [body, coding] of [
      [TEXT, 'br'],
      [TEXT, 'gzip'],
      [bomb, 'gzip'],
    ] as const) {
      assert.equal(bodyOf(body, coding).body, `${body.length} bytes, application/json`);
      assert.deepEqual(bodyOf(body, coding).names, ['Content-Type', 'Content-Encoding', 'ETag']);
    }
  });
});

describe('what is needed to send a request again', () => {
  const redactedIn = (request: Partial<typeof REQUEST>) => {
    const evidence = anEvidence();
    conclude(evidence, aVerdict('mismatch'), { ...REQUEST, headers: ['content-type', 'application/json'], ...request });
    return evidence.samples('r')[0]?.request.redacted;
  };

  test('nothing redacted, then it is all there', () => {
    assert.deepEqual(redactedIn({}), []);
    assert.deepEqual(redactedIn({ body: Buffer.from('{"a":1}') }), []);
  });
  test('something redacted, then it is named', () => {
    assert.deepEqual(redactedIn({ target: '/a?token=x' }), ['target']);
    assert.deepEqual(redactedIn({ headers: ['Cookie', 'a=b', 'cookie', 'c=d', 'Authorization', 'x'] }), [
      'header:cookie',
      'header:authorization',
    ]);
    assert.deepEqual(redactedIn({ body: Buffer.from('{"password":"x"}') }), ['body']);
    assert.deepEqual(redactedIn({ body: Buffer.from('no JSON') }), ['body']);
  });
});

describe('windows', () => {
  /** An evidence and its clock, in seconds from an even minute. */
  function ticking() {
    const clock = { second: 0 };
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, clock.second)));
    const counted = () =>
      WINDOWS.map((window) => {
        const { eligible, outcomes } = evidence.of('r', window);
        return `${outcomes.match} of ${eligible}`;
      });
    return { clock, evidence, counted };
  }

  test('time passes, then a comparison leaves the short ones and stays in that of the stage', () => {
    const { clock, evidence, counted } = ticking();
    conclude(evidence, aVerdict('match'));
    assert.deepEqual(counted(), ['1 of 1', '1 of 1', '1 of 1']);
    clock.second = 69;
    assert.deepEqual(counted(), ['1 of 1', '1 of 1', '1 of 1']);
    clock.second = 70;
    assert.deepEqual(counted(), ['0 of 0', '1 of 1', '1 of 1']);
    clock.second = 609;
    assert.deepEqual(counted(), ['0 of 0', '1 of 1', '1 of 1']);
    clock.second = 610;
    assert.deepEqual(counted(), ['0 of 0', '0 of 0', '1 of 1']);
  });

  test('each has its own rates and differences, and says since when', () => {
    const { clock, evidence } = ticking();
    conclude(evidence, aVerdict('mismatch', aDifference()));
    clock.second = 300;
    conclude(evidence, aVerdict('match'));
    const [minute, ten, stage] = WINDOWS.map((window) => evidence.of('r', window));
    assert.deepEqual([minute?.parity, minute?.coverage, minute?.differences.length], [1, 1, 0]);
    assert.deepEqual([ten?.parity, ten?.differences.length], [0.5, 1]);
    assert.deepEqual(ten, { ...stage, window: '10m' });
    assert.equal(minute?.since, '2026-01-05T10:04:00.000Z');
    assert.equal(ten?.since, '2026-01-05T10:00:00.000Z');
  });

  test('what is pending belongs to all of them, and no rate is ever above one', () => {
    const { clock, evidence, counted } = ticking();
    evidence.begin('r');
    clock.second = 120;
    assert.deepEqual(counted(), ['0 of 1', '0 of 1', '0 of 1']);
    evidence.record('r', REQUEST, PAIR, aVerdict('match'));
    assert.deepEqual(counted(), ['1 of 1', '1 of 1', '1 of 1']);
  });

  test('the stage changes, then all begin anew; the same stage again, then they go on', () => {
    const { clock, evidence, counted } = ticking();
    evidence.enter('r', 'shadow');
    conclude(evidence, aVerdict('match'));
    clock.second = 1;
    evidence.enter('r', 'shadow');
    assert.deepEqual(counted(), ['1 of 1', '1 of 1', '1 of 1']);
    evidence.enter('r', 'canary');
    assert.deepEqual(counted(), ['0 of 0', '0 of 0', '0 of 0']);
    assert.equal(evidence.of('r').since, '2026-01-05T10:00:01.000Z');
  });

  test('any times and outcomes, then each window has what was counted in it', () => {
    const events = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.constantFrom<Outcome>('match', 'mismatch', 'timeout')), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(events, (script) => {
        const { clock, evidence } = ticking();
        const ends: [second: number, outcome: Outcome][] = [];
        for (const [pause, outcome] of script) {
          clock.second += pause;
          conclude(evidence, aVerdict(outcome));
          ends.push([clock.second, outcome]);
        }
        for (const [window, seconds] of [
          ['1m', 60],
          ['10m', 600],
          ['stage', Number.POSITIVE_INFINITY],
        ] as const) {
          const from = clock.second - (clock.second % 10) - seconds;
          const within = ends.filter(([second]) => second >= from);
          const { outcomes, eligible } = evidence.of('r', window);
          assert.equal(eligible, within.length);
          for (const each of ['match', 'mismatch', 'timeout'] as const) {
            assert.equal(outcomes[each], within.filter(([, outcome]) => outcome === each).length);
          }
        }
      }),
    );
  });
});

describe('passing on', () => {
  test('what was taken is not taken again, and all of it together is what is known', () => {
    const evidence = anEvidence();
    const elsewhere = anEvidence();
    const pass = () => {
      for (const findings of evidence.take()) elsewhere.absorb(findings);
    };
    conclude(evidence, aVerdict('mismatch', aDifference()));
    evidence.begin('r');
    pass();
    conclude(evidence, aVerdict('mismatch', aDifference({ path: '$.b' })));
    evidence.drop('r', 'queue_count');
    pass();
    assert.deepEqual(evidence.take(), []);
    assert.deepEqual(elsewhere.of('r'), evidence.of('r'));
    assert.deepEqual(elsewhere.samples('r'), evidence.samples('r'));
  });

  test('nobody takes anything for hours, then it is bounded, and nothing of it is lost', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second)));
    for (; second < 7_200; second += 5) conclude(evidence, aVerdict('match'));
    const [findings] = evidence.take();
    assert.equal(findings?.slices.size, 61);
    const taken = [...(findings?.slices.values() ?? [])].reduce(
      (sum, { requests }) => sum + requests.outcomes.match,
      0,
    );
    assert.equal(taken, 7_200 / 5);
  });

  test('endless places over hours, then a store that adds up what is taken has no more of them than are listed', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second)));
    const total = newRouteCounts(1_000_000);
    const stored = () => total.requests.differences.size;
    for (; second < 7_200; second += 4) {
      conclude(evidence, aVerdict('mismatch', aDifference({ path: `$.a${second}` }), aDifference()));
      for (const { slices } of evidence.take()) for (const counts of slices.values()) addRouteCounts(total, counts);
    }
    const { differences, differencesDropped } = evidence.of('r');
    assert.deepEqual([stored(), differences.length], [1_000, 1_000]);
    assert.equal(total.requests.differencesDropped, differencesDropped);
    assert.equal(total.requests.differences.get('changed $.a ')?.count, 1_800, 'what is listed is counted on');
  });

  test('what was kept is restored, then it is known as before, and what is new comes on top', () => {
    const before = anEvidence();
    before.enter('r', 'shadow');
    conclude(before, aVerdict('mismatch', aDifference()));
    const [findings] = before.take();
    assert.ok(findings);
    const total = [...findings.slices.values()][0];
    assert.ok(total);
    const after = anEvidence();
    after.restore([
      { route: 'r', stage: findings.stage, total, slices: findings.slices, samples: findings.added, streamSamples: [] },
    ]);
    after.enter('r', 'shadow');
    assert.deepEqual(after.of('r'), before.of('r'));
    assert.deepEqual(after.samples('r'), before.samples('r'));
    assert.deepEqual(after.take(), [], 'what was kept need not be kept again');
    conclude(after, aVerdict('match'));
    assert.equal(after.of('r', '1m').parity, 0.5);
    assert.equal(after.take()[0]?.slices.get(findings.stage.sinceMs)?.requests.outcomes.match, 1);
  });

  test('what a store has by now replaces what was taken before, and what was found since is added to it', () => {
    const evidence = anEvidence();
    evidence.enter('r', 'shadow');
    conclude(evidence, aVerdict('match'));
    const [taken] = evidence.take();
    assert.ok(taken);
    evidence.begin('r');
    evidence.drop('r', 'queue_count');
    conclude(evidence, aVerdict('timeout'));
    const total = countsOfDropped('queue_bytes', 7);
    evidence.restore([
      {
        route: 'r',
        stage: taken.stage,
        total,
        slices: new Map([[taken.stage.sinceMs, total]]),
        samples: [],
        streamSamples: [],
      },
    ]);
    for (const window of WINDOWS) {
      const { outcomes, dropped } = evidence.of('r', window);
      assert.deepEqual([outcomes.match, outcomes.timeout, dropped], [0, 1, { queue_bytes: 7, queue_count: 1 }]);
    }
    assert.equal(evidence.samples('r').length, 1);
  });

  test('a stage has begun since the store was told, then it is not put back into the one before', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second)));
    evidence.enter('r', 'shadow');
    const [taken] = evidence.take();
    assert.ok(taken);
    second = 1;
    evidence.enter('r', 'live');
    conclude(evidence, aVerdict('match'));
    const total = countsOfDropped('queue_bytes', 7);
    evidence.restore([{ route: 'r', stage: taken.stage, total, slices: new Map(), samples: [], streamSamples: [] }]);
    assert.equal(evidence.of('r').outcomes.match, 1);
    assert.equal(evidence.take()[0]?.stage.name, 'live');
  });

  test('what was kept is of another stage, then it counts no more, but its samples stay', () => {
    const after = anEvidence();
    const slice = new Map([[0, countsOfDropped('queue_count', 3)]]);
    const stage = { name: 'shadow', sinceMs: 0 };
    after.restore([
      { route: 'r', stage, total: countsOfDropped('queue_count', 3), slices: slice, samples: [], streamSamples: [] },
    ]);
    after.enter('r', 'live');
    assert.equal(after.of('r').eligible, 0);
  });

  test('a sample is no longer kept, then that is told once', () => {
    let second = 0;
    const evidence = createEvidence(() => new Date(Date.UTC(2026, 0, 5, 10, 0, second++)));
    for (let i = 0; i < 10; i++) conclude(evidence, aVerdict('mismatch'));
    evidence.take();
    conclude(evidence, aVerdict('mismatch'));
    const [findings] = evidence.take();
    assert.deepEqual([findings?.added.map(({ n }) => n), findings?.removed], [[11], [6]]);
    assert.deepEqual(evidence.take(), []);
  });
});
