// The published rules against the exchange itself: what a preview says is what a submission gets.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { Exchange, NewOrder } from '../../../backend/exchange/exchange.ts';
import { createMexc } from '../../../backend/exchange/mexc.ts';
import { rulesOf, type SymbolInfo } from '../../../backend/exchange/mexc-rules.ts';
import { violationOf } from '../../../backend/exchange/symbol-rules.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../../sandbox/exchange/server.ts';
import { SYMBOLS } from '../../sandbox/symbols.ts';

const KEYS = { apiKey: 'mx0rulestest', secretKey: 'rules-secret' };

const orders = fc.record({
  symbol: fc.constantFrom(...SYMBOLS.map(({ symbol }) => symbol), 'NONEUSDT'),
  side: fc.constantFrom('BUY' as const, 'SELL' as const),
  type: fc.constantFrom('LIMIT' as const, 'IMMEDIATE_OR_CANCEL' as const, 'FILL_OR_KILL' as const),
  limit: fc.option(
    fc.constantFrom('0.1', '1', '1.5', '2.34567', '150.755', '3400.5', '65000.25', '65000.251', '0.000001'),
  ),
  quantity: fc.constantFrom(
    '0.0000001',
    '0.000001',
    '0.00001',
    '0.001',
    '0.01',
    '0.1',
    '0.15',
    '1.91',
    '1',
    '3.5',
    '100',
    '100000000',
  ),
});

describe('a preview by the rules of the exchange', () => {
  let simulator: ExchangeSimulator;
  let exchange: Exchange;
  before(async () => {
    simulator = await createExchangeSimulator(KEYS);
    exchange = createMexc({ ...KEYS, url: simulator.url, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now });
  });
  after(async () => {
    await exchange.close();
    await simulator.close();
  });

  test('any order, then it says what submitting says, but for what the account holds', async () => {
    let [serial, accepted, refused] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(orders, async ({ symbol, side, type, limit, quantity }) => {
        const order: NewOrder = {
          clientOrderId: `rules${serial++}`,
          symbol,
          side,
          orderType: limit === null ? 'MARKET' : type,
          quantity: decimalOf(quantity),
          price: limit === null ? null : decimalOf(limit),
        };
        const count = simulator.orderCount();
        const preview = await exchange.preview(order);
        assert.equal(simulator.orderCount(), count, 'a preview makes no order');
        const result = await exchange.submit(order);
        if (result.kind === 'rejected' && result.reason === 'insufficient_balance') return;
        if (result.kind === 'accepted') accepted += 1;
        else refused += 1;
        assert.deepEqual(
          preview.kind === 'acceptable' ? 'accepted' : preview,
          result.kind === 'accepted' ? 'accepted' : result,
        );
      }),
      { numRuns: 400, examples: [[{ symbol: 'XRPUSDT', side: 'BUY', type: 'LIMIT', limit: null, quantity: '1.91' }]] },
    );
    assert.ok(accepted > 20 && refused > 20, `${accepted} accepted, ${refused} refused`);
  });

  test('a symbol that is not traded now, then a refusal', () => {
    const info: SymbolInfo = {
      symbol: 'BTCUSDT',
      baseAsset: 'BTC',
      quoteAsset: 'USDT',
      isSpotTradingAllowed: false,
      baseAssetPrecision: 6,
      quotePrecision: 2,
      baseSizePrecision: decimalOf('0.000001'),
      quoteAmountPrecision: decimalOf('1'),
      maxQuoteAmount: decimalOf('4000000'),
    };
    const order: NewOrder = {
      ...{ clientOrderId: 'x', symbol: 'BTCUSDT', side: 'BUY', orderType: 'LIMIT' },
      ...{ quantity: decimalOf('1'), price: decimalOf('1') },
    };
    const reasonBy = (given: Partial<SymbolInfo>) => {
      const rules = rulesOf({ ...info, isSpotTradingAllowed: true, ...given });
      return violationOf(order, rules, decimalOf('1'))?.rejection.reason;
    };
    assert.equal(reasonBy({ isSpotTradingAllowed: false }), 'not_tradable');
    assert.equal(reasonBy({ status: '1', permissions: ['SPOT'], tradeSideType: 2 }), undefined);
    assert.equal(reasonBy({}), undefined);
    for (const off of [{ status: '2' }, { permissions: [] }, { tradeSideType: 3 }, { tradeSideType: 4 }])
      assert.equal(reasonBy(off), 'not_tradable', JSON.stringify(off));
  });

  test('a published band is a share of the last price; one that cannot be a share is left to the exchange', () => {
    const info: SymbolInfo = {
      ...{ symbol: 'BTCUSDT', baseAsset: 'BTC', quoteAsset: 'USDT', isSpotTradingAllowed: true },
      ...{ baseAssetPrecision: 6, quotePrecision: 2, baseSizePrecision: decimalOf('0') },
      ...{ quoteAmountPrecision: decimalOf('0'), maxQuoteAmount: decimalOf('4000000') },
    };
    const outside = (side: 'BUY' | 'SELL', price: string, up: string, last: string | undefined) => {
      const filters = [
        { filterType: 'OTHER' },
        { filterType: 'PERCENT_PRICE_BY_SIDE', bidMultiplierUp: decimalOf(up), askMultiplierDown: decimalOf(up) },
      ];
      const order = { side, orderType: 'LIMIT', quantity: decimalOf('1'), price: decimalOf(price) } as const;
      return violationOf(order, rulesOf({ ...info, filters }), last === undefined ? last : decimalOf(last))?.reason;
    };
    assert.equal(outside('BUY', '100.5', '0.005', '100'), undefined);
    assert.equal(outside('BUY', '100.51', '0.005', '100'), 'PRICE_OUTSIDE_BAND');
    assert.equal(outside('BUY', '1', '0.005', '100'), undefined);
    assert.equal(outside('SELL', '99.5', '0.005', '100'), undefined);
    assert.equal(outside('SELL', '99.49', '0.005', '100'), 'PRICE_OUTSIDE_BAND');
    assert.equal(outside('SELL', '900', '0.005', '100'), undefined);
    for (const up of ['0', '1', '5']) assert.equal(outside('BUY', '900', up, '100'), undefined, up);
    assert.equal(outside('BUY', '900', '0.005', undefined), undefined);
  });
});
