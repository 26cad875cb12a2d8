// What users of a trading frontend do, by number: the same number is the same request on every target, so that rounds
// of different targets carry the same mix. Pure.
import type { RouteId } from './profiles.ts';

export interface LoadRequest {
  readonly route: RouteId;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly user: string;
  readonly body?: string;
  /** Statuses that are as they should be. */
  readonly expects: readonly number[];
}

/** What the journeys ask about; found by `setup`, on the target itself. */
export interface World {
  readonly orders: readonly { readonly user: string; readonly id: string }[];
  readonly market: readonly { readonly symbol: string; readonly price: number }[];
}

export const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'] as const;
/** Users who only look, and users who trade: what one side learns from trading is no difference in reading. */
const READERS = 30;
const FIRST_TRADER = 181;
const TRADERS = 20;
/** An order's worth in the quote asset, and how far below the price it rests. */
const WORTH = 20;
const RESTS_AT = 0.9;

/** Twenty journeys, then again: mostly looks; two that trade. */
const MIX = [
  ...['ticker', 'order', 'orders', 'ticker', 'positions', 'order', 'ticker', 'orders', 'trade', 'ticker'],
  ...['positions', 'order', 'ticker', 'orders', 'order', 'positions', 'ticker', 'order', 'trade', 'ticker'],
] as const;

const userNumber = (n: number): string => `user-${String(n).padStart(4, '0')}`;
export const reader = (n: number): string => userNumber(1 + (n % READERS));
const trader = (n: number): string => userNumber(FIRST_TRADER + (n % TRADERS));

/** Journey number `n`: one request. One that trades is an order that rests; `cancelOf` ends it. */
export function journeyOf(n: number, { orders, market }: World, writes: boolean): LoadRequest {
  const read = (route: RouteId, path: string, user: string, expects = [200]): LoadRequest => ({
    ...{ route, method: 'GET', path, user, expects },
  });
  const order = orders[n % orders.length];
  const of = market[n % market.length];
  switch (MIX[n % MIX.length]) {
    case 'order':
      if (order === undefined) break;
      // Legacy does not find some orders that its own list has: an answer, not a failure.
      return read('trade.order.get', `/api/trade/order/${order.user}/${order.id}`, order.user, [200, 404]);
    case 'orders':
      return read('trade.orders.list', `/api/trade/orders/${reader(n)}?limit=20`, reader(n));
    case 'positions':
      return read('positions.list', `/api/positions/${reader(n)}`, reader(n));
    case 'trade':
      if (!writes || of === undefined) break;
      return {
        ...{
          route: 'trade.order.create',
          method: 'POST',
          path: '/api/trade/order',
          user: trader(n),
          expects: [201],
        },
        body: restingOrder(of.symbol, of.price),
      };
  }
  return read('market.ticker', `/api/market/ticker/${SYMBOLS[n % SYMBOLS.length]}`, reader(n));
}

export function cancelOf(user: string, orderId: string): LoadRequest {
  const path = `/api/trade/order/${user}/${orderId}`;
  return { route: 'trade.order.cancel', method: 'DELETE', path, user, expects: [200] };
}

/** Digits that every symbol here takes: many more of a dear one's quantity, many more of a cheap one's price. */
function restingOrder(symbol: string, price: number): string {
  const limit = price * RESTS_AT;
  return JSON.stringify({
    ...{ symbol, side: 'BUY', order_type: 'LIMIT' },
    quantity: (WORTH / limit).toFixed(limit > 1000 ? 5 : limit > 10 ? 3 : 1),
    price: limit.toFixed(limit > 10 ? 2 : 4),
  });
}
