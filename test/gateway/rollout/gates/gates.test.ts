// What each gate answers, and that none of them passes without data.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GATES, STANDARD_PLAN } from '../../../../config/plan-schema.ts';
import { coverageGate } from '../../../../gateway/rollout/gates/coverage.ts';
import { dataGate } from '../../../../gateway/rollout/gates/data.ts';
import { errorsGate } from '../../../../gateway/rollout/gates/errors.ts';
import { judgeGates } from '../../../../gateway/rollout/gates/judge.ts';
import { latencyGate } from '../../../../gateway/rollout/gates/latency.ts';
import { parityGate } from '../../../../gateway/rollout/gates/parity.ts';
import { aCompared, aServed, bothServed, NOT_SERVED, someStreams } from '../../../helpers/rollout.ts';

const { gates } = STANDARD_PLAN;
const statusAnd = ({ status, sentence }: { status: string; sentence: string }) => [status, sentence];

describe('without any data', () => {
  test('no gate passes but "data" of a route that requires none', () => {
    for (const stage of ['shadow', 'canary', 'live'] as const) {
      const facts = { stage, compared: aCompared(), served: NOT_SERVED, certificates: [] };
      const answers = judgeGates(GATES, facts, gates).map(({ gate, status }) => [gate, status]);
      const inconclusive = (gate: string) => [gate, gate === 'data' ? 'pass' : 'inconclusive'];
      assert.deepEqual(answers, GATES.map(inconclusive));
    }
  });
});

describe('parity', () => {
  const worst = { path: '$.fee', count: 12 };

  test('below what is needed, then a failure that says how far, how many, and where', () => {
    const compared = aCompared({ agreeing: 4_778, mismatches: 34, worst });
    assert.deepEqual(statusAnd(parityGate(compared, gates.parity)), [
      'fail',
      'parity 99.06 % lower bound is below 99.90 %: 34 of 4,812 differ, 12 at $.fee',
    ]);
  });

  test('perhaps enough, then inconclusive: more of the same may show it', () => {
    const compared = aCompared({ agreeing: 2_000 });
    assert.deepEqual(statusAnd(parityGate(compared, gates.parity)), [
      'inconclusive',
      'parity 99.86 % lower bound is below 99.90 %: 0 of 2,000 differ',
    ]);
  });

  test('2,703 without a difference are the fewest that show 99.9 %', () => {
    assert.equal(parityGate(aCompared({ agreeing: 2_702 }), gates.parity).status, 'inconclusive');
    assert.equal(parityGate(aCompared({ agreeing: 2_703 }), gates.parity).status, 'pass');
    const settings = { ...gates.parity, lowerBoundMin: 0.99 };
    assert.equal(parityGate(aCompared({ agreeing: 267 }), settings).status, 'inconclusive');
    assert.equal(parityGate(aCompared({ agreeing: 268 }), settings).status, 'pass');
  });

  test('one difference at a critical place among a million, then a failure', () => {
    const compared = aCompared({ agreeing: 999_999, mismatches: 1, critical: [{ path: '$.price', count: 1 }] });
    assert.deepEqual(statusAnd(parityGate(compared, gates.parity)), [
      'fail',
      'critical: $.price differs in 1 of 1,000,000',
    ]);
  });

  const counts = fc.record({
    agreeing: fc.nat(1_000_000),
    mismatches: fc.nat(10_000),
    newErrors: fc.nat(10_000),
  });
  test('any counts: what passes still passes with one more that agrees, and never with fewer than the minimum', () => {
    fc.assert(
      fc.property(counts, (given) => {
        const status = (more: number) =>
          parityGate(aCompared({ ...given, agreeing: given.agreeing + more }), gates.parity).status;
        if (status(0) === 'pass') assert.equal(status(1), 'pass');
        if (given.agreeing + given.mismatches + given.newErrors < gates.parity.samplesMin) {
          assert.equal(status(0), 'inconclusive');
        }
        const share = given.agreeing / (given.agreeing + given.mismatches + given.newErrors);
        if (share < gates.parity.lowerBoundMin) assert.notEqual(status(0), 'pass');
      }),
    );
  });
});

