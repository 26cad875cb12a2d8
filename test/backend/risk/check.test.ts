import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decimalOf } from '../../../backend/domain/money.ts';
import { emptyAccount } from '../../../backend/risk/account.ts';
import { checkOrder } from '../../../backend/risk/check.ts';
import type { Facts, ProposedOrder } from '../../../backend/risk/facts.ts';
import { DEFAULT_LIMITS, mergedLimits, type SomeLimits } from '../../../backend/risk/limits.ts';
import type { AccountRecord, Reservation } from '../../../backend/store/account-items.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00.000Z');
const AT = '2026-01-05T10:00:00.000Z';

const order = (given: Partial<Omit<ProposedOrder, 'quantity'>> & { quantity?: string } = {}): ProposedOrder => ({
  symbol: 'BTCUSDT',
  side: 'BUY',
  orderType: given.price === null ? 'MARKET' : 'LIMIT',
  reduceOnly: false,
  ...given,
  quantity: decimalOf(given.quantity ?? '1'),
  price: given.price === undefined ? decimalOf('100') : given.price,
});
const reservation = (given: Partial<Reservation> = {}): Reservation => ({
  symbol: 'BTCUSDT',
  side: 'BUY',
  quantity: '1',
  price: '100',
  unit_value: '100',
  at: AT,
  ...given,
});
const holding = (net: string, entry = '100', realized = '0') => ({
  net,
  entry_price: entry,
  realized_total: realized,
  version: 1,
});
function facts(limits: SomeLimits = {}, account: Partial<AccountRecord> = {}, given: Partial<Facts> = {}): Facts {
  return {
    limits: mergedLimits(DEFAULT_LIMITS, limits),
    account: { ...emptyAccount('u', NOW_MS), ...account },
    state: 'ACTIVE',
    stateReason: '',
    isReconciling: false,
    openCircuit: undefined,
    isOpening: false,
    rules: { kind: 'unknown', detail: 'not told' },
    lastPrice: decimalOf('100'),
    funds: undefined,
    nowMs: NOW_MS,
    ...given,
  };
}
const some = (given: Record<string, unknown>) => given as SomeLimits; // Parsed by mergedLimits.

describe('risk allows', () => {
  test('an order within nothing but the defaults, without any price', () => {
    assert.equal(checkOrder(order(), facts({}, {}, { lastPrice: undefined })), undefined);
  });
  test('a symbol that is not published as traded yet, or not at all, when its trading is about to begin', () => {
    const refusal = { kind: 'rejected', reason: 'unknown_symbol', code: 10_007, detail: 'bad symbol' } as const;
    assert.equal(checkOrder(order(), facts({}, {}, { rules: refusal }))?.reason, 'INSTRUMENT_NOT_FOUND');
    assert.equal(checkOrder(order(), facts({}, {}, { rules: refusal, isOpening: true })), undefined);
  });
  test('at the limit exactly', () => {
    const limits = some({ order_value_max: '100', position_value_max: '300', exposure_value_max: '300' });
    const account = { reservations: { a: reservation() }, holdings: { BTCUSDT: holding('1') } };
    assert.equal(checkOrder(order(), facts(limits, account)), undefined);
  });
  test('getting out when halted by losses, when reducing, and above the position’s limit', () => {
    const account = { holdings: { BTCUSDT: holding('2', '100', '-500') } };
    const limits = some({ daily_loss_max: '100', position_value_max: '50' });
    const out = order({ side: 'SELL', quantity: '2' });
    assert.equal(checkOrder(out, facts(limits, account, { state: 'REDUCING' })), undefined);
  });
});

