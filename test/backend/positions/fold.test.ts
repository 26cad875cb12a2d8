import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { add, decimalOf, multiply, negate, subtract, ZERO } from '../../../backend/domain/money.ts';
import { type Fill, fold, type PositionState } from '../../../backend/positions/fold.ts';

const fill = (side: Fill['side'], quantity: string, price: string, at = 't'): Fill => ({
  side,
  quantity: decimalOf(quantity),
  price: decimalOf(price),
  at,
});
const after = (...fills: Fill[]) =>
  fills.reduce<PositionState | undefined>((position, next) => fold(position, next), undefined);

test('buying twice, then one long position at the average price, opened at the first', () => {
  assert.deepEqual(after(fill('BUY', '1', '100', 'first'), fill('BUY', '3', '200', 'second')), {
    side: 'long',
    quantity: '4',
    entryPrice: '175',
    realizedPnl: '0',
    openedAt: 'first',
  });
});

test('selling part, then profit on that part and the entry price stays', () => {
  const position = after(fill('BUY', '2', '100'), fill('SELL', '0.5', '130'));
  assert.deepEqual([position?.quantity, position?.entryPrice, position?.realizedPnl], ['1.5', '100', '15']);
});

test('selling more than held, then a short position of the rest at the price of the fill', () => {
  const position = after(fill('BUY', '1', '100', 'first'), fill('SELL', '3', '90', 'second'));
  assert.deepEqual(position, {
    side: 'short',
    quantity: '2',
    entryPrice: '90',
    realizedPnl: '-10',
    openedAt: 'second',
  });
});

test('a short bought back lower, then profit and nothing held; the next fill opens anew', () => {
  const closed = after(fill('SELL', '2', '90'), fill('BUY', '2', '80'));
  assert.deepEqual([closed?.quantity, closed?.realizedPnl], ['0', '20']);
  assert.deepEqual(fold(closed, fill('BUY', '1', '70', 'new')), {
    side: 'long',
    quantity: '1',
    entryPrice: '70',
    realizedPnl: '0',
    openedAt: 'new',
  });
});

test('any fills with no division in them: what is held is what was bought less what was sold, and cash adds up', () => {
  // Averages are only exact when each fill that grows a position has the price of the position; so one price up, one down.
  const fills = fc.array(
    fc.record({ side: fc.constantFrom<'BUY' | 'SELL'>('BUY', 'SELL'), quantity: fc.integer({ min: 1, max: 50 }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(fills, fc.integer({ min: 1, max: 1000 }), (all, price) => {
      const given = all.map(({ side, quantity }) => fill(side, `${quantity}`, `${price}`));
      const net = given.reduce(
        (sum, { side, quantity }) => (side === 'BUY' ? add(sum, quantity) : subtract(sum, quantity)),
        ZERO,
      );
      const position = after(...given);
      assert.ok(position);
      assert.equal(position.side === 'long' ? position.quantity : negate(position.quantity), net);
      assert.equal(position.realizedPnl, '0'); // At one price nobody gains.
      const worth = multiply(position.quantity, position.entryPrice);
      assert.equal(worth, multiply(position.quantity, decimalOf(`${price}`)));
    }),
  );
});
