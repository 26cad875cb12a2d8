import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Listing, type ListingSigns, patternsOf, readyScore } from '../../../backend/sniper/detect.ts';

/** A Monday, 10:00 UTC. */
const OPENS_MS = Date.parse('2026-01-05T10:00:00.000Z');
const HOUR_MS = 3_600_000;
const READY: ListingSigns = {
  ...{ sts: 2, st: 2, tt: 4 },
  ...{ coinId: 'c', contract: '0x1', priceScale: 4, quantityScale: 2 },
};
const listing = (given: Partial<Listing> = {}): Listing => ({
  vcoinId: 'v',
  symbol: 'NEWUSDT',
  projectName: 'New Token',
  opensAtMs: OPENS_MS,
  signs: undefined,
  ...given,
});
const only = (given: Partial<Listing>, hoursBefore: number) =>
  patternsOf(listing(given), OPENS_MS - hoursBefore * HOUR_MS);

describe('the published scores', () => {
  test('2/2/4 with every field is the ready state at 100; without any of them it is 87.5', () => {
    const [whole, ...rest] = only({ signs: READY }, 1);
    assert.deepEqual(rest, []);
    assert.deepEqual(whole, {
      kind: 'ready_state',
      score: 100,
      parts: { base: 50, exact_match: 30, completeness: 25, history: 7.5 },
      isSignal: true,
      risk: 'low',
      recommendation: 'immediate_action',
      opensInHours: 1,
    });
    const bare = { ...READY, coinId: null, contract: null, priceScale: null, quantityScale: null };
    assert.equal(readyScore(listing({ signs: bare }), OPENS_MS), 87.5);
  });

  test('the steps before it are 60, 75 and 85, and other numbers are nothing', () => {
    const steps = [
      [1, 1, 0],
      [2, 1, 3],
      [2, 2, 3],
      [3, 3, 3],
    ] as const;
    const scores = steps.map(([sts, st, tt]) =>
      only({ signs: { ...READY, sts, st, tt } }, 1).map(({ score }) => score),
    );
    assert.deepEqual(scores, [[60], [75], [85], []]);
    assert.equal(readyScore(listing({ signs: { ...READY, tt: 3 } }), OPENS_MS), 0);
  });

  test('notice of three and a half hours is a launch sequence, a second less is none', () => {
    assert.deepEqual(
      [3.5, 6, 12].map((hours) => only({}, hours)[0]?.parts),
      [10, 15, 20].map((notice) => ({ base: 40, notice, project: 18, completeness: 5, weekday: 5, daytime: 5 })),
    );
    assert.deepEqual(only({}, 3.5 - 1 / 3600), []);
    const [best] = only({ projectName: 'Some AI thing', signs: { ...READY, sts: 0 } }, 12);
    assert.deepEqual([best?.score, best?.recommendation], [100, 'prepare_entry']);
  });
});

test('whatever a listing is like: a score is the sum of its parts within 0 to 100, and only 2/2/4 is ready', () => {
  const small = fc.integer({ min: 0, max: 9 });
  const text = fc.option(fc.string(), { nil: null });
  const scale = fc.option(fc.integer({ min: 0, max: 18 }), { nil: null });
  const ids = { coinId: text, contract: text, priceScale: scale, quantityScale: scale };
  const signs = fc.option(fc.record({ sts: small, st: small, tt: small, ...ids }), { nil: undefined });
  const any = fc.record({
    vcoinId: fc.string(),
    symbol: fc.string(),
    projectName: fc.string(),
    opensAtMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    signs,
  });
  fc.assert(
    fc.property(any, fc.integer({ min: 0, max: 4_000_000_000_000 }), (given, nowMs) => {
      const patterns = patternsOf(given, nowMs);
      for (const { score, parts } of patterns) {
        const sum = Object.values(parts).reduce((total, points) => total + points, 0);
        assert.ok(score >= 0 && score <= 100 && Math.abs(score - Math.min(100, sum)) < 0.06);
      }
      const is224 = given.signs?.sts === 2 && given.signs.st === 2 && given.signs.tt === 4;
      assert.equal(readyScore(given, nowMs) > 0, is224);
      assert.equal(new Set(patterns.map(({ kind }) => kind)).size, patterns.length);
    }),
  );
});

test('a field more, or more notice, never lowers a score', () => {
  const names = ['coinId', 'contract', 'priceScale', 'quantityScale'] as const;
  fc.assert(
    fc.property(fc.subarray([...names]), fc.constantFrom(...names), (missing, field) => {
      const less = { ...READY, ...Object.fromEntries(missing.map((name) => [name, null])) };
      const more = { ...less, [field]: READY[field] };
      assert.ok(readyScore(listing({ signs: more }), 0) >= readyScore(listing({ signs: less }), 0));
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: 0, max: 200, noNaN: true }), fc.double({ min: 0, max: 200, noNaN: true }), (a, b) => {
      const score = (hours: number) => only({}, hours)[0]?.score ?? 0;
      assert.ok(score(Math.max(a, b)) >= score(Math.min(a, b)));
    }),
  );
});
