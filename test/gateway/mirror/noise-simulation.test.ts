// A planted error in a noisy field: what bracketing makes of it, beside Diffy's formula, which hides it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../../gateway/mirror/compare.ts';
import { createEvidence, type RouteEvidence } from '../../../gateway/mirror/evidence.ts';
import { withoutNoise } from '../../../gateway/mirror/noise.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig } from '../../helpers/gateway-config.ts';
import { anObservation } from '../../helpers/observations.ts';

interface Planted {
  /** How often two readings of the field differ by themselves. */
  readonly noise: number;
  /** How often new is wrong. */
  readonly error: number;
  /** How many of the requests are bracketed. */
  readonly bracketed: number;
}

const REQUESTS = 20_000;
const RULES = compileRules(aCompareConfig(), { today: '2026-01-05', statusClass: 2 });

/** Numbers from 0 to 1, the same every time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Requests for a document that changes by itself with probability `noise` between any two readings next to each other,
 * as a price does; new's answer is wrong with probability `error`.
 */
async function simulate({ noise, error, bracketed }: Planted) {
  const random = numbers(7);
  const evidence = createEvidence(() => new Date('2026-01-05T10:00:00.000Z'));
  const diffy = { raw: 0, noise: 0 };
  let value = 0;
  for (let i = 0; i < REQUESTS; i++) {
    const read = () => {
      if (random() < noise) value++;
      return { price: value, pair: 'BTC-USD' };
    };
    const [first, fresh, again] = [read(), read(), read()];
    if (random() < error) fresh.price += 0.5;
    if (first.price !== fresh.price) diffy.raw++;
    if (first.price !== again.price) diffy.noise++;
    const legacy = anObservation('legacy', { body: first });
    const pair = { legacy, new: anObservation('new', { body: fresh }), copied: 'new' } as const;
    const again2 = { ...pair, new: anObservation('legacy', { body: again }), copied: undefined };
    const verdict = await judge(pair, () => RULES);
    const judged = random() < bracketed ? withoutNoise(verdict, await judge(again2, () => RULES)) : verdict;
    evidence.begin('r');
    evidence.record('r', { requestId: `${i}`, method: 'GET', target: '/', headers: [], body: undefined }, pair, judged);
  }
  return { evidence: evidence.of('r'), diffy };
}

/** Diffy shows a field when raw exceeds noise by more than 20 % of their sum and 0.03 % of all. */
function diffyShows({ raw, noise }: { raw: number; noise: number }): boolean {
  return raw > noise && ((raw - noise) / (raw + noise)) * 100 > 20 && ((raw - noise) / REQUESTS) * 100 > 0.03;
}

const priceOf = ({ differences }: RouteEvidence) => differences.find(({ path }) => path === '$.price');
const near = (actual: number | undefined | null, expected: number, by: number, what: string) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= by, `${what}: ${actual}, expected ${expected}`);

describe('5 % of real error in a field with 10 % of noise', () => {
  test('all bracketed: the share is 5 %, and so is what parity lacks; Diffy shows nothing', async () => {
    // 10 % between the two legacy answers: half of it before new's reading, half after.
    const { evidence, diffy } = await simulate({ noise: 0.0513, error: 0.05, bracketed: 1 });
    near(diffy.noise / REQUESTS, 0.1, 0.005, "the two legacy answers' difference");
    assert.equal(diffyShows(diffy), false);
    near(priceOf(evidence)?.share, 0.05, 0.005, 'share');
    near((priceOf(evidence)?.noise ?? 0) / REQUESTS, 0.1, 0.005, 'noise');
    near(evidence.parity, 0.95, 0.005, 'parity');
  });

  test('one request in twenty bracketed: the same, from fewer', async () => {
    const { evidence, diffy } = await simulate({ noise: 0.0513, error: 0.05, bracketed: 0.05 });
    assert.equal(diffyShows(diffy), false);
    near(evidence.bracketed.comparable, 1_000, 100, 'bracketed');
    near(priceOf(evidence)?.share, 0.05, 0.02, 'share');
    near(evidence.parity, 0.95, 0.02, 'parity');
    assert.ok((evidence.parityLowerBound ?? 1) < 0.95, 'a gate at 95 % would not open');
  });
});

describe('a field with noise', () => {
  test('and no error: parity is whole, and the noise is shown; without brackets parity would lack it', async () => {
    const { evidence } = await simulate({ noise: 0.0513, error: 0, bracketed: 0.05 });
    assert.equal(evidence.parity, 1);
    assert.equal(priceOf(evidence)?.share, 0);
    assert.ok((priceOf(evidence)?.noise ?? 0) > 0);
    near(
      (await simulate({ noise: 0.0513, error: 0, bracketed: 0 })).evidence.parity,
      0.95,
      0.005,
      'parity, unbracketed',
    );
  });

  test('that is nearly always noisy still shows the error, at its true rate', async () => {
    const { evidence, diffy } = await simulate({ noise: 0.7, error: 0.05, bracketed: 1 });
    near((priceOf(evidence)?.noise ?? 0) / REQUESTS, 0.91, 0.01, 'noise');
    assert.equal(diffyShows(diffy), false);
    near(priceOf(evidence)?.share, 0.05, 0.015, 'share');
    near(evidence.parity, 0.95, 0.015, 'parity');
  });

  test('and none of it where there is none: error alone is counted whole, bracketed or not', async () => {
    const { evidence } = await simulate({ noise: 0, error: 0.05, bracketed: 0.5 });
    assert.equal(priceOf(evidence)?.noise, 0);
    near(priceOf(evidence)?.share, 0.05, 0.005, 'share');
    near(evidence.parity, 0.95, 0.005, 'parity');
  });
});
