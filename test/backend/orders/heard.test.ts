import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { add, type Decimal, decimalOf, multiply, ZERO } from '../../../backend/domain/money.ts';
import type { ExchangeStatus } from '../../../backend/exchange/exchange.ts';
import type { FillEvent, OrderEvent } from '../../../backend/exchange/user-stream.ts';
import { hasEnded, heardAlso, isComplete, NOTHING_HEARD, sightingOf } from '../../../backend/orders/heard.ts';
import { progressed } from '../../../backend/orders/state.ts';
import { anOrder } from '../../helpers/records.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:01.000Z');
const IDS = ['X1', 'client'] as const;

type History = {
  readonly events: readonly (OrderEvent | FillEvent)[];
  readonly filled: Decimal;
  readonly quote: Decimal;
};

const orderEvent = (status: ExchangeStatus, filledQuantity: Decimal, filledQuote: Decimal): OrderEvent => ({
  ...{ kind: 'order', symbol: 'BTCUSDT', ids: IDS, status, filledQuantity, filledQuote },
});

/** What an exchange tells of an order that fills in parts, in the order in which it happens. */
const histories: fc.Arbitrary<History> = fc
  .record({
    parts: fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 9 }), price: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 6,
    }),
    end: fc.constantFrom('filled' as const, 'cancelled' as const, 'open' as const),
  })
  .map(({ parts, end }) => {
    const events: (OrderEvent | FillEvent)[] = [orderEvent('open', ZERO, ZERO)];
    let [filled, quote] = [ZERO, ZERO];
    parts.forEach((part, index) => {
      const [price, quantity] = [decimalOf(`${part.price}`), decimalOf(`${part.quantity}`)];
      filled = add(filled, quantity);
      quote = add(quote, multiply(price, quantity));
      events.push({
        ...{ kind: 'fill', symbol: 'BTCUSDT', ids: IDS, tradeId: `T${index}`, side: 'BUY', price, quantity },
        ...{ fee: decimalOf('1'), feeAsset: index % 2 === 0 ? 'USDT' : 'MX', isMaker: true, timeMs: NOW_MS },
      });
      const isLast = index === parts.length - 1 && end === 'filled';
      events.push(orderEvent(isLast ? 'filled' : 'partially_filled', filled, quote));
    });
    if (end === 'cancelled') events.push(orderEvent('cancelled', filled, quote));
    return { events, filled, quote };
  });

test('any history, told in any order and some of it twice: the same is heard, and it is what happened', () => {
  fc.assert(
    fc.property(
      histories.chain((history) =>
        fc.record({
          history: fc.constant(history),
          told: fc.array(fc.nat({ max: history.events.length - 1 }), { maxLength: 10 }).chain((twice) => {
            const all = [...history.events, ...twice.flatMap((index) => history.events[index] ?? [])];
            return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
          }),
        }),
      ),
      ({ history, told }) => {
        const heard = told.reduce(heardAlso, NOTHING_HEARD);
        const seen = sightingOf(heard, 'X1');
        assert.deepEqual([seen.filledQuantity, seen.filledQuote], [history.filled, history.quote]);
        assert.deepEqual(seen, sightingOf(history.events.reduce(heardAlso, NOTHING_HEARD), 'X1'));
        assert.equal(isComplete(heard), hasEnded(heard), 'all fills of it were told');
        for (const event of told) assert.equal(heardAlso(heard, event), heard, 'nothing of it is news any more');
      },
    ),
  );
});

test('any part of a history stored after each event, in any order: the order ends as all of it says', () => {
  fc.assert(
    fc.property(
      histories.chain((history) =>
        fc.record({
          history: fc.constant(history),
          told: fc.shuffledSubarray([...history.events], {
            minLength: history.events.length,
            maxLength: history.events.length,
          }),
        }),
      ),
      ({ history, told }) => {
        let [heard, order] = [NOTHING_HEARD, anOrder({ status: 'open', mexc_order_id: 'X1', quantity: '100' })];
        for (const event of told) {
          heard = heardAlso(heard, event);
          order = progressed(order, sightingOf(heard, 'X1'), NOW_MS) ?? order;
        }
        const fills = history.events.filter(({ kind }) => kind === 'fill').length;
        assert.equal(order.filled_quantity, history.filled);
        assert.equal(order.fee, `${Math.ceil(fills / 2)}`);
        assert.equal(order.other_fees?.MX ?? '0', `${Math.floor(fills / 2)}`);
        assert.equal(order.status, sightingOf(heard, 'X1').status);
      },
    ),
  );
});

test('an order that has ended with a fill that was not told is not complete', () => {
  const heard = heardAlso(NOTHING_HEARD, orderEvent('filled', decimalOf('2'), decimalOf('20')));
  assert.deepEqual([hasEnded(heard), isComplete(heard)], [true, false]);
  assert.deepEqual(sightingOf(heard, 'X1').filledQuantity, '2');
});
