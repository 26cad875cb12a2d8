import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import {
  atTime,
  emptyAccount,
  realizedOf,
  withOrder,
  withPosition,
  withReservation,
} from '../../../backend/risk/account.ts';
import { DEFAULT_LIMITS, mergedLimits } from '../../../backend/risk/limits.ts';
import { anOrder, aPosition } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00.000Z');
const DAY_MS = 86_400_000;
const AT = '2026-01-05T10:00:00.000Z';
const order = anOrder({ quantity: '5' });
const reserved = withReservation(
  emptyAccount('user-0001', NOW_MS),
  {
    orderId: order.order_id,
    reservation: { symbol: 'BTCUSDT', side: 'BUY', quantity: '5', price: '1', unit_value: '1', at: AT },
  },
  NOW_MS,
);
const left = (account: typeof reserved) => account.reservations[order.order_id]?.quantity;

test('fills that the position has taken shrink the reservation; news that comes late does not bring it back', () => {
  const some = withOrder(reserved, { ...order, filled_quantity: '3', applied_quantity: '2' });
  assert.equal(left(some), '3');
  assert.equal(left(withOrder(some, { ...order, applied_quantity: '1', filled_quantity: '1' })), '3');
});

test('an order that has ended keeps a reservation for what the position has not taken, and none after that', () => {
  const ended = { ...order, status: 'cancelled', filled_quantity: '3' } as const;
  const owed = withOrder(reserved, { ...ended, applied_quantity: '1' });
  assert.equal(left(owed), '2');
  assert.deepEqual(withOrder(owed, { ...ended, applied_quantity: '3' }).reservations, {});
  assert.deepEqual(withOrder(reserved, { ...order, status: 'error' }).reservations, {});
});

test('positions are taken in by version, and an old one changes nothing', () => {
  const facts = { limits: DEFAULT_LIMITS, nowMs: NOW_MS };
  const one = withPosition(reserved, aPosition({ version: 3, quantity: '2', side: 'short' }), facts);
  assert.equal(one.holdings.BTCUSDT?.net, '-2');
  assert.equal(withPosition(one, aPosition({ version: 2, quantity: '9' }), facts), one);
});

test('a fall from the highest point stops the user for a while, then counts from where it is', () => {
  const limits = mergedLimits(DEFAULT_LIMITS, { drawdown_max: decimalOf('10'), drawdown_pause_ms: 1000 });
  const facts = { limits, nowMs: NOW_MS };
  const position = (version: number, total: string) => aPosition({ version, realized_total: total });
  const up = withPosition(reserved, position(1, '30'), facts);
  assert.deepEqual([up.peak, up.drawdown_at], ['30', null]);
  const down = withPosition(up, position(2, '20'), facts);
  assert.deepEqual([down.peak, down.drawdown_at], ['30', AT]);
  assert.equal(atTime(down, limits, NOW_MS + 999).drawdown_at, AT);
  const later = atTime(down, limits, NOW_MS + 1000);
  assert.deepEqual([later.peak, later.drawdown_at], ['20', null]);
});

test('a new day opens with what had been realised by then', () => {
  const facts = { limits: DEFAULT_LIMITS, nowMs: NOW_MS };
  const account = withPosition(reserved, aPosition({ realized_total: '-7' }), facts);
  assert.deepEqual([account.day_opened, realizedOf(account)], ['0', '-7']);
  const next = atTime(account, DEFAULT_LIMITS, NOW_MS + DAY_MS);
  assert.deepEqual([next.day, next.day_opened], ['2026-01-06', '-7']);
});