describe('coverage', () => {
  test('too little compared, then a failure; enough, then a pass; too few eligible, then neither', () => {
    const compared = (eligible: number, agreeing: number) => aCompared({ eligible, agreeing });
    assert.deepEqual(statusAnd(coverageGate(compared(1_000, 412), gates.coverage)), [
      'fail',
      'coverage 41.20 % is below 90.00 %: 412 of 1,000 eligible requests were compared',
    ]);
    assert.equal(coverageGate(compared(1_000, 900), gates.coverage).status, 'pass');
    assert.equal(coverageGate(compared(199, 199), gates.coverage).status, 'inconclusive');
  });
});

describe('a route that serves streams', () => {
  const place = { path: '$.price', count: 1 };
  const parity = (given: Parameters<typeof aCompared>[0]) => statusAnd(parityGate(aCompared(given), gates.parity));

  test('and nothing else, then parity is that of their messages', () => {
    assert.deepEqual(parity({ streams: someStreams(2_703) }), [
      'pass',
      'parity is at least 99.90 %, 99.90 % is needed: 0 of 2,703 messages differ',
    ]);
    assert.equal(parity({ streams: someStreams(2_702) })[0], 'inconclusive');
    const judged = { hits: 900, trials: 1_000 };
    assert.deepEqual(parity({ streams: someStreams(0, { judged, worst: { path: '$.fee', count: 90 } }) }), [
      'fail',
      'parity 88.32 % lower bound is below 99.90 %: 100 of 1,000 messages differ, 90 at $.fee',
    ]);
  });

  test('of which few were compared, then many messages say nothing: those of one stream are much alike', () => {
    assert.deepEqual(parity({ streams: someStreams(100_000, { begun: 9 }) }), [
      'inconclusive',
      '0 compared, at least 200 are needed; 100,000 messages of 9 streams, at least 200 of 10',
    ]);
    assert.equal(parity({ agreeing: 5_000, streams: someStreams(100_000, { begun: 9 }) })[0], 'pass');
  });

  test('and requests, then neither can hide the other', () => {
    const bad = { judged: { hits: 900, trials: 1_000 } };
    assert.equal(parity({ agreeing: 1_000_000, streams: someStreams(0, bad) })[0], 'fail');
    assert.equal(parity({ agreeing: 900, mismatches: 100, streams: someStreams(1_000_000) })[0], 'fail');
    assert.equal(parity({ agreeing: 5_000, streams: someStreams(5_000) })[0], 'pass');
  });

  test('that differ once at a critical place, then a failure, however few there are', () => {
    const streams = someStreams(0, { begun: 1, judged: { hits: 0, trials: 1 }, critical: [place] });
    assert.deepEqual(parity({ agreeing: 1_000_000, streams }), [
      'fail',
      'critical: $.price differs in 1 of 1 messages',
    ]);
  });

  test('of which many messages were not compared, or many streams not begun with, then coverage fails', () => {
    const coverage = (streams: ReturnType<typeof someStreams>) =>
      statusAnd(coverageGate(aCompared({ streams }), gates.coverage));
    assert.equal(coverage(someStreams(1_000))[0], 'pass');
    assert.deepEqual(coverage(someStreams(0, { coveredMessages: { hits: 500, trials: 1_000 } })), [
      'fail',
      'coverage 50.00 % is below 90.00 %: 500 of 1,000 messages were compared, in 100 of 100 streams',
    ]);
    assert.equal(coverage(someStreams(1_000, { coveredStreams: { hits: 10, trials: 100 } }))[0], 'fail');
    assert.equal(coverage(someStreams(199))[0], 'inconclusive');
  });

  test('that new will not open, then errors fail; that it opens, then they pass', () => {
    const errors = (failed: number) => {
      const streams = someStreams(0, { begun: 2_000, failed: { legacy: 0, new: failed } });
      const facts = {
        stage: 'shadow' as const,
        compared: aCompared({ streams }),
        served: NOT_SERVED,
        certificates: [],
      };
      return statusAnd(errorsGate(facts, gates.errors));
    };
    assert.deepEqual(errors(0), ['pass', 'new failed 0 of 2,000 compared streams, legacy 0 of 2,000']);
    assert.equal(errors(100)[0], 'fail');
  });
});

