import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judge } from '../../../gateway/mirror/compare.ts';
import { withoutNoise } from '../../../gateway/mirror/noise.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { anObservation } from '../../helpers/observations.ts';

type Compare = Parameters<typeof aCompareConfig>[0];
type Answer = { readonly status?: number; readonly headers?: readonly string[]; readonly body: unknown };

/** The verdict on new, bracketed by two legacy answers. */
async function bracketed(answers: { legacy: Answer; new: Answer; again: Answer }, compare: Compare = {}) {
  const rules = (statusClass: number | undefined) =>
    compileRules(aCompareConfig(compare), { today: '2026-01-05', statusClass });
  const legacy = anObservation('legacy', answers.legacy);
  const verdict = await judge({ legacy, new: anObservation('new', answers.new), copied: 'new' }, rules);
  const again = await judge({ legacy, new: anObservation('legacy', answers.again), copied: undefined }, rules);
  return withoutNoise(verdict, again);
}

/** The outcome, and each difference as `kind place`, noise in brackets. */
async function found(legacy: unknown, fresh: unknown, again: unknown, compare: Compare = {}) {
  const answers = { legacy: { body: legacy }, new: { body: fresh }, again: { body: again } };
  const { outcome, differences } = await bracketed(answers, compare);
  return [outcome, ...differences.map(({ at, kind, noise }) => (noise ? `(${kind} ${at})` : `${kind} ${at}`))];
}

describe('a bracketed request for a text', () => {
  const TEXT = ['Content-Type', 'text/plain'];
  const lines = (...all: readonly (number | string)[]) => ({ headers: TEXT, body: all.join('\n') });
  const TWELVE = Array.from({ length: 12 }, (_, index) => index);
  const rows: readonly (readonly [name: string, legacy: Answer, fresh: Answer, again: Answer, found: string[]])[] = [
    [
      'a line changes by itself, another is wrong',
      lines('t1', 'a', 'b'),
      lines('t2', 'a', 'x'),
      lines('t3', 'a', 'b'),
      ['mismatch', '(changed 1)', 'changed 3'],
    ],
    [
      'lines are added by themselves, wherever they stand',
      lines(...TWELVE),
      lines(...TWELVE, 'x'),
      lines('y', ...TWELVE),
      ['ignored', '(extra 13)', '(extra 1)'],
    ],
    [
      "legacy's status is of another class the second time",
      lines('a', 'b'),
      lines('a', 'x'),
      { ...lines('gone'), status: 404 },
      ['ignored', '(changed 2)', '(changed status)'],
    ],
  ];
  for (const [name, legacy, fresh, again, expected] of rows) {
    test(`${name}, then ${expected.join(', ')}`, async () => {
      const { outcome, differences } = await bracketed({ legacy, new: fresh, again });
      const places = differences.map(({ at, kind, noise }) => (noise ? `(${kind} ${at})` : `${kind} ${at}`));
      assert.deepEqual([outcome, ...places], expected);
    });
  }
});

