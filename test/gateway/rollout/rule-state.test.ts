import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { daysLeft, expiryState } from '../../../gateway/rollout/rule-state.ts';

describe('a rule', () => {
  const rows: [expires: string | undefined, now: string, state: string, days: number | undefined][] = [
    [undefined, '2026-03-01T00:00:00.000Z', 'active', undefined],
    ['2026-03-09', '2026-03-01T23:59:59.999Z', 'active', 8],
    ['2026-03-08', '2026-03-01T00:00:00.000Z', 'expires_soon', 7],
    ['2026-03-01', '2026-03-01T23:59:59.999Z', 'expires_soon', 0],
    ['2026-02-28', '2026-03-01T00:00:00.000Z', 'expired', -1],
    ['2025-12-31', '2026-01-01T00:00:00.000Z', 'expired', -1],
  ];
  for (const [expires, now, state, days] of rows) {
    test(`${expires ? `that holds until ${expires}` : 'without an end'} is ${state} at ${now}`, () => {
      assert.equal(expiryState(expires, new Date(now)), state);
      if (expires !== undefined) assert.equal(daysLeft(expires, new Date(now)), days);
    });
  }
});
