import { ordersOf } from './seed/orders.ts';
import type { Random } from './seed/random.ts';
import { READERS, TRADERS } from './seed/users.ts';
import { KNOWN_MINTS, KNOWN_TRANSFER, KNOWN_USERS } from './solana/known.ts';
import { type SimulatedSymbol, SYMBOLS } from './symbols.ts';

/** One request of the traffic. */
export interface Journey {
  readonly routeId: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly onAnswer?: (status: number, text: string) => void;
}

/** Created orders remembered for cancelling; the oldest are left alone. */
const CANCELLABLE_MAX = 100;
/** Users whose single orders are read: enough for variety, few enough to be generated in a moment. */
const ORDER_READERS = 30;

/**
 * What users of a trading frontend do: mostly look (prices, their orders, their positions), now and then trade.
 * Readers never trade and traders are never read, so that what one side learns from trading is no difference in reading.
 */
export function createJourneys(random: Random): { next(): Journey } {
  const orders = READERS.slice(0, ORDER_READERS).map((user, index) => ({
    user,
    ids: ordersOf(index).map((order) => order.order_id),
  }));
  const cancellable: { user: string; orderId: string }[] = [];

  const read = (routeId: string, path: string, user: string): Journey => ({
    routeId,
    method: 'GET',
    path,
    headers: { 'x-user-id': user },
  });

  const create = (): Journey => {
    const user = random.pick(TRADERS);
    const resting = random.chance(0.6);
    return {
      routeId: 'trade.order.create',
      method: 'POST',
      path: '/api/trade/order',
      headers: { 'x-user-id': user, 'content-type': 'application/json' },
      body: JSON.stringify(orderBody(random, resting)),
      onAnswer(status, text) {
        if (status !== 201 || !resting) return;
        const { order_id: orderId }: { order_id?: unknown } = JSON.parse(text);
        cancellable.push({ user, orderId: String(orderId) });
        if (cancellable.length > CANCELLABLE_MAX) cancellable.shift();
      },
    };
  };

  /** What a trader of tokens looks at: a wallet, a token, what a transaction would do and cost. */
  const solana = (): Journey => {
    const user = random.pick(READERS);
    const dice = random.int(1, 4);
    if (dice === 1) return read('solana.balance', `/api/account/${random.pick(KNOWN_USERS)}/balance`, user);
    if (dice === 2) {
      const mint = random.pick([KNOWN_MINTS.plain, KNOWN_MINTS['plain-2022'], KNOWN_MINTS.mintable]);
      return read('solana.safety', `/api/token/${mint}/safety`, user);
    }
    const [routeId, path, body] =
      dice === 3
        ? ['solana.simulate', '/api/transaction/simulate', { transaction: KNOWN_TRANSFER }]
        : ['solana.fees', '/api/fees/estimate', { priorityLevel: random.pick(['low', 'medium', 'high']) }];
    const headers = { 'x-user-id': user, 'content-type': 'application/json' };
    return { routeId, method: 'POST', path, headers, body: JSON.stringify(body) };
  };

  const cancel = (): Journey => {
    const order = cancellable.shift();
    if (!order) return create();
    const path = `/api/trade/order/${order.user}/${order.orderId}`;
    return { routeId: 'trade.order.cancel', method: 'DELETE', path, headers: { 'x-user-id': order.user } };
  };

  return {
    next() {
      const dice = random.int(1, 100);
      if (dice <= 7) return solana();
      if (dice <= 35)
        return read('market.ticker', `/api/market/ticker/${random.pick(SYMBOLS).symbol}`, random.pick(READERS));
      if (dice <= 60) {
        const { user, ids } = random.pick(orders);
        return read('trade.order.get', `/api/trade/order/${user}/${random.pick(ids)}`, user);
      }
      const user = random.pick(READERS);
      if (dice <= 78)
        return read('trade.orders.list', `/api/trade/orders/${user}?limit=${random.pick([10, 20, 50])}`, user);
      if (dice <= 94) return read('positions.list', `/api/positions/${user}`, user);
      return dice <= 97 ? create() : cancel();
    },
  };
}

/** A limit far from the price, which rests, or a market order, which fills. */
function orderBody(random: Random, resting: boolean): object {
  const rules: SimulatedSymbol = random.pick(SYMBOLS);
  const side = random.pick(['BUY', 'SELL']);
  const worth = random.int(20, 400);
  const price = Number(rules.price) * (side === 'BUY' ? 0.9 : 1.1);
  const quantity = (worth / Number(rules.price)).toFixed(rules.quantityPlaces);
  const common = { symbol: rules.symbol, side, quantity };
  if (!resting) return { ...common, order_type: 'MARKET' };
  return { ...common, order_type: 'LIMIT', price: price.toFixed(rules.pricePlaces) };
}
