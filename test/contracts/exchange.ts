import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decimalOf } from '../../backend/domain/money.ts';
import { type Exchange, type NewOrder, ORDER_TYPES, type OrderRef } from '../../backend/exchange/exchange.ts';

/** An exchange under test: BTCUSDT at 65000.25, nothing in its book, and an account that owns 1000000000 MX. */
export type ExchangeSubject = {
  readonly exchange: Exchange;
  /** The next submission, cancel or question has no answer; `done` says whether it takes effect all the same. */
  readonly loseNext: (operation: 'submit' | 'cancel' | 'find', effect: 'done' | 'not-done') => void;
  /** Orders that took effect since the start. */
  readonly orderCount: () => number;
  readonly close: () => Promise<void>;
};

let serial = 0;
function order(given: Partial<NewOrder> = {}): NewOrder {
  serial += 1;
  const limit = { orderType: 'LIMIT' as const, quantity: decimalOf('0.01'), price: decimalOf('60000') };
  return { clientOrderId: `contract${serial}`, symbol: 'BTCUSDT', side: 'BUY', ...limit, ...given };
}
const refOf = ({ symbol, clientOrderId }: NewOrder): OrderRef => ({ symbol, clientOrderId, exchangeOrderId: null });

/** The port's promises, for any implementation. */
export function exchangeContract(name: string, start: () => Promise<ExchangeSubject>): void {
  describe(`exchange contract: ${name}`, () => {
    let subject: ExchangeSubject;
    before(async () => {
      subject = await start();
    });
    after(() => subject.close());

    test('balances, then decimals by asset, and an asset that nobody owns is not there', async () => {
      const result = await subject.exchange.balances();
      assert.ok(result.kind === 'balances');
      assert.deepEqual(result.balances.get('MX'), { free: '1000000000', locked: '0' });
      assert.equal(result.balances.get('NOSUCH'), undefined);
    });

    test('a limit order away from the market is accepted and open', async () => {
      const { exchange } = subject;
      const sent = order();
      const result = await exchange.submit(sent);
      assert.equal(result.kind, 'accepted');
      const found = await exchange.find(refOf(sent));
      assert.equal(found.kind, 'found');
      assert.deepEqual(found.kind === 'found' && { ...found.order, fees: null }, {
        exchangeOrderId: result.kind === 'accepted' && result.exchangeOrderId,
        status: 'open',
        filledQuantity: '0',
        filledQuote: '0',
        fees: null,
      });
    });

    test('an order whose time is over by the exchange’s clock is not taken, and never will be', async () => {
      const { exchange } = subject;
      await exchange.prepare();
      const before = subject.orderCount();
      const late = order({ validUntilMs: exchange.now() - 100 });
      const result = await exchange.submit(late);
      assert.deepEqual([result.kind, result.kind === 'rejected' && result.reason], ['rejected', 'expired']);
      assert.equal((await exchange.find(refOf(late))).kind, 'not_found');
      const inTime = order({ validUntilMs: exchange.now() + 5000 });
      assert.equal((await exchange.submit(inTime)).kind, 'accepted');
      assert.equal(subject.orderCount(), before + 1);
    });

    test('an order can be found by the exchange id alone', async () => {
      const { exchange } = subject;
      const result = await exchange.submit(order());
      assert.equal(result.kind, 'accepted');
      const exchangeOrderId = result.kind === 'accepted' ? result.exchangeOrderId : '';
      const found = await exchange.find({ symbol: 'BTCUSDT', clientOrderId: 'elsewhere', exchangeOrderId });
      assert.equal(found.kind === 'found' && found.order.exchangeOrderId, exchangeOrderId);
    });

    test('a market buy in base units fills that quantity at the last price, with its fee', async () => {
      const { exchange } = subject;
      // 0.04 times 65000.25 is 2600.01: exact in cents, so the quote spent buys exactly what was asked.
      const sent = order({ orderType: 'MARKET', price: null, quantity: decimalOf('0.04') });
      assert.equal((await exchange.submit(sent)).kind, 'accepted');
      const found = await exchange.find(refOf(sent));
      assert.deepEqual(found.kind === 'found' && { ...found.order, exchangeOrderId: '' }, {
        exchangeOrderId: '',
        status: 'filled',
        filledQuantity: '0.04',
        filledQuote: '2600.01',
        fees: { USDT: '1.300005' },
      });
    });

    test('a market buy by what it spends fills what that buys at the last price', async () => {
      const { exchange } = subject;
      const quoteQuantity = decimalOf('2600.01');
      const sent = order({ orderType: 'MARKET', price: null, quantity: decimalOf('0.0399'), quoteQuantity });
      assert.equal((await exchange.submit(sent)).kind, 'accepted');
      const found = await exchange.find(refOf(sent));
      assert.deepEqual(
        found.kind === 'found' && [found.order.status, found.order.filledQuantity, found.order.filledQuote],
        ['filled', '0.04', '2600.01'],
      );
    });

    test('what never rests ends at once: filled where it crosses, else cancelled with nothing filled', async () => {
      const { exchange } = subject;
      for (const orderType of ['IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL'] as const) {
        for (const [price, status] of [
          ['66000', 'filled'],
          ['60000', 'cancelled'],
        ] as const) {
          const sent = order({ orderType, price: decimalOf(price) });
          assert.equal((await exchange.submit(sent)).kind, 'accepted');
          const found = await exchange.find(refOf(sent));
          assert.equal(found.kind === 'found' && found.order.status, status, `${orderType} at ${price}`);
          assert.equal(found.kind === 'found' && found.order.filledQuantity, status === 'filled' ? '0.01' : '0');
        }
      }
    });

    test('a maker rests away from the market and is refused where it would take', async () => {
      const { exchange } = subject;
      const resting = order({ orderType: 'LIMIT_MAKER' });
      assert.equal((await exchange.submit(resting)).kind, 'accepted');
      const found = await exchange.find(refOf(resting));
      assert.equal(found.kind === 'found' && found.order.status, 'open');
      await exchange.cancel(refOf(resting));
      const result = await exchange.submit(order({ orderType: 'LIMIT_MAKER', price: decimalOf('66000') }));
      assert.equal(result.kind === 'rejected' && result.reason, 'invalid_order');
    });

    test('the rules of a symbol are told, and that there is no such symbol', async () => {
      const { exchange } = subject;
      const told = await exchange.rules('BTCUSDT');
      assert.deepEqual(
        told.kind === 'rules' && [
          told.rules.baseAsset,
          told.rules.quoteAsset,
          told.rules.isTraded,
          told.rules.orderTypes,
        ],
        ['BTC', 'USDT', true, ORDER_TYPES],
      );
      const none = await exchange.rules('NOSUCHUSDT');
      assert.equal(none.kind === 'rejected' && none.reason, 'unknown_symbol');
    });

    test('an unknown symbol is rejected as such and leaves no order', async () => {
      const { exchange, orderCount } = subject;
      const count = orderCount();
      const result = await exchange.submit(order({ symbol: 'NOSUCHUSDT' }));
      assert.deepEqual(result.kind === 'rejected' && [result.reason, result.code], ['unknown_symbol', 10007]);
      assert.equal(orderCount(), count);
      const price = await exchange.price('NOSUCHUSDT');
      assert.equal(price.kind === 'rejected' && price.reason, 'unknown_symbol');
    });

    test('a submission whose answer is lost is unknown, was sent once, and is found by its client order id', async () => {
      const { exchange, orderCount, loseNext } = subject;
      const count = orderCount();
      const sent = order();
      loseNext('submit', 'done');
      assert.equal((await exchange.submit(sent)).kind, 'unknown');
      assert.equal(orderCount(), count + 1);
      assert.equal((await exchange.find(refOf(sent))).kind, 'found');
    });

    test('a submission that failed inside is unknown too, and is then not found', async () => {
      const { exchange, orderCount, loseNext } = subject;
      const count = orderCount();
      const sent = order();
      loseNext('submit', 'not-done');
      assert.equal((await exchange.submit(sent)).kind, 'unknown');
      assert.equal(orderCount(), count);
      assert.deepEqual(await exchange.find(refOf(sent)), { kind: 'not_found' });
    });

    test('cancelling an open order cancels it; cancelling it again finds nothing live', async () => {
      const { exchange } = subject;
      const sent = order();
      await exchange.submit(sent);
      const cancelled = await exchange.cancel(refOf(sent));
      assert.equal(cancelled.kind === 'cancelled' && cancelled.order.status, 'cancelled');
      assert.deepEqual(await exchange.cancel(refOf(sent)), { kind: 'not_found' });
      const found = await exchange.find(refOf(sent));
      assert.equal(found.kind === 'found' && found.order.status, 'cancelled');
    });

    test('a cancel or a question without an answer is unknown', async () => {
      const { exchange, loseNext } = subject;
      const sent = order();
      await exchange.submit(sent);
      loseNext('cancel', 'done');
      assert.equal((await exchange.cancel(refOf(sent))).kind, 'unknown');
      loseNext('find', 'not-done');
      assert.equal((await exchange.find(refOf(sent))).kind, 'unknown');
      const found = await exchange.find(refOf(sent));
      assert.equal(found.kind === 'found' && found.order.status, 'cancelled');
    });

    test('the price is the last one, and a live exchange answers a ping', async () => {
      assert.deepEqual(await subject.exchange.price('BTCUSDT'), { kind: 'price', price: '65000.25' });
      assert.equal(await subject.exchange.ping(), undefined);
    });
  });
}