describe('risk denies', () => {
  const cases: readonly (readonly [name: string, reason: string, ProposedOrder, Facts])[] = [
    ['anything when halted', 'TRADING_HALTED', order(), facts({}, {}, { state: 'HALTED' })],
    ['what opens when reducing', 'TRADING_STATE_REDUCING', order(), facts({}, {}, { state: 'REDUCING' })],
    [
      'turning a position when reducing',
      'TRADING_STATE_REDUCING',
      order({ side: 'SELL', quantity: '3' }),
      facts({}, { holdings: { BTCUSDT: holding('2') } }, { state: 'REDUCING' }),
    ],
    ['while reconciling', 'RECONCILING', order(), facts({}, {}, { isReconciling: true })],
    ['with the circuit open', 'CIRCUIT_OPEN', order(), facts({}, {}, { openCircuit: 'why' })],
    ['another symbol', 'SYMBOL_NOT_ALLOWED', order(), facts({ symbols: ['ETHUSDT'] })],
    ['too much', 'QUANTITY_EXCEEDS_MAXIMUM', order({ quantity: '2' }), facts(some({ order_quantity_max: '1' }))],
    ['too little', 'NOTIONAL_BELOW_MINIMUM', order(), facts(some({ order_value_min: '100.01' }))],
    ['too dear', 'NOTIONAL_EXCEEDS_MAX_PER_ORDER', order(), facts(some({ order_value_max: '99' }))],
    [
      'a market order too dear at the last price',
      'NOTIONAL_EXCEEDS_MAX_PER_ORDER',
      order({ price: null }),
      facts(some({ order_value_max: '99' })),
    ],
    [
      'no price where one is needed',
      'MARKET_DATA_STALE',
      order(),
      facts(some({ price_collar: '0.05' }), {}, { lastPrice: undefined }),
    ],
    [
      'buying far above the market',
      'PRICE_OUTSIDE_COLLAR',
      order({ price: decimalOf('106') }),
      facts(some({ price_collar: '0.05' })),
    ],
    [
      'selling far below it',
      'PRICE_OUTSIDE_COLLAR',
      order({ price: decimalOf('94'), side: 'SELL' }),
      facts(some({ price_collar: '0.05' })),
    ],
    [
      'one open order too many',
      'OPEN_ORDERS_EXCEED_MAXIMUM',
      order(),
      facts({ open_orders_max: 1 }, { reservations: { a: reservation() } }),
    ],
    [
      'one order a second too many',
      'RATE_LIMIT_EXCEEDED',
      order(),
      facts({ orders_per_second_max: 3 }, { second: NOW_MS / 1000, second_orders: 3 }),
    ],
    [
      'a position that could become too large',
      'POSITION_EXCEEDS_MAXIMUM',
      order(),
      facts(some({ position_value_max: '299' }), {
        reservations: { a: reservation() },
        holdings: { BTCUSDT: holding('1') },
      }),
    ],
    [
      'positions that together could become too large',
      'EXPOSURE_EXCEEDS_MAXIMUM',
      order(),
      facts(some({ exposure_value_max: '250' }), {
        reservations: { a: reservation({ symbol: 'ETHUSDT', side: 'SELL' }) },
        holdings: { XRPUSDT: holding('-1', '60') },
      }),
    ],
    [
      'reduce-only without a position',
      'REDUCE_ONLY_WOULD_INCREASE_POSITION',
      order({ reduceOnly: true, side: 'SELL' }),
      facts(),
    ],
    [
      'reduce-only that others have reserved already',
      'REDUCE_ONLY_WOULD_INCREASE_POSITION',
      order({ reduceOnly: true, side: 'SELL' }),
      facts({}, { holdings: { BTCUSDT: holding('1') }, reservations: { a: reservation({ side: 'SELL' }) } }),
    ],
    [
      'a day’s losses',
      'DAILY_LOSS_EXCEEDS_MAXIMUM',
      order(),
      facts(some({ daily_loss_max: '50' }), { day_opened: '20', holdings: { ETHUSDT: holding('0', '1', '-30') } }),
    ],
    [
      'after a drawdown',
      'DRAWDOWN_EXCEEDS_MAXIMUM',
      order(),
      facts(some({ drawdown_max: '10' }), { peak: '20', drawdown_at: AT }),
    ],
    [
      'meeting one’s own order',
      'SELF_TRADE',
      order(),
      facts({ self_trade: 'deny' }, { reservations: { a: reservation({ side: 'SELL', price: '99.5' }) } }),
    ],
  ];
  for (const [name, reason, proposed, given] of cases) {
    test(`${name}: ${reason}`, () => {
      const denial = checkOrder(proposed, given);
      assert.deepEqual([denial?.kind, denial?.reason], ['denied', reason]);
    });
  }
});

test('however orders come, what is let through can never fill to more than the position’s limit', () => {
  const steps = fc.array(
    fc.record({
      side: fc.constantFrom<'BUY' | 'SELL'>('BUY', 'SELL'),
      quantity: fc.integer({ min: 1, max: 40 }),
      net: fc.integer({ min: -10, max: 10 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 10 }), (all, net) => {
      const limits = some({ position_value_max: '5000' });
      let account: Partial<AccountRecord> = { holdings: { BTCUSDT: holding(`${net}`) } };
      for (const [index, { side, quantity }] of all.entries()) {
        if (checkOrder(order({ side, quantity: `${quantity}` }), facts(limits, account))) continue;
        const next = reservation({ side, quantity: `${quantity}` });
        account = { ...account, reservations: { ...account.reservations, [`o${index}`]: next } };
      }
      for (const side of ['BUY', 'SELL'] as const) {
        const open = Object.values(account.reservations ?? {}).filter((each) => each.side === side);
        const filled = open.reduce((sum, { quantity }) => sum + Number(quantity), 0);
        assert.ok(Math.abs(net + (side === 'BUY' ? filled : -filled)) * 100 <= 5000);
      }
    }),
  );
});
