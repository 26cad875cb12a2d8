import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalOf } from '../../../backend/domain/money.ts';
import { averagePrice, measuresOf, quotesOf } from '../../../backend/market/book-measures.ts';
import { fromUnits, isPlain, isZero, scaleOf, toUnits } from '../../../backend/market/fixed-point.ts';

const level = (price: string, quantity: string) => ({ price, quantity });

test('a book, then what it says, exactly', () => {
  const measures = measuresOf({
    bids: [level('0.1', '3'), level('0.09', '5')],
    asks: [level('0.3', '1'), level('0.31', '1.0')],
  });
  assert.deepEqual(measures, {
    bid: { price: '0.1', quantity: '3' },
    ask: { price: '0.3', quantity: '1' },
    spread: '0.2',
    mid: '0.2',
    microprice: '0.25',
    imbalance: '0.6',
  });
  assert.equal(measuresOf({ bids: [], asks: [level('1', '1')] }), undefined);
});

test('an amount, then its average price over the levels it takes, as far as they reach', () => {
  const quotes = quotesOf([level('10', '1'), level('11', '2'), level('20', '1')]);
  assert.deepEqual(averagePrice(quotes, decimalOf('2')), { price: '10.5', filled: '2' });
  assert.deepEqual(averagePrice(quotes, decimalOf('9')), { price: '13', filled: '4' });
  assert.equal(averagePrice([], decimalOf('1')), undefined);
});

test('plain texts, then the same price back from whole units at any scale that holds it', () => {
  const plain = fc.tuple(fc.nat(9_999_999), fc.stringMatching(/^\d{0,7}$/));
  fc.assert(
    fc.property(plain, fc.nat(1), ([whole, fraction], more) => {
      const text = fraction === '' ? String(whole) : `${whole}.${fraction}`;
      assert.ok(isPlain(text));
      const scale = scaleOf(text) + more;
      const units = toUnits(text, scale);
      assert.ok(units !== undefined);
      assert.equal(fromUnits(units, scale), decimalOf(text));
      assert.equal(isZero(text), units === 0);
      if (scaleOf(text) > 0) assert.equal(toUnits(text, scaleOf(text) - 1), undefined);
    }),
  );
  for (const text of ['', '.', '1e5', '-1', '1.2.3', ' 1', 'NaN', '١']) assert.equal(isPlain(text), false, text);
  assert.equal(toUnits('90071992547409.92', 2), undefined, 'beyond what a double holds exactly');
});