describe('errors', () => {
  const facts = (stage: 'shadow' | 'canary' | 'live', given: Partial<Parameters<typeof errorsGate>[0]>) => ({
    ...{ stage, compared: aCompared(), served: NOT_SERVED, certificates: [] },
    ...given,
  });

  test('in shadow copies speak: none that fail, then a pass; many, then a failure', () => {
    const good = facts('shadow', { compared: aCompared({ agreeing: 2_000 }) });
    assert.deepEqual(statusAnd(errorsGate(good, gates.errors)), [
      'pass',
      'new failed 0 of 2,000 copied requests, legacy 0 of 2,000',
    ]);
    const bad = facts('shadow', { compared: aCompared({ agreeing: 1_900, newErrors: 100 }) });
    assert.deepEqual(statusAnd(errorsGate(bad, gates.errors)), [
      'fail',
      'new failed 100 of 2,000 copied requests, legacy 0 of 2,000: at least 4.25 % more, an increase of 0.50 % is borne',
    ]);
  });

  test('copies that are not answered in time are failures of the side that gets them', () => {
    const compared = aCompared({ agreeing: 1_900, timeouts: 100 });
    assert.equal(errorsGate(facts('shadow', { compared }), gates.errors).status, 'fail');
    assert.equal(errorsGate(facts('live', { compared }), gates.errors).status, 'pass');
  });

  test('in canary nobody served yet, then inconclusive, however good the copies are', () => {
    const compared = aCompared({ agreeing: 100_000 });
    const served = bothServed(aServed(1_000), aServed(19));
    assert.deepEqual(statusAnd(errorsGate(facts('canary', { compared, served }), gates.errors)), [
      'inconclusive',
      'the new side has served 19 in this step, at least 20 are needed',
    ]);
    const more = bothServed(aServed(1_000), aServed(20));
    assert.equal(errorsGate(facts('canary', { compared, served: more }), gates.errors).status, 'pass');
  });

  test('in live what fails only when it is served is held against legacy with its copies', () => {
    const compared = aCompared({ agreeing: 10_000 });
    const live = (errors: number) =>
      facts('live', { compared, served: bothServed(aServed(), aServed(10_000, errors)) });
    assert.equal(errorsGate(live(100), gates.errors).status, 'fail');
    assert.equal(errorsGate(live(0), gates.errors).status, 'pass');
  });

  test('served requests fail, then copies that do not cannot hide it', () => {
    const compared = aCompared({ agreeing: 100_000 });
    const served = bothServed(aServed(2_000, 2), aServed(1_000, 40));
    assert.equal(errorsGate(facts('canary', { compared, served }), gates.errors).status, 'fail');
  });

  test('both sides fail alike, then a pass once there are enough', () => {
    const served = (requests: number) =>
      bothServed(aServed(requests, requests / 100), aServed(requests, requests / 100));
    const status = (requests: number) => errorsGate(facts('canary', { served: served(requests) }), gates.errors).status;
    assert.deepEqual([100, 1_000, 10_000].map(status), ['inconclusive', 'inconclusive', 'pass']);
  });
});

describe('latency', () => {
  const judge = (legacy: readonly number[], fresh: readonly number[], requests = 2_000) =>
    latencyGate(bothServed(aServed(requests, 0, legacy), aServed(requests, 0, fresh)), gates.latency);

  test('as fast, then a pass; twice as slow, then a failure; too few, then neither', () => {
    assert.equal(judge([10, 20, 30], [10, 20, 30]).status, 'pass');
    assert.equal(judge([10, 20, 30], [20, 40, 60]).status, 'fail');
    assert.match(
      judge([10, 20, 30], [20, 40, 60]).sentence,
      /^new p95 6\d\.\d ms is 2\.0\d x legacy's 29\.\d ms, 1\.2 x/,
    );
    assert.equal(judge([10], [20], 199).status, 'inconclusive');
  });

  test('a little slower, which may be by chance, then inconclusive', () => {
    const spread = Array.from({ length: 200 }, (_, i) => 10 + i);
    const slower = spread.map((ms) => ms * 1.25);
    const { status, sentence } = judge(spread, slower, 200);
    assert.equal(status, 'inconclusive');
    assert.match(sentence, /it may be by chance$/);
  });
});

describe('data', () => {
  test('a certificate that is not valid, then a failure that names it; all valid, then a pass', () => {
    const certificates = [
      { job: 'orders', problem: undefined },
      { job: 'users', problem: 'there is no certificate' },
    ];
    assert.deepEqual(statusAnd(dataGate(certificates)), ['fail', 'users: there is no certificate']);
    assert.deepEqual(statusAnd(dataGate(certificates.slice(0, 1))), ['pass', 'certificates are valid: orders']);
  });
});
