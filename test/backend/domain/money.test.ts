import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  add,
  compare,
  type Decimal,
  decimalOf,
  divide,
  isPositive,
  multiply,
  negate,
  parseDecimal,
  roundUp,
  subtract,
  ZERO,
} from '../../../backend/domain/money.ts';

const SCALE = 18;
/** Any decimal with up to 18 places, with its value in units of 1e-18. */
const decimals = fc
  .tuple(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.integer({ min: 0, max: SCALE }))
  .map(([units, scale]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
    const text = `${units < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}0`;
    return { value: decimalOf(text), units: units * 10n ** BigInt(SCALE - scale) };
  });
/** Read by another road than the code under test: padded digits, no scales. */
function unitsOf(value: Decimal): bigint {
  const [whole = '', fraction = ''] = value.replace('-', '').split('.');
  const units = BigInt(whole + fraction.padEnd(2 * SCALE, '0'));
  return value.startsWith('-') ? -units : units;
}
const wide = (units: bigint) => units * 10n ** BigInt(SCALE);

describe('money', () => {
  test('text in any decimal form, then its canonical form', () => {
    const forms: readonly (readonly [string | number, string | undefined])[] = [
      ['1.0', '1'],
      ['65000.2500', '65000.25'],
      ['007', '7'],
      ['.5', '0.5'],
      ['5.', '5'],
      ['-0.00', '0'],
      ['+1', '1'],
      ['1E-8', '0.00000001'],
      ['1.5e3', '1500'],
      ['-2.50', '-2.5'],
      [0.1, '0.1'],
      [1e21, '1000000000000000000000'],
      ['', undefined],
      ['.', undefined],
      ['1,5', undefined],
      ['0x10', undefined],
      [' 1', undefined],
      ['NaN', undefined],
      [Number.NaN, undefined],
      [Number.POSITIVE_INFINITY, undefined],
      ['1e101', undefined],
      ['9'.repeat(129), undefined],
    ];
    for (const [form, expected] of forms) assert.equal(parseDecimal(form), expected, String(form));
  });

  test('0.1 + 0.2 is 0.3', () => {
    assert.equal(add(decimalOf('0.1'), decimalOf('0.2')), '0.3');
  });

  test('any two decimals: sum, difference, product and order are those of the exact integers', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        assert.equal(unitsOf(add(a.value, b.value)), wide(a.units + b.units));
        assert.equal(unitsOf(subtract(a.value, b.value)), wide(a.units - b.units));
        assert.equal(unitsOf(multiply(a.value, b.value)), a.units * b.units);
        assert.equal(compare(a.value, b.value), a.units < b.units ? -1 : a.units > b.units ? 1 : 0);
      }),
    );
  });

  test('any decimal: canonical text reads back as itself, negation undoes itself', () => {
    fc.assert(
      fc.property(decimals, ({ value, units }) => {
        assert.equal(parseDecimal(value), value);
        assert.match(value, /^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
        assert.equal(negate(negate(value)), value);
        assert.equal(isPositive(value), units > 0n);
      }),
    );
  });

  test('any quotient: off by half a unit of its last place at most', () => {
    fc.assert(
      fc.property(decimals, decimals, fc.integer({ min: 0, max: 12 }), (a, b, scale) => {
        fc.pre(b.units !== 0n);
        const rest = subtract(a.value, multiply(divide(a.value, b.value, scale), b.value));
        const twice = multiply(rest, decimalOf('2'));
        const size = multiply(b.value, decimalOf(`1e-${scale}`));
        const [x, y] = [twice, size].map((value) => (compare(value, ZERO) < 0 ? negate(value) : value));
        assert.ok(x !== undefined && y !== undefined && compare(x, y) <= 0);
      }),
    );
    assert.equal(divide(decimalOf('1'), decimalOf('3'), 4), '0.3333');
    assert.equal(divide(decimalOf('-1'), decimalOf('2'), 0), '-1');
    assert.throws(() => divide(decimalOf('1'), ZERO, 2), RangeError);
  });

  test('rounding up to cents never loses a part of a cent', () => {
    assert.equal(roundUp(decimalOf('1.001'), 2), '1.01');
    assert.equal(roundUp(decimalOf('1.01'), 2), '1.01');
    assert.equal(roundUp(decimalOf('-1.019'), 2), '-1.01');
    assert.equal(roundUp(decimalOf('3'), 2), '3');
  });
});
