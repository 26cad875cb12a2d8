import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { canonicalDecimal, isSameDecimal } from '../../../gateway/mirror/canonical.ts';
import { canonicalInstant, isSameInstant } from '../../../gateway/mirror/instant.ts';
import { parseJson } from '../../../gateway/mirror/json.ts';
import { compareLeaves } from '../../../gateway/mirror/leaf.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { numberTexts } from '../../helpers/json-documents.ts';

type Tolerance = Omit<CompareConfig['tolerate'][number], 'path' | 'reason' | 'owner'>;
type Enums = Omit<CompareConfig['enums'][number], 'path' | 'reason' | 'owner'>;

/** How two values differ under rules for their place. */
function compared(legacy: string, fresh: string, given: Parameters<typeof aCompareConfig>[0]) {
  const { root } = compileRules(aCompareConfig(given), { today: '2026-01-05', statusClass: 2 });
  return compareLeaves(parseJson(legacy), parseJson(fresh), root.rules) ?? 'same';
}
const tolerated = (legacy: string, fresh: string, how: Tolerance) =>
  compared(legacy, fresh, { tolerate: [{ path: '$', ...how, ...REVIEWED }] });
const mapped = (legacy: string, fresh: string, how: Enums) =>
  compared(legacy, fresh, { enums: [{ path: '$', ...how, ...REVIEWED }] });

describe('tolerances', () => {
  const rows: readonly (readonly [legacy: string, fresh: string, how: Tolerance, found: string])[] = [
    ['1.00', '1.01', { absolute: '0.01' }, 'same'],
    ['1.00', '1.010000000000000000000000000001', { absolute: '0.01' }, 'changed'],
    ['0.3', '0.1', { absolute: '0.2' }, 'same'],
    ['"1.00"', '"1.01"', { absolute: '0.01' }, 'same'],
    ['1.00', '"1.00"', { absolute: '0.01' }, 'type'],
    ['9007199254740993', '9007199254740992', { absolute: 1 }, 'same'],
    ['9007199254740993', '9007199254740991', { absolute: 1 }, 'changed'],
    ['123456789012345678901234567890', '123456789012345678901234567891', { absolute: '0.5' }, 'changed'],
    ['-5', '5', { absolute: 10 }, 'same'],
    ['1000', '1001', { relative: '0.001' }, 'same'],
    ['1000', '1001.0000001', { relative: '0.001' }, 'changed'],
    ['-1000', '-999', { relative: '0.001' }, 'same'],
    ['0', '1e-400', { relative: '0.5' }, 'changed'],
    ['1000', '1002', { relative: '0.001', absolute: 2 }, 'same'],
    ['65000.0', '65000.5', { ticks: 1, tickSize: '0.5' }, 'same'],
    ['65000.0', '65001.01', { ticks: 2, tickSize: '0.5' }, 'changed'],
    ['1e999999999', '1', { absolute: '0.1' }, 'changed'],
    ['1', '1e-999999999', { absolute: 1 }, 'changed'],
    ['"2026-01-05T10:00:00Z"', '"2026-01-05T10:00:01.000Z"', { withinMs: 1_000 }, 'same'],
    ['"2026-01-05T10:00:00Z"', '"2026-01-05T10:00:01.000000001Z"', { withinMs: 1_000 }, 'changed'],
    ['1767607200', '1767607200999', { withinMs: 1_000 }, 'same'],
    ['1767607200', '"2026-01-05T10:00:00Z"', { withinMs: 1_000 }, 'type'],
    ['"1969-12-31T23:59:59.9Z"', '"1970-01-01T00:00:00.1Z"', { withinMs: 200 }, 'same'],
    ['"1969-12-31T23:59:59.9Z"', '"1970-01-01T00:00:00.1Z"', { withinMs: 199 }, 'changed'],
    ['"soon"', '"later"', { withinMs: 1_000, absolute: 5 }, 'changed'],
    ['null', '0', { absolute: 1 }, 'type'],
    ['true', 'false', { absolute: 1 }, 'changed'],
  ];
  for (const [legacy, fresh, how, found] of rows) {
    test(`${legacy} and ${fresh} under ${JSON.stringify(how)}: ${found}`, () =>
      assert.equal(tolerated(legacy, fresh, how), found));
  }

  test('normalised and tolerated, then a number and a text of one may be apart', () => {
    const given = {
      normalise: [{ path: '$', as: 'number' as const, ...REVIEWED }],
      tolerate: [{ path: '$', absolute: '0.01', ...REVIEWED }],
    };
    assert.equal(compared('1.00', '"1.01"', given), 'same');
    assert.equal(compared('1.00', '"1.02"', given), 'changed');
  });
});