describe('a bracketed request', () => {
  const rows: readonly (readonly [name: string, legacy: unknown, fresh: unknown, again: unknown, found: string[]])[] = [
    ['all agree', { a: 1 }, { a: 1 }, { a: 1 }, ['match']],
    ['legacy agrees with itself, new is wrong', { a: 1 }, { a: 2 }, { a: 1 }, ['mismatch', 'changed /a']],
    ['legacy does not agree with itself', { t: 1 }, { t: 2 }, { t: 3 }, ['ignored', '(changed /t)']],
    ['new agrees with the first answer', { t: 1 }, { t: 1 }, { t: 2 }, ['match', '(changed /t)']],
    [
      'noise beside an error',
      { t: 1, a: 1 },
      { t: 2, a: 2 },
      { t: 3, a: 1 },
      ['mismatch', '(changed /t)', 'changed /a'],
    ],
    [
      'noise in one member of an array, an error in another',
      [{ p: 1 }, { p: 1 }],
      [{ p: 2 }, { p: 2 }],
      [{ p: 1 }, { p: 3 }],
      ['mismatch', 'changed /0/p', '(changed /1/p)'],
    ],
    ['new lacks what legacy has now so, now so', { t: 1 }, {}, { t: 2 }, ['mismatch', 'missing /t', '(changed /t)']],
    ['new has another type', { t: 1 }, { t: 'x' }, { t: 2 }, ['mismatch', 'type /t', '(changed /t)']],
    ['legacy has it only at first, new does not', { t: 1 }, {}, {}, ['ignored', '(missing /t)']],
    ['legacy has it only at last, new has more', {}, { t: { x: 1 } }, { t: 1 }, ['ignored', '(extra /t)']],
    [
      'below what legacy has only at first',
      { o: { x: 1 } },
      { o: { x: 2 } },
      {},
      ['ignored', '(changed /o/x)', '(missing /o)'],
    ],
    ['in an array of changing length', [1, 2], [1, 3], [1], ['ignored', '(changed /1)', '(length )']],
    [
      'new is no array where the length changes',
      { a: [1] },
      { a: 1 },
      { a: [1, 2] },
      ['mismatch', 'type /a', '(length /a)'],
    ],
    ['the order changes, new has a third one', [1, 2, 3], [3, 2, 1], [2, 1, 3], ['ignored', '(order )']],
    ['the order changes, new has another member', [1, 2], [1, 9], [2, 1], ['mismatch', 'changed /1', '(order )']],
    [
      'names with slashes and tildes',
      { 'a/b': { '~': 1 } },
      { 'a/b': { '~': 2 } },
      { 'a/b': { '~': 1 } },
      ['mismatch', 'changed /a~1b/~0'],
    ],
  ];
  for (const [name, legacy, fresh, again, expected] of rows) {
    test(name, async () => assert.deepEqual(await found(legacy, fresh, again), expected));
  }

  test('members are paired by a key: judged member by member, wherever they stand', async () => {
    const compare = { arrays: [{ path: '$', key: 'id', unordered: true as const, ...REVIEWED }] };
    const [a, b, c] = [
      { id: 'a', p: 1 },
      { id: 'b', p: 1 },
      { id: 'c', p: 1 },
    ];
    assert.deepEqual(await found([a, b], [{ ...b, p: 2 }, a], [{ ...a, p: 3 }, b], compare), [
      'mismatch',
      'changed /1/p',
      '(changed /0/p)',
    ]);
    assert.deepEqual(
      await found([a], [a, c], [c, a], compare),
      ['ignored', '(extra /1)', '(extra /0)'],
      'c was made meanwhile',
    );
    assert.deepEqual(await found([a], [a, c], [a], compare), ['mismatch', 'extra /1']);
  });

  test('a rule covers the place: the rule says so, not noise', async () => {
    const compare = { ignore: [{ path: '$.t', ...REVIEWED }] };
    assert.deepEqual(await found({ t: 1 }, { t: 2 }, { t: 3 }, compare), ['ignored', 'changed /t']);
  });

  test("legacy's status is of another class the second time: nobody knows what the body should be", async () => {
    const verdict = await bracketed({
      legacy: { body: { a: 1 } },
      new: { body: { a: 2 } },
      again: { status: 404, body: { error: 'gone' } },
    });
    assert.deepEqual(verdict.outcome, 'ignored');
    assert.deepEqual(
      verdict.differences.map(({ at, noise }) => [at, noise]),
      [
        ['/a', true],
        ['status', true],
      ],
    );
  });

  test('too much differs between the legacy answers to list it: nothing is excused', async () => {
    const many = (value: number) => Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, value]));
    const verdict = await bracketed({ legacy: { body: many(1) }, new: { body: many(2) }, again: { body: many(3) } });
    assert.deepEqual([verdict.outcome, verdict.bracketed], ['mismatch', undefined]);
  });
});

describe('any three answers', () => {
  const document = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof(fc.nat(2), fc.array(fc.nat(2), { maxLength: 3 })),
  );

  test('legacy agrees with itself, then the verdict is that on the pair; new equals legacy, then nothing counts', async () => {
    await fc.assert(
      fc.asyncProperty(document, document, document, async (legacy, fresh, again) => {
        const plain = await found(legacy, fresh, legacy);
        assert.equal(plain[0] === 'match', plain.length === 1);
        assert.equal(
          plain.some((text) => text.startsWith('(')),
          false,
        );
        assert.equal((await found(legacy, legacy, again))[0], 'match');
        const [outcome, ...places] = await found(legacy, fresh, again);
        assert.equal(
          outcome === 'mismatch',
          places.some((text) => !text.startsWith('(')),
        );
      }),
      { numRuns: 300 },
    );
  });
});
