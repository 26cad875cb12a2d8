import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal, divide, fits, formatDecimal, multiply, parseDecimal, roundTo } from './decimal.ts';

test('plain decimal text, then it comes back without superfluous zeros', () => {
  for (const [text, shown] of [
    ['65000.250', '65000.25'],
    ['1.0', '1'],
    ['0', '0'],
    ['-0.50', '-0.5'],
    ['0.000000000000000001', '0.000000000000000001'],
  ] as const) {
    assert.equal(formatDecimal(decimal(text)), shown);
  }
});

test('text that is no plain decimal, then there is no value', () => {
  for (const text of ['', '1e3', '.5', '5.', ' 1', '0x1', '1,5', 'NaN', '1'.repeat(31)]) {
    assert.equal(parseDecimal(text), undefined, text);
  }
  assert.throws(() => decimal('one'), RangeError);
});

test('amounts a float would spoil, then arithmetic is exact and rounding goes away from zero at halves', () => {
  assert.equal(formatDecimal(decimal('0.1') + decimal('0.2')), '0.3');
  assert.equal(formatDecimal(multiply(decimal('65000.25'), decimal('0.123456'))), '8024.670864');
  assert.equal(formatDecimal(divide(decimal('1'), decimal('3'))), '0.333333333333333333');
  assert.equal(formatDecimal(roundTo(decimal('0.125'), 2)), '0.13');
  assert.equal(formatDecimal(roundTo(decimal('-0.125'), 2)), '-0.13');
  assert.equal(fits(decimal('0.125'), 2), false);
  assert.equal(fits(decimal('0.12'), 2), true);
});
