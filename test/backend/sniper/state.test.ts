import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalOf } from '../../../backend/domain/money.ts';
import { abandoned, afterOrder, begun, LEASE_MS, watched } from '../../../backend/sniper/decide.ts';
import type { Listing } from '../../../backend/sniper/detect.ts';
import { planOf, planRetryMs } from '../../../backend/sniper/plan.ts';
import { armed, canBecome, disarmed, isFinal } from '../../../backend/sniper/state.ts';
import type { OrderRecord } from '../../../backend/store/items.ts';
import { TARGET_STATUSES, type TargetRecord } from '../../../backend/store/sniper-items.ts';
import { anOrder, aTarget } from '../../helpers/records.ts';

const OPENS_MS = Date.parse('2026-01-05T12:00:00.000Z');
const PLAN = { quantity: decimalOf('180'), price: decimalOf('0.55') };
const LISTING: Listing = {
  ...{ vcoinId: 'v', symbol: 'NEWUSDT', projectName: 'New', opensAtMs: OPENS_MS },
  signs: { sts: 2, st: 2, tt: 4, coinId: 'c', contract: null, priceScale: 4, quantityScale: 1 },
};

/** What may happen to a target, in any order. */
type Move =
  | { readonly kind: 'arm' | 'disarm' | 'watch' | 'begin' | 'abandon'; readonly self: string }
  | { readonly kind: 'order'; readonly self: string; readonly order: Partial<OrderRecord> };

const refusal = (given: Partial<NonNullable<OrderRecord['submission']>>): Partial<OrderRecord> => ({
  status: 'error',
  submission: { status: 'error', code: 'exchange_refused', detail: 'no', ...given },
});
const ORDERS: readonly Partial<OrderRecord>[] = [
  { status: 'pending' },
  { status: 'unknown' },
  { status: 'filled', filled_quantity: '180', average_price: '0.5' },
  { status: 'cancelled', filled_quantity: '20', average_price: '0.5' },
  { status: 'cancelled', filled_quantity: '0' },
  refusal({ exchange_code: 10007 }),
  refusal({ reason: 'rate_limited' }),
  refusal({ reason: 'expired' }),
  refusal({ status: 'unknown', code: null }),
  refusal({ exchange_code: 30004 }),
];

function moved(target: TargetRecord, move: Move, nowMs: number): TargetRecord | undefined {
  const facts = { nowMs, self: move.self };
  const isWaiting = target.status === 'active' || target.status === 'ready';
  if (move.kind === 'arm') return armed(target, nowMs);
  if (move.kind === 'disarm') return disarmed(target, nowMs);
  if (move.kind === 'watch') return isWaiting ? watched(target, LISTING, nowMs) : undefined;
  if (move.kind === 'begin') return target.status === 'ready' ? begun(target, PLAN, facts) : undefined;
  if (target.status !== 'executing') return undefined;
  return 'order' in move ? afterOrder(target, anOrder(move.order), facts) : abandoned(target, facts);
}

test('whatever happens to a target: only steps of the table, final is final, one version each, a fence for each holder, bounded attempts', () => {
  const self = fc.constantFrom('one', 'two');
  const move: fc.Arbitrary<Move> = fc.oneof(
    fc.record({ kind: fc.constantFrom('arm', 'disarm', 'watch', 'begin', 'abandon'), self }),
    fc.record({ kind: fc.constant('order' as const), self, order: fc.constantFrom(...ORDERS) }),
  );
  const steps = fc.array(fc.tuple(move, fc.integer({ min: 0, max: 900 })), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      let target = aTarget();
      let nowMs = OPENS_MS - 2000;
      const ids = new Set<string>();
      for (const [each, passedMs] of all) {
        nowMs += passedMs;
        const next = moved(target, each, nowMs);
        if (!next) continue;
        assert.ok(!isFinal(target.status));
        assert.ok(next.status === target.status || canBecome(target.status, next.status));
        assert.equal(next.version, target.version + 1);
        assert.ok((next.lease?.fence ?? 0) - (target.lease?.fence ?? 0) <= 1);
        if (next.entry && next.entry !== target.entry) {
          assert.ok(!ids.has(next.entry.order_id), 'two attempts have one id');
          ids.add(next.entry.order_id);
          assert.equal(next.entry.valid_until, next.lease?.until, 'an attempt outlives its lease');
          assert.ok(Date.parse(next.entry.not_before) <= OPENS_MS + target.window_ms);
        }
        target = next;
      }
      assert.ok(ids.size <= 12);
    }),
    { numRuns: 500 },
  );
});

test('final states lead nowhere, and every other one leads on', () => {
  const ends = TARGET_STATUSES.filter((from) => !TARGET_STATUSES.some((to) => canBecome(from, to)));
  assert.deepEqual(ends, ['completed', 'failed', 'missed']);
});

test('after 10007, a rate limit or an attempt that never arrived there is another; after anything else there is none', () => {
  const ready = aTarget({ status: 'ready', opens_at: new Date(OPENS_MS).toISOString() });
  const facts = { nowMs: OPENS_MS + 10, self: 'one' };
  const target = begun(ready, PLAN, { ...facts, nowMs: OPENS_MS - 500 });
  assert.deepEqual(
    [target.entry?.not_before, Date.parse(target.lease?.until ?? '') - OPENS_MS],
    [ready.opens_at, LEASE_MS],
  );
  const came = ORDERS.map((order) => {
    const next = afterOrder(target, anOrder(order), facts);
    return next ? [next.status, next.entry?.index, Date.parse(next.entry?.not_before ?? '') - facts.nowMs] : undefined;
  });
  assert.deepEqual(came, [
    undefined,
    undefined,
    ['completed', 0, -10],
    ['completed', 0, -10],
    ['failed', 0, -10],
    ['executing', 1, 50],
    ['executing', 1, 500],
    ['executing', 1, 0],
    ['executing', 1, 0],
    ['failed', 0, -10],
  ]);
});

test('a plan never pays more than the slippage above the reference, nor spends more than the budget', () => {
  const amountOf = fc.tuple(fc.integer({ min: 1, max: 10 ** 9 }), fc.integer({ min: 0, max: 9 }));
  const text = amountOf.map(([units, places]) => decimalOf(`${units}e-${places}`));
  const places = fc.integer({ min: 0, max: 8 });
  fc.assert(
    fc.property(text, text, places, places, (budget, reference, pricePlaces, quantityPlaces) => {
      const plan = planOf({ budget, max_slippage: '0.1' }, reference, { pricePlaces, quantityPlaces });
      if (!plan) return;
      assert.ok(Number(plan.price) <= Number(reference) * 1.1 * (1 + 1e-12));
      assert.ok(Number(plan.price) * Number(plan.quantity) <= Number(budget) * (1 + 1e-9));
      assert.ok((plan.price.split('.')[1] ?? '').length <= pricePlaces);
      assert.ok((plan.quantity.split('.')[1] ?? '').length <= quantityPlaces);
    }),
  );
});

test('what a plan needs is looked for each second, and ten times a second from half a second before the opening to two after it', () => {
  const leftMs = [9000, 1500, 1400, 501, 500, 0, -2000, -2001];
  assert.deepEqual(leftMs.map(planRetryMs), [1000, 1000, 900, 1, 100, 100, 100, 1000]);
});
