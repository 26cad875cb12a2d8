import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Decimal, decimal } from '../decimal.ts';
import { createMatchingBook, type Fill } from './matching.ts';
import type { Side } from './order.ts';

const deeds = fc.array(
  fc.record({
    side: fc.constantFrom<Side[]>('BUY', 'SELL'),
    price: fc.integer({ min: 1, max: 8 }),
    quantity: fc.integer({ min: 1, max: 9 }),
    takes: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** The same by brute force: all orders in one list, the best and oldest looked for each time. */
function simple() {
  let orders: { side: Side; price: number; left: number; seq: number }[] = [];
  let seq = 0;
  return {
    take(side: Side, limit: number, quantity: number): [number, number][] {
      const fills: [number, number][] = [];
      for (let left = quantity; left > 0; ) {
        const [best] = orders
          .filter((o) => o.side !== side && (side === 'BUY' ? o.price <= limit : o.price >= limit))
          .sort((a, b) => (side === 'BUY' ? a.price - b.price : b.price - a.price) || a.seq - b.seq);
        if (!best) break;
        const taken = Math.min(left, best.left);
        best.left -= taken;
        left -= taken;
        fills.push([best.price, taken]);
        orders = orders.filter((o) => o.left > 0);
      }
      return fills;
    },
    rest: (side: Side, price: number, left: number) => void orders.push({ side, price, left, seq: seq++ }),
    total: (side: Side, price: number) =>
      orders.filter((o) => o.side === side && o.price === price).reduce((sum, o) => sum + o.left, 0),
  };
}

test('any orders, then the fills are those of price-time priority, and every level that changed was told', () => {
  fc.assert(
    fc.property(deeds, (list) => {
      const told = new Map<string, Decimal>();
      const book = createMatchingBook((side, price, quantity) => told.set(`${side} ${price}`, quantity));
      const reference = simple();
      let makerFills = 0n;
      let takerFills = 0n;
      for (const [i, { side, price, quantity, takes }] of list.entries()) {
        const [p, q] = [decimal(String(price)), decimal(String(quantity))];
        if (takes) {
          const left = (soFar: readonly Fill[]) => soFar.reduce((rest, fill) => rest - fill.quantity, q);
          const fills = book.take(side, p, (_, soFar) => left(soFar));
          takerFills += fills.reduce((sum, fill) => sum + fill.quantity, 0n);
          const expected = reference.take(side, price, quantity);
          assert.deepEqual(
            fills.map((fill) => [Number(fill.price / 10n ** 18n), Number(fill.quantity / 10n ** 18n)]),
            expected,
          );
        } else {
          const onFill = (filled: Decimal) => {
            makerFills += filled;
          };
          book.rest({ id: String(i), side, price: p, left: q, onFill });
          reference.rest(side, price, quantity);
        }
      }
      assert.equal(makerFills, takerFills, 'what one bought the other sold');
      for (const side of ['BUY', 'SELL'] as const)
        for (let price = 1; price <= 8; price++) {
          const level = told.get(`${side} ${decimal(String(price))}`) ?? 0n;
          assert.equal(level, decimal(String(reference.total(side, price))), `${side} ${price}`);
        }
    }),
  );
});
