import { decimal, multiply, roundTo } from '../decimal.ts';
import { createRandom } from '../seed/random.ts';
import type { Market } from './market.ts';
import type { ExchangeOrder, Side } from './order.ts';

/** Orders of theirs that rest at once; the oldest is withdrawn for a new one. */
const RESTING_MAX = 400;
/** How far from the last price they order, in ticks. */
const SPREAD_TICKS = 50;

export interface Participants {
  /** `count` deeds: an order that rests, one that takes, or one withdrawn. The same seed does the same. */
  step(count: number): void;
}

/** Other people on a market whose house has left: what makes its book move. */
export function createParticipants(market: Market, seed: number): Participants {
  const random = createRandom(seed);
  const { rules } = market;
  const tick = 10n ** BigInt(18 - rules.pricePlaces);
  const resting: string[] = [];
  let orders = 0;

  const some = () =>
    roundTo(multiply(decimal(String(random.int(1, 200))), decimal(rules.quantityMin) * 10n), rules.quantityPlaces);
  const sideOf = (): Side => random.pick(['BUY', 'SELL'] as const);

  const order = (side: Side, price: bigint, type: ExchangeOrder['type']): ExchangeOrder => {
    const orderId = `P${seed}-${orders++}`;
    return {
      ...{ orderId, clientOrderId: orderId, symbol: rules.symbol, side, type, price, quantity: some() },
      ...{ quoteQuantity: 0n, executed: 0n, executedQuote: 0n, status: 'NEW', timeMs: 0, updateTimeMs: 0 },
    };
  };

  const rest = (side: Side): void => {
    const away = tick * BigInt(random.int(1, SPREAD_TICKS));
    const price = market.lastPrice() + (side === 'BUY' ? -away : away);
    if (price <= 0n || market.wouldTake(side, price)) return;
    const { orderId, quantity } = order(side, price, 'LIMIT');
    market.rest({ id: orderId, side, price, left: quantity, onFill() {} });
    resting.push(orderId);
    if (resting.length > RESTING_MAX) market.remove(resting.shift() ?? '');
  };

  return {
    step(count) {
      for (let i = 0; i < count; i++) {
        const deed = random.int(1, 10);
        if (deed <= 6) rest(sideOf());
        else if (deed <= 8) market.match(order(sideOf(), 0n, 'MARKET'), decimal('1'));
        else market.remove(resting.splice(random.int(0, Math.max(0, resting.length - 1)), 1)[0] ?? '');
      }
    },
  };
}
