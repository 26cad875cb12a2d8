import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Sample } from '../../../gateway/mirror/sample.ts';
import { keptSamples, SAMPLES_EACH, shelved, shownBy } from '../../../gateway/mirror/sample-shelf.ts';

const LIMITS = { samplesMax: 100, bytesMax: 1_048_576 };
const SIDE = { status: 200, failure: undefined, durationMs: 1, headers: [], body: '' };
/** Sample `n`, of second `n`, with a difference at each of these places. */
function aSample(n: number, places: readonly string[], given: Partial<Sample> = {}): Sample {
  return {
    n,
    at: new Date(n * 1_000).toISOString(),
    requestId: `r-${n}`,
    method: 'GET',
    target: '/',
    request: { headers: [], body: '', redacted: [] },
    outcome: 'mismatch',
    detail: undefined,
    differences: places.map((path) => ({
      ...{ path, at: '/a', kind: 'changed', legacy: '1', new: '2', critical: false, rule: undefined },
    })),
    legacy: SIDE,
    new: SIDE,
    ...given,
  };
}
const numbersOf = (samples: readonly Sample[]) =>
  keptSamples(samples.map(shelved), LIMITS).map(({ sample }) => sample.n);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the samples that are kept', () => {
  test('one difference in all, then the first five and the last five', () => {
    assert.deepEqual(numbersOf(upTo(30).map((n) => aSample(n, ['$.a']))), [1, 2, 3, 4, 5, 26, 27, 28, 29, 30]);
  });

  test('a rare difference among many of another, then it keeps its own', () => {
    const samples = upTo(30).map((n) => aSample(n, n === 15 ? ['$.a', '$.rare'] : ['$.a']));
    assert.deepEqual(numbersOf(samples), [1, 2, 3, 4, 5, 15, 26, 27, 28, 29, 30]);
  });

  test('a sample without differences of its own, then it stands for its outcome', () => {
    const samples = upTo(30).map((n) => aSample(n, n === 15 ? [] : ['$.a'], n === 15 ? { outcome: 'timeout' } : {}));
    assert.ok(numbersOf(samples).includes(15));
  });

  for (const [what, why] of [
    ['that a rule covers', { rule: '$.a' }],
    ['that is noise', { noise: true }],
  ] as const) {
    test(`a difference ${what}, then it keeps nothing`, () => {
      const [difference] = aSample(1, ['$.a']).differences;
      assert.ok(difference);
      const uncounted = aSample(1, ['$.b'], { differences: [{ ...difference, ...why }] });
      assert.deepEqual(shownBy(uncounted), ['mismatch']);
    });
  }

  test('more kinds than there is room, then a hundred, each of the latest kinds by one', () => {
    const numbers = numbersOf(upTo(300).map((n) => aSample(n, [`$.x${n}`])));
    assert.deepEqual(numbers, upTo(300).slice(-100));
  });

  test('large ones, then as many as fit, and what only one of them shows is not given up for the rest', () => {
    const body = 'x'.repeat(100_000);
    const side = { ...SIDE, body };
    const samples = upTo(20).map((n) => aSample(n, n === 1 ? ['$.rare'] : ['$.a'], { legacy: side, new: side }));
    assert.deepEqual(numbersOf(samples), [1, 17, 18, 19, 20]);
  });

  test('any samples in any order, then within bounds, and the same ones: two who share them agree', () => {
    const places = fc.subarray(['$.a', '$.b', '$.c', '$.d'], { minLength: 1 });
    fc.assert(
      fc.property(
        fc
          .array(places, { maxLength: 60 })
          .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all.keys()], { minLength: all.length }))),
        ([all, order]) => {
          const samples = all.map((each, index) => aSample(index, each));
          const kept = numbersOf(samples);
          assert.deepEqual(numbersOf(order.flatMap((index) => samples[index] ?? [])), kept);
          assert.deepEqual(
            numbersOf(samples.filter(({ n }) => kept.includes(n))),
            kept,
            'keeping again changes nothing',
          );
          for (const place of ['$.a', '$.b', '$.c', '$.d']) {
            const having = samples.filter(({ differences }) => differences.some(({ path }) => path === place));
            for (const { n } of [...having.slice(0, SAMPLES_EACH), ...having.slice(-SAMPLES_EACH)]) {
              assert.ok(kept.includes(n), `${place} keeps ${n}`);
            }
          }
        },
      ),
    );
  });
});
