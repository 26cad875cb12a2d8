// Decoding Postgres's texts: nothing is lost, and what has no exact form is refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BadValue, decimalText, nullable, textOf, timestampText } from '../../../migration/postgres/values.ts';

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((each) => each.join(''));

/** Digits and scale, exactly: what the text is worth. */
function worth(text: string): readonly [bigint, number] {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole + fraction);
  return [text.startsWith('-') ? -units : units, fraction.length];
}

describe('a numeric', () => {
  test('of any length keeps its value, without superfluous zeros', () => {
    fc.assert(
      fc.property(fc.boolean(), digits(1, 80), digits(0, 60), (negative, whole, fraction) => {
        const text = `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
        const decoded = decimalText({ n: text }, 'n');
        assert.match(decoded, /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
        const [[a, aScale], [b, bScale]] = [worth(text), worth(decoded)];
        assert.equal(a * 10n ** BigInt(bScale), b * 10n ** BigInt(aScale));
      }),
    );
  });

  for (const text of ['NaN', 'Infinity', '-Infinity', '', '1e5', '1,5'])
    test(`${text || 'empty'}, then it is refused`, () => assert.throws(() => decimalText({ n: text }, 'n'), BadValue));

  test('zero with a sign is zero', () => assert.equal(decimalText({ n: '-0.00' }, 'n'), '0'));
});

describe('a timestamptz', () => {
  test('keeps its microseconds, at one width', () => {
    for (const [text, iso] of [
      ['2026-03-01 00:00:00+00', '2026-03-01T00:00:00.000000Z'],
      ['2026-03-29 01:59:59.999999+00', '2026-03-29T01:59:59.999999Z'],
      ['2026-03-01 12:30:00.5+00', '2026-03-01T12:30:00.500000Z'],
    ] as const)
      assert.equal(timestampText({ t: text }, 't'), iso);
  });
  for (const text of [
    'infinity',
    '-infinity',
    '0044-03-15 00:00:00+00 BC',
    '10000-01-01 00:00:00+00',
    '2026-03-01 00:00:00+02',
  ])
    test(`${text}, then it is refused`, () => assert.throws(() => timestampText({ t: text }, 't'), BadValue));
});

test('null where there must be a value, then it is refused; where there may be none, it is null', () => {
  assert.throws(() => textOf({ t: null }, 't'), /t is null/);
  assert.equal(nullable(decimalText, { n: null }, 'n'), null);
});
