import assert from 'node:assert/strict';
import { test } from 'node:test';
import { float, floatRepr, isoformat, nowIso, pythonJson } from './python.ts';

test('floats of every size, then they print as repr() prints them in Python', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1, '-1.0'],
    [0.1, '0.1'],
    [65000.25, '65000.25'],
    [100, '100.0'],
    [0.1 + 0.2, '0.30000000000000004'],
    [0.0001, '0.0001'],
    [0.00012, '0.00012'],
    [0.00001, '1e-05'],
    [0.0000123, '1.23e-05'],
    [1e-7, '1e-07'],
    [1.5e-10, '1.5e-10'],
    [5e-324, '5e-324'],
    [123456789012345, '123456789012345.0'],
    [1e15, '1000000000000000.0'],
    [9007199254740992, '9007199254740992.0'],
    [1e16, '1e+16'],
    [1.2345e17, '1.2345e+17'],
    [1e21, '1e+21'],
    [1e22, '1e+22'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
  ];
  for (const [value, text] of cases) assert.equal(floatRepr(value), text);
  assert.throws(() => floatRepr(Number.NaN), RangeError);
});

test('a body with floats, ints, None and text, then it is compact and not escaped to ASCII', () => {
  const body = {
    price: float('1'),
    count: 1,
    none: null,
    text: '买入 "☕"\n',
    list: [float(null), float('0.5')],
    gone: undefined,
  };
  assert.equal(pythonJson(body), '{"price":1.0,"count":1,"none":null,"text":"买入 \\"☕\\"\\n","list":[null,0.5]}');
});

test('times of Postgres, then they print as isoformat() prints them', () => {
  assert.equal(isoformat('2026-01-05 10:00:00.123+00'), '2026-01-05T10:00:00.123000+00:00');
  assert.equal(isoformat('2026-01-05 10:00:00.000504+00'), '2026-01-05T10:00:00.000504+00:00');
  assert.equal(isoformat('2026-01-05 10:00:00+00'), '2026-01-05T10:00:00+00:00');
  assert.throws(() => isoformat('2026-01-05 10:00:00+02'), RangeError);
  assert.equal(nowIso(Date.parse('2026-01-05T10:00:00.120Z')), '2026-01-05T10:00:00.120000+00:00');
  assert.equal(nowIso(Date.parse('2026-01-05T10:00:00.000Z')), '2026-01-05T10:00:00+00:00');
});
