// When a guard takes a route back, when it holds since legacy is no better, and when it does nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { guard as guardSchema } from '../../../config/plan-schema.ts';
import { type GuardFacts, type GuardWindow, guardDecision } from '../../../gateway/rollout/guard.ts';
import { aCompared, aServed, bothServed, NOT_SERVED, someStreams } from '../../helpers/rollout.ts';

const SETTINGS = guardSchema.parse({});

function facts(given: Partial<GuardWindow> = {}, more: Partial<GuardFacts> = {}): GuardFacts {
  const window = { compared: aCompared({ agreeing: 1_000 }), served: NOT_SERVED, ...given };
  return { stage: 'canary', windows: [window], healthy: { legacy: undefined, new: undefined }, ...more };
}
const decide = (given: GuardFacts, settings = SETTINGS) => guardDecision(given, settings);
const causeOf = (given: GuardFacts) => {
  const decision = decide(given);
  return decision.kind === 'watch' ? 'watch' : `${decision.kind}: ${decision.cause}`;
};

const FAILING = bothServed(aServed(1_000, 1), aServed(100, 30));
const SLOW = bothServed(aServed(2_000, 0, [10, 20, 30]), aServed(500, 0, [30, 60, 90]));
const WRONG = aCompared({ agreeing: 999, mismatches: 1, critical: [{ path: '$.price', count: 1 }] });

describe('a guard', () => {
  test('takes the route back for a dead upstream, errors, critical differences and latency, and says what it saw', () => {
    assert.equal(causeOf(facts({}, { healthy: { legacy: true, new: false } })), 'roll_back: upstream');
    assert.equal(causeOf(facts({ served: FAILING })), 'roll_back: errors');
    assert.equal(causeOf(facts({ compared: WRONG })), 'roll_back: critical');
    assert.equal(causeOf(facts({ served: SLOW })), 'roll_back: latency');
    const decision = decide(facts({ served: FAILING }));
    assert.ok(decision.kind === 'roll_back');
    assert.match(
      decision.sentence,
      /^new failed 30 of 100 served requests: \d+\.\d\d % more than legacy beyond doubt, 1\.00 % is borne$/,
    );
  });

  test('takes it back for what it sees in streams alone: a critical difference, or that new does not open them', () => {
    const critical = [{ path: '$.price', count: 2 }];
    const decision = decide(facts({ compared: aCompared({ streams: someStreams(100, { critical }) }) }));
    assert.ok(decision.kind === 'roll_back' && decision.cause === 'critical');
    assert.equal(decision.sentence, 'critical: $.price differs in 2 messages');
    const failed = { legacy: 0, new: 60 };
    const streams = someStreams(100, { begun: 100, failed });
    assert.equal(causeOf(facts({ compared: aCompared({ streams }) })), 'roll_back: errors');
    assert.equal(causeOf(facts({ compared: aCompared({ streams: someStreams(100) }) })), 'watch');
  });

  test('looks in canary and live only, and not where it is switched off', () => {
    for (const stage of ['legacy', 'shadow', 'complete'] as const) {
      assert.equal(causeOf(facts({ served: FAILING }, { stage })), 'watch', stage);
    }
    assert.equal(causeOf(facts({ served: FAILING }, { stage: 'live' })), 'roll_back: errors');
    assert.equal(decide(facts({ served: FAILING }), { ...SETTINGS, enabled: false }).kind, 'watch');
  });

  test('in live, where legacy serves nobody, holds what new serves against what legacy makes of the copies', () => {
    const served = bothServed(aServed(0), aServed(1_000, 300));
    const alike = aCompared({ agreeing: 700, legacyErrors: 300 });
    const better = aCompared({ agreeing: 700, newErrors: 300 });
    assert.equal(causeOf(facts({ served, compared: alike }, { stage: 'live' })), 'watch');
    assert.equal(causeOf(facts({ served, compared: better }, { stage: 'live' })), 'roll_back: errors');
  });

  test('where nothing is known of legacy, bears a fifth of errors and no more', () => {
    const of = (errors: number) => bothServed(aServed(0), aServed(1_000, errors));
    const compared = aCompared();
    assert.equal(causeOf(facts({ served: of(200), compared }, { stage: 'live' })), 'watch');
    assert.equal(causeOf(facts({ served: of(400), compared }, { stage: 'live' })), 'roll_back: errors');
  });

  test('holds and alerts when legacy is down or fails too', () => {
    const down = facts({ served: FAILING }, { healthy: { legacy: false, new: false } });
    assert.equal(causeOf(down), 'hold: upstream');
    const failing = facts({ compared: WRONG, served: bothServed(aServed(1_000, 900), aServed(100)) });
    const decision = decide(failing);
    assert.ok(decision.kind === 'hold');
    assert.match(
      decision.sentence,
      /^critical: .*; not rolled back, since legacy failed 900 of 1,000 served requests too$/,
    );
  });

  test('bears critical differences up to the number that the route says', () => {
    assert.equal(decide(facts({ compared: WRONG }), { ...SETTINGS, criticalMax: 1 }).kind, 'watch');
  });

  test('sees in ten minutes what a minute is too short for', () => {
    const short = { compared: aCompared(), served: bothServed(aServed(20), aServed(4, 2)) };
    const long = { compared: aCompared(), served: bothServed(aServed(600, 2), aServed(100, 15)) };
    assert.equal(causeOf({ ...facts(), windows: [short] }), 'watch');
    assert.equal(causeOf({ ...facts(), windows: [short, long] }), 'roll_back: errors');
  });

  test('any two sides that are equal to the last request are left alone', () => {
    const any = fc.record({
      requests: fc.integer({ min: 1, max: 2_000 }),
      errorShare: fc.double({ min: 0, max: 1, noNaN: true }),
      durationsMs: fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 50 }),
    });
    fc.assert(
      fc.property(any, ({ requests, errorShare, durationsMs }) => {
        const side = aServed(requests, Math.floor(requests * errorShare), durationsMs);
        assert.equal(causeOf(facts({ served: bothServed(side, side) })), 'watch');
      }),
    );
  });

  test('in live, where legacy serves nobody, latency is judged by the requests that both sides were asked', () => {
    const live = (hits: number, trials: number) =>
      facts({ compared: aCompared({ agreeing: trials, timed: { hits, trials } }) }, { stage: 'live' });
    assert.equal(causeOf(live(700, 1_000)), 'roll_back: latency');
    assert.equal(causeOf(live(500, 1_000)), 'watch', 'as late as is borne');
    assert.equal(causeOf(live(540, 1_000)), 'watch', 'it may be by chance');
    assert.equal(causeOf(live(49, 49)), 'watch', 'too few');
    const decision = decide(live(700, 1_000));
    assert.ok(decision.kind === 'roll_back');
    assert.equal(
      decision.sentence,
      'new took more than 1.5 x as long as legacy in 700 of 1,000 requests that both were asked',
    );
  });

  test('any side of which all fail goes back once enough have', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: SETTINGS.samplesMin, max: 500 }),
        fc.integer({ min: 30, max: 5_000 }),
        (bad, good) => {
          assert.equal(causeOf(facts({ served: bothServed(aServed(good), aServed(bad, bad)) })), 'roll_back: errors');
        },
      ),
    );
  });
});
