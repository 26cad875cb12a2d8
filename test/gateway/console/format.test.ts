import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatAge,
  formatBytes,
  formatEstimate,
  formatMs,
  formatRate,
  formatShare,
  formatTime,
  NOTHING,
} from '../../../gateway/console/format.ts';

describe('formatShare', () => {
  it('never rounds to a whole that it is not', () => {
    assert.equal(formatShare(0.999996), '99.99 %');
    assert.equal(formatShare(0.0000001), '0.01 %');
    assert.equal(formatShare(1), '100 %');
    assert.equal(formatShare(0), '0 %');
  });

  it('shows no number where there is none', () => assert.equal(formatShare(null), NOTHING));

  it('has as many places as asked for', () => assert.equal(formatShare(0.12345, 0), '12 %'));
});

it('formatRate shows small rates as small, and large ones without places', () => {
  assert.deepEqual([0, 0.01, 2.2166, 1234.5].map(formatRate), ['0', '<0.1', '2.2', '1,235']);
});

it('formatMs has a place where it matters', () => {
  assert.deepEqual([1.234, 42.4, 12_345, null].map(formatMs), ['1.2', '42', '12.3 s', NOTHING]);
});

it('formatBytes tells a size in its largest unit', () => {
  const sizes = [0, 1_023, 1_024, 1_536 * 1_024, 2 ** 50];
  assert.deepEqual(sizes.map(formatBytes), ['0 B', '1,023 B', '1.0 KiB', '1.5 MiB', '1024.0 TiB']);
});

it('formatEstimate tells a figure and its interval, and what is not known of it', () => {
  const [known, exact] = [
    { value: 0.62, low: 0.581, high: 0.66 },
    { value: 0.001, low: 0.001, high: 0.001 },
  ];
  assert.equal(formatEstimate(known, 'ms'), '0.62 (0.58 to 0.66)');
  assert.equal(formatEstimate({ ...known, high: null }, 'x'), '0.62 (0.58 to ?)');
  assert.equal(formatEstimate(exact, 'share'), '0.00100');
  assert.equal(formatEstimate(null, 'ms'), NOTHING);
});

it('formatAge tells an age in its two largest units', () => {
  const ages = [0, 59_000, 60_000, 3_600_000, 3_900_000, 90_000_000];
  assert.deepEqual(ages.map(formatAge), ['0 s', '59 s', '1 min', '1 h', '1 h 5 min', '1 d 1 h']);
});

describe('formatTime', () => {
  const at = '2026-11-20T17:36:12.427Z';
  const nowMs = Date.parse('2026-11-20T17:38:12.427Z');

  it('tells an age', () => assert.equal(formatTime(at, 'relative', nowMs), '2 min ago'));
  it('tells a moment to come', () => assert.equal(formatTime(at, 'relative', nowMs - 180_000), 'in 1 min'));
  it('tells UTC', () => assert.equal(formatTime(at, 'utc', nowMs), '2026-11-20 17:36:12 UTC'));
  it('shows what is no time as it is', () => assert.equal(formatTime('never', 'utc', nowMs), 'never'));
});
