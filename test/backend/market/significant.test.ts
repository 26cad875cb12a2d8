import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { Trade } from '../../../backend/exchange/market-feed.ts';
import { measuresOf } from '../../../backend/market/book-measures.ts';
import { bookEvents, tradeEvents } from '../../../backend/market/significant.ts';
import { createTradeTape } from '../../../backend/market/trade-tape.ts';

function book(bid: string, ask: string, quantities: readonly [string, string] = ['1', '1']) {
  const measures = measuresOf({
    bids: [{ price: bid, quantity: quantities[0] }],
    asks: [{ price: ask, quantity: quantities[1] }],
  });
  assert.ok(measures);
  return measures;
}
const trade = (id: string, quantity: string, timeMs: number, price = '10'): Trade => ({
  ...{ id, price: decimalOf(price), quantity: decimalOf(quantity), takerSide: 'BUY', timeMs },
});

test('the middle has moved one per cent since the look back, then a jump, up or down', () => {
  const still = book('99.9', '100.1');
  assert.deepEqual(bookEvents(still, book('100.8', '101'), decimalOf('100')), []);
  assert.deepEqual(bookEvents(still, book('100.9', '101.1'), decimalOf('100')), [
    { kind: 'price_jump', from: '100', to: '101', share: '0.01' },
  ]);
  const [fall] = bookEvents(still, book('97.9', '98.1'), decimalOf('100'));
  assert.deepEqual(fall, { kind: 'price_jump', from: '100', to: '98', share: '-0.02' });
});

test('a wide spread, a crossed book and one on one side, then told when it begins and not again while it lasts', () => {
  const [calm, wide] = [book('99.9', '100.1'), book('99.7', '100.3')];
  assert.deepEqual(bookEvents(calm, wide, undefined), [{ kind: 'spread_wide', spread: '0.6', share: '0.006' }]);
  assert.deepEqual(bookEvents(wide, wide, undefined), []);
  const crossed = book('100.2', '100.1');
  assert.deepEqual(bookEvents(calm, crossed, undefined), [{ kind: 'crossed', bid: '100.2', ask: '100.1' }]);
  assert.deepEqual(bookEvents(crossed, crossed, undefined), []);
  const oneSided = book('99.9', '100.1', ['9', '1']);
  assert.deepEqual(bookEvents(calm, oneSided, undefined), [{ kind: 'imbalance', imbalance: '0.8' }]);
  assert.deepEqual(bookEvents(oneSided, oneSided, undefined), []);
});

test('a trade twenty times the average, then told; without an average, then not', () => {
  const before = { quantity: decimalOf('20'), count: 20 };
  const events = tradeEvents([trade('a', '19.9', 1), trade('b', '20', 1)], before);
  assert.deepEqual(events, [{ kind: 'large_trade', price: '10', quantity: '20', takerSide: 'BUY' }]);
  assert.deepEqual(tradeEvents([trade('c', '1000', 1)], { quantity: decimalOf('1'), count: 19 }), []);
});

test('trades told twice count once, those of over a minute ago do not count', () => {
  const tape = createTradeTape();
  tape.add([trade('a', '1', 0, '10'), trade('b', '3', 30_000, '20')]);
  assert.deepEqual(
    tape.add([trade('b', '3', 30_000, '20'), trade('c', '1', 20_000, '5')]).map(({ id }) => id),
    ['c'],
  );
  assert.equal(tape.last()?.id, 'b', 'the latest by its own time');
  assert.equal(tape.vwap(30_000), '15');
  assert.deepEqual(tape.volume(60_000), { quantity: '4', count: 2 });
  assert.equal(tape.vwap(200_000), undefined);
});
