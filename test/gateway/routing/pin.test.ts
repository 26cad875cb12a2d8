import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Decision } from '../../../gateway/routing/decide.ts';
import { compilePins, PIN_ALL_ROUTES, type Pin, readPin, signPin, withPin } from '../../../gateway/routing/pin.ts';

const KEY = 'k'.repeat(32);
const NOW_MS = 1_700_000_000_000;
const PIN: Pin = { side: 'new', route: 'trade.order.get', expiresAtMs: NOW_MS + 60_000 };

describe('a pin', () => {
  test('signed, then read as it was made', () => assert.deepEqual(readPin(KEY, signPin(KEY, PIN), NOW_MS), PIN));

  test('the last moment, then it still holds, and no longer', () => {
    const text = signPin(KEY, PIN);
    assert.deepEqual(readPin(KEY, text, PIN.expiresAtMs - 1), PIN);
    assert.equal(readPin(KEY, text, PIN.expiresAtMs), undefined);
  });

  test('signed with another key, then nothing', () => {
    assert.equal(readPin('j'.repeat(32), signPin(KEY, PIN), NOW_MS), undefined);
  });

  test('any one character of it changed, then nothing', () => {
    const text = signPin(KEY, PIN);
    for (let i = 0; i < text.length - 1; i++) {
      const changed = `${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`;
      assert.equal(readPin(KEY, changed, NOW_MS), undefined, `character ${i}`);
    }
  });

  test('any text, then nothing, and no error', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(readPin(KEY, text, NOW_MS), undefined)));
    for (const text of ['', 'v1.new.9.KgAA', `v1.new.9999999999.Kg.${'A'.repeat(43)}`, 'v1.'.repeat(10_000)]) {
      assert.equal(readPin(KEY, text, NOW_MS), undefined);
    }
  });
});

describe('a request with a pin', () => {
  const read = compilePins(KEY, () => NOW_MS) ?? assert.fail();
  const pin = signPin(KEY, PIN);

  test('in the header or in the cookie, then its side on its route only', () => {
    assert.equal(read(['X-Banyan-Pin', pin], 'trade.order.get'), 'new');
    assert.equal(read(['Cookie', `a=1; banyan-pin=${pin}; b=2`], 'trade.order.get'), 'new');
    assert.equal(read(['X-Banyan-Pin', pin], 'other'), undefined);
    assert.equal(read(['Cookie', 'a=1'], 'trade.order.get'), undefined);
  });

  test('for all routes, then on any', () => {
    const all = signPin(KEY, { ...PIN, side: 'legacy', route: PIN_ALL_ROUTES });
    assert.equal(read(['X-Banyan-Pin', all], 'any'), 'legacy');
  });

  test('no key, then no request is looked at', () => assert.equal(compilePins(undefined), undefined));
});

describe('a decision and a pin', () => {
  const flagged: Decision = { side: 'legacy', shadow: undefined, reason: 'flag-off' };
  test('over the flags, then the pinned side, and a copy to the other where one is wanted', () => {
    assert.deepEqual(withPin(flagged, 'new'), { side: 'new', shadow: undefined, reason: 'pin' });
    assert.deepEqual(withPin({ ...flagged, shadow: 'new' }, 'new'), { side: 'new', shadow: 'legacy', reason: 'pin' });
    assert.deepEqual(withPin(flagged, 'legacy'), { side: 'legacy', shadow: undefined, reason: 'pin' });
  });

  test('under an override, then the override', () => {
    for (const reason of ['override-all', 'override-route'] as const) {
      const forced: Decision = { side: 'legacy', shadow: undefined, reason };
      assert.equal(withPin(forced, 'new'), forced);
    }
  });

  test('none, then the decision as it was', () => assert.equal(withPin(flagged, undefined), flagged));
});
