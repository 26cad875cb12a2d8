import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gridOf, INTERVAL_NAMES, type Interval, isInterval } from '../../../backend/exchange/intervals.ts';

const names = INTERVAL_NAMES.split(', ').filter((name): name is Interval => isInterval(name));
const CENTURY_MS = 100 * 365 * 86_400_000;

test('any moment, then it lies in exactly one candle, and candles follow each other there and back', () => {
  const moment = fc.integer({ min: -CENTURY_MS, max: CENTURY_MS });
  fc.assert(
    fc.property(fc.constantFrom(...names), moment, fc.integer({ min: 0, max: 500 }), (name, timeMs, count) => {
      const { openOf, shifted } = gridOf(name);
      const openMs = openOf(timeMs);
      assert.ok(openMs <= timeMs && timeMs < shifted(openMs, 1));
      assert.equal(openOf(openMs), openMs);
      assert.equal(openOf(shifted(openMs, 1) - 1), openMs);
      assert.equal(shifted(shifted(openMs, -count), count), openMs);
    }),
  );
});

test('the exchange’s names and no others', () => {
  assert.deepEqual(names, ['1m', '5m', '15m', '30m', '60m', '4h', '1d', '1W', '1M']);
  for (const name of ['1w', '1h', 'toString', '']) assert.equal(isInterval(name), false);
});
