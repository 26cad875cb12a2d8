import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalDecimal, canonicalTimestamp } from '../../../gateway/mirror/canonical.ts';

/** The value of a decimal text as an exact fraction of 10^60, by another road than the code under test. */
const SCALE = 60n;
function exactValueOf(text: string): bigint {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().replace('+', '').split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = BigInt(`${whole}${fraction}` || '0');
  const shift = SCALE + BigInt(exponent) - BigInt(fraction.length);
  const scaled = digits * 10n ** shift;
  return mantissa.startsWith('-') ? -scaled : scaled;
}

const digits = (min: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},12}$`));
const exponents = fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(20)));
/** Decimal texts in every spelling: signs, leading and trailing zeros, bare points, exponents. */
const decimals = fc
  .tuple(fc.constantFrom('', '-', '+'), digits(0), fc.option(digits(0)), exponents)
  .filter(([, whole, fraction]) => whole + (fraction ?? '') !== '')
  .map(([sign, whole, fraction, exponent]) => {
    const point = fraction === null ? '' : `.${fraction}`;
    return `${sign}${whole}${point}${exponent === null ? '' : exponent.join('')}`;
  });

describe('canonical decimal', () => {
  const groups: readonly (readonly string[])[] = [
    ['1', '1.0', '1.', '+1', '01', '10e-1', '0.1e1', '1e0', '1E+0', '1.000000000000000000000000000000'],
    ['0', '-0', '0.0', '.0', '0e9', '-0.000e-5', '00'],
    ['65000.25', '65000.250', '6500025e-2', '6.500025E4'],
    ['-0.5', '-.5', '-5e-1', '-00.50'],
    ['123456789012345678901234567890', '123456789012345678901234567890.0', '12345678901234567890123456789e1'],
    ['1e400', '10e399', '0.1e401'],
  ];
  for (const spellings of groups) {
    test(`${spellings[0]} has one spelling, however it is written`, () => {
      assert.equal(new Set(spellings.map(canonicalDecimal)).size, 1);
      assert.notEqual(canonicalDecimal(spellings[0] ?? ''), undefined);
    });
  }

  test('values that a double cannot tell apart, then different', () => {
    assert.notEqual(canonicalDecimal('9007199254740992'), canonicalDecimal('9007199254740993'));
    assert.notEqual(canonicalDecimal('0.1'), canonicalDecimal('0.1000000000000000055511151231257827'));
    assert.notEqual(canonicalDecimal('1e-400'), canonicalDecimal('0'));
  });

  for (const text of [
    '',
    '.',
    '-',
    '+',
    'e1',
    '.e1',
    '1e',
    '1e1.5',
    '1 ',
    ' 1',
    '1,5',
    '0x1',
    'NaN',
    'Infinity',
    '1_0',
    '١',
    '1e9999999999',
  ]) {
    test(`${JSON.stringify(text)} is no decimal`, () => {
      assert.equal(canonicalDecimal(text), undefined);
    });
  }

  test('any two decimals have the same spelling exactly when their values are the same', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        assert.equal(canonicalDecimal(a) === canonicalDecimal(b), exactValueOf(a) === exactValueOf(b));
      }),
      { numRuns: 2_000 },
    );
  });

  test('any decimal respelled, then the same spelling; its last digit moved by one, then another', () => {
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 30n), 10n ** 30n),
        fc.nat(20),
        fc.nat(5),
        fc.nat(5),
        (units, places, zeros, shift) => {
          const plain = place(units, places);
          const respelled = `${place(units * 10n ** BigInt(zeros), places + zeros + shift)}e${shift}`;
          assert.equal(canonicalDecimal(respelled), canonicalDecimal(plain));
          assert.notEqual(canonicalDecimal(place(units + 1n, places)), canonicalDecimal(plain));
          assert.equal(exactValueOf(respelled), exactValueOf(plain));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('a canonical spelling is its own canonical spelling', () => {
    fc.assert(
      fc.property(decimals, (text) => {
        const once = canonicalDecimal(text) ?? assert.fail(text);
        assert.equal(canonicalDecimal(once), once);
      }),
    );
  });

  /** `units` with the point `places` digits from the right. */
  function place(units: bigint, places: number): string {
    const text = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
    const at = text.length - places;
    return `${units < 0n ? '-' : ''}${text.slice(0, at)}.${text.slice(at)}`;
  }
});

describe('canonical timestamp', () => {
  const groups: readonly (readonly string[])[] = [
    [
      '2026-01-05T10:00:00.123Z',
      '2026-01-05T10:00:00.123000+00:00',
      '2026-01-05 10:00:00,123',
      '2026-01-05t10:00:00.1230z',
      '2026-01-05T11:00:00.123+01:00',
      '2026-01-05T04:30:00.123-0530',
      '2026-01-05T12:00:00.123+02',
      '2026-01-05T10:00:00.123-00:00',
    ],
    [
      '2026-01-05T10:00:00Z',
      '2026-01-05T10:00Z',
      '2026-01-05T10:00:00.000',
      '2026-01-05T10:00:00.Z'.replace('.Z', 'Z'),
    ],
    ['2025-12-31T23:30:00Z', '2026-01-01T00:30:00+01:00', '2025-12-31T18:30:00-05:00'],
    ['1969-12-31T23:59:59.5Z', '1970-01-01T00:59:59.50+01:00'],
    ['2024-02-29T00:00:00Z', '2024-02-28T23:00:00-01:00'],
    ['0001-01-01T00:00:00Z', '0001-01-01T01:00:00+01:00'],
  ];
  for (const spellings of groups) {
    test(`${spellings[0]} has one spelling, however it is written`, () => {
      assert.equal(new Set(spellings.map(canonicalTimestamp)).size, 1);
      assert.notEqual(canonicalTimestamp(spellings[0] ?? ''), undefined);
    });
  }

  const different: readonly (readonly [string, string])[] = [
    ['2026-01-05T10:00:00.123Z', '2026-01-05T10:00:00.124Z'],
    ['2026-01-05T10:00:00.123456789Z', '2026-01-05T10:00:00.123456788Z'],
    ['2026-01-05T10:00:00Z', '2026-01-05T10:00:00+01:00'],
    ['0001-01-01T00:00:00Z', '1901-01-01T00:00:00Z'],
    ['0099-12-31T00:00:00Z', '1999-12-31T00:00:00Z'],
  ];
  for (const [a, b] of different) {
    test(`${a} and ${b} are different instants`, () => {
      assert.notEqual(canonicalTimestamp(a), undefined);
      assert.notEqual(canonicalTimestamp(a), canonicalTimestamp(b));
    });
  }

  const wrong = ['', '2026-01-05', '10:00:00', '2026-1-5T10:00:00Z', '20260105T100000Z', '1767607200', 'now'];
  const impossible = [
    '2026-00-05T10:00:00Z',
    '2026-13-05T10:00:00Z',
    '2026-01-00T10:00:00Z',
    '2026-01-32T10:00:00Z',
    '2026-02-30T10:00:00Z',
    '2025-02-29T10:00:00Z',
    '1900-02-29T10:00:00Z',
    '2026-01-05T24:00:01Z',
    '2026-01-05T25:00:00Z',
    '2026-01-05T10:60:00Z',
    '2026-01-05T10:00:61Z',
    '2026-01-05T10:00:00+24:00',
    '2026-01-05T10:00:00+01:60',
    '2026-01-05T10:00:00Z ',
    '2026-01-05T10:00:00ZZ',
  ];
  for (const text of [...wrong, ...impossible]) {
    test(`${JSON.stringify(text)} is no date and time`, () => {
      assert.equal(canonicalTimestamp(text), undefined);
    });
  }

  test('any instant in any offset and precision, then one spelling, and Date agrees on the seconds', () => {
    const instants = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) });
    const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(instants, offsets, fc.nat(6), (ms, offsetMinutes, zeros) => {
        const iso = new Date(ms).toISOString();
        const local = new Date(ms + offsetMinutes * 60_000).toISOString().replace('Z', '0'.repeat(zeros));
        const [hours, minutes] = [Math.abs(offsetMinutes) / 60, Math.abs(offsetMinutes) % 60].map((part) =>
          String(Math.floor(part)).padStart(2, '0'),
        );
        const respelled = `${local}${offsetMinutes < 0 ? '-' : '+'}${hours}:${minutes}`;
        assert.equal(canonicalTimestamp(respelled), canonicalTimestamp(iso));
        assert.equal(canonicalTimestamp(iso)?.split('.')[0], String(Math.floor(ms / 1000)));
        assert.notEqual(canonicalTimestamp(iso), canonicalTimestamp(new Date(ms + 1).toISOString()));
      }),
      { numRuns: 1_000 },
    );
  });
});
