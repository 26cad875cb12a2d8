import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compare, decimalOf } from '../../../backend/domain/money.ts';
import type { ExchangeOrder, SubmitResult } from '../../../backend/exchange/exchange.ts';
import { canBecome, isSettled, neverTaken, progressed, submitted } from '../../../backend/orders/state.ts';
import { ORDER_STATUSES, type OrderRecord } from '../../../backend/store/items.ts';
import { anOrder } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:01.000Z');

const seen = (given: Partial<ExchangeOrder> = {}): ExchangeOrder => ({
  exchangeOrderId: 'X1',
  status: 'open',
  filledQuantity: decimalOf('0'),
  filledQuote: decimalOf('0'),
  fees: null,
  ...given,
});
const sightings = fc
  .record({
    status: fc.constantFrom('open', 'partially_filled', 'filled', 'cancelled'),
    filled: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ status, filled }) =>
    seen({
      status,
      filledQuantity: decimalOf(`${filled}`),
      filledQuote: decimalOf(`${filled * 7}`),
      fees: { USDT: decimalOf(`${filled}`), MX: decimalOf(`${filled * 3}`) },
    }),
  );
const results: fc.Arbitrary<SubmitResult> = fc.constantFrom(
  { kind: 'accepted', exchangeOrderId: 'X1' },
  { kind: 'unknown', detail: 'no answer' },
  { kind: 'rejected', reason: 'refused', code: 1, detail: 'no' },
);

describe('order states', () => {
  test('settled are filled, cancelled and error, and nothing follows them', () => {
    assert.deepEqual(ORDER_STATUSES.filter(isSettled), ['filled', 'cancelled', 'error']);
    for (const from of ORDER_STATUSES) {
      assert.equal(canBecome(from, 'pending'), false);
      assert.equal(canBecome(from, from), false);
    }
    assert.equal(canBecome('unknown', 'error'), true);
    assert.equal(canBecome('open', 'error'), false);
  });

  test('an unanswered submission is unknown, never an error', () => {
    const order = anOrder({ status: 'pending' });
    const after = submitted(order, { kind: 'unknown', detail: 'HTTP 503' }, { nowMs: NOW_MS });
    assert.equal(after.status, 'unknown');
    assert.deepEqual(after.submission, { status: 'unknown', code: null, detail: null });
    assert.equal(after.version, 2);
  });

  test('a rejection keeps what the client is told', () => {
    const result = { kind: 'rejected', reason: 'invalid_order', code: 30002, detail: 'too small' } as const;
    const after = submitted(anOrder({ status: 'pending' }), result, { nowMs: NOW_MS });
    assert.equal(after.status, 'error');
    assert.deepEqual(after.submission, {
      status: 'error',
      code: 'order_rejected',
      detail: 'order rejected by the exchange: too small',
      reason: 'invalid_order',
      exchange_code: 30002,
    });
  });

  test('accepted and already filled: one change, its average price and fee exact', () => {
    const state = seen({
      status: 'filled',
      filledQuantity: decimalOf('0.3'),
      filledQuote: decimalOf('19500.075'),
      fees: { USDT: decimalOf('9.75') },
    });
    const after = submitted(
      anOrder({ status: 'pending' }),
      { kind: 'accepted', exchangeOrderId: 'X1' },
      { nowMs: NOW_MS, seen: state },
    );
    const { status, mexc_order_id, filled_quantity, average_price, fee, version } = after;
    assert.deepEqual(
      { status, mexc_order_id, filled_quantity, average_price, fee, version },
      {
        status: 'filled',
        mexc_order_id: 'X1',
        filled_quantity: '0.3',
        average_price: '65000.25',
        fee: '9.75',
        version: 2,
      },
    );
  });

  test('nothing new, then no change', () => {
    assert.equal(progressed(anOrder({ mexc_order_id: 'X1' }), seen(), NOW_MS), undefined);
  });

  test('a fill reported after the cancel is kept, the status stays', () => {
    const order = anOrder({ status: 'cancelled', mexc_order_id: 'X1' });
    const late = seen({ status: 'filled', filledQuantity: decimalOf('0.1'), filledQuote: decimalOf('6500') });
    const after = progressed(order, late, NOW_MS);
    assert.deepEqual([after?.status, after?.filled_quantity, after?.average_price], ['cancelled', '0.1', '65000']);
  });

  test('an order given up is an error, and answers what it always answered', () => {
    const unknown = submitted(anOrder({ status: 'pending' }), { kind: 'unknown', detail: '' }, { nowMs: NOW_MS });
    assert.equal(neverTaken(unknown, NOW_MS).status, 'error');
    assert.equal(neverTaken(unknown, NOW_MS).submission?.status, 'unknown');
  });

  test('any answers in any order: statuses move along the table, fills never shrink, versions count', () => {
    const steps = fc.array(fc.oneof(results, sightings), { maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(...ORDER_STATUSES), steps, (status, all) => {
        let order: OrderRecord = anOrder({ status });
        for (const step of all) {
          const next = 'kind' in step ? submitted(order, step, { nowMs: NOW_MS }) : progressed(order, step, NOW_MS);
          if (!next) continue;
          assert.ok(next.status === order.status || canBecome(order.status, next.status));
          assert.ok(compare(decimalOf(next.filled_quantity), decimalOf(order.filled_quantity)) >= 0);
          assert.equal(next.version, order.version + 1);
          order = next;
        }
      }),
    );
  });
});