describe('enum maps', () => {
  const values = [
    { legacy: 'FILLED', new: 'filled' },
    { legacy: 'A', new: 'B' },
    { legacy: 'B', new: 'A' },
    { legacy: 1, new: 'BUY' },
    { legacy: null, new: 'none' },
    { legacy: true, new: 1 },
  ];
  const rows: readonly (readonly [legacy: string, fresh: string, how: Enums, found: string])[] = [
    ['"FILLED"', '"filled"', { values }, 'same'],
    ['"filled"', '"FILLED"', { values }, 'changed'],
    ['"FILLED"', '"FILLED"', { values }, 'same'],
    ['"A"', '"B"', { values }, 'same'],
    ['"B"', '"A"', { values }, 'same'],
    ['1.0', '"BUY"', { values }, 'same'],
    ['"1"', '"BUY"', { values }, 'changed'],
    ['2', '"BUY"', { values }, 'type'],
    ['null', '"none"', { values }, 'same'],
    ['true', '1', { values }, 'same'],
    ['"New"', '"NEW"', { ignoreCase: true }, 'same'],
    ['"filled"', '"Filled"', { values, ignoreCase: true }, 'same'],
    ['"new"', '"old"', { ignoreCase: true }, 'changed'],
    ['[]', '{}', { values }, 'type'],
  ];
  for (const [legacy, fresh, how, found] of rows) {
    test(`${legacy} and ${fresh}${how.ignoreCase ? ' in any case' : ''}: ${found}`, () =>
      assert.equal(mapped(legacy, fresh, how), found));
  }
});

describe('instants', () => {
  const same = [
    '2026-01-05T10:00:00.5Z',
    '2026-01-05T11:00:00.500+01:00',
    '1767607200.5',
    '1767607200500',
    '1767607200500000',
    '1767607200500000000',
    '01767607200500.00',
  ];
  test('one instant in every format, then one spelling', () => {
    assert.deepEqual(new Set(same.map(canonicalInstant)), new Set(['1767607200.5']));
    assert.equal(canonicalInstant('Mon, 05 Jan 2026 10:00:00 GMT'), canonicalInstant('1767607200'));
    assert.equal(canonicalInstant('-0.5'), canonicalInstant('1969-12-31T23:59:59.5Z'));
    assert.equal(canonicalInstant('-1'), canonicalInstant('1969-12-31T23:59:59Z'));
    assert.equal(canonicalInstant('-1767607200500'), canonicalInstant('-1767607200.5'));
  });

  for (const text of [
    '',
    'now',
    '1e9',
    '+5',
    '1.',
    '.5',
    '123456789012345678901',
    'Mon, 31 Feb 2026 10:00:00 GMT',
    'mon, 05 Jan 2026 10:00:00 GMT',
  ]) {
    test(`${JSON.stringify(text)} is no instant`, () => assert.equal(canonicalInstant(text), undefined));
  }

  test('any two, then the same exactly when their one spelling is', () => {
    const texts = fc.oneof(
      fc.constantFrom(...same, '2026-02-30T00:00:00Z', '2026-02-30T00:00:00.0Z', '2026-01-05T10:00:00.Z', 'x'),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString().replace('000Z', 'Z')),
      fc.integer({ min: -2_000_000_000_000, max: 2_000_000_000_000 }).map(String),
    );
    const near = fc
      .tuple(texts, fc.constantFrom('', '0', '00Z', '+00:00'))
      .map(([text, end]) => text.replace(/Z$/, end || 'Z'));
    fc.assert(
      fc.property(near, near, (a, b) => {
        const canonical = canonicalInstant(a);
        assert.equal(isSameInstant(a, b), canonical !== undefined && canonical === canonicalInstant(b));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('values made to take long', () => {
  test('endless zeros with something behind them, then an answer all the same', () => {
    const zeros = '0'.repeat(300_000);
    assert.equal(isSameDecimal(`1${zeros}1`, `1${zeros}2`), false);
    assert.equal(isSameDecimal(`1.${zeros}1`, `1.${zeros}10`), true);
    assert.equal(isSameInstant(`2026-01-05T10:00:00.${zeros}1Z`, `2026-01-05T10:00:00.${zeros}2Z`), false);
    assert.equal(isSameInstant(`1767607200.${zeros}1`, `1767607200.${zeros}10`), true);
  });
});

describe('decimals', () => {
  test('any two, then the same exactly when their one spelling is', () => {
    const spelled = fc.oneof(
      numberTexts,
      fc.constantFrom('1', '1.0', '+1', '01', '1.', '.', '', '-', '1.0.0', '10', '1e0', '-0', '0.0', '1,0'),
    );
    const more = fc.tuple(spelled, fc.constantFrom('', '0', '.0', '00')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(more, more, fc.boolean(), (a, other, isNear) => {
        const b = isNear ? `${a}0` : other;
        const canonical = canonicalDecimal(a);
        assert.equal(isSameDecimal(a, b), canonical !== undefined && canonical === canonicalDecimal(b));
      }),
      { numRuns: 5_000 },
    );
  });
});
