import { averageIsZero, feeIsOff, isLost } from './planted.ts';
import { ordersOf, type SeedOrder } from './seed/orders.ts';
import { READERS } from './seed/users.ts';
import { KNOWN_MINTS, KNOWN_USERS } from './solana/known.ts';
import { SYMBOLS } from './symbols.ts';

export interface TourRequest {
  readonly method: 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TOUR_USERS = 40;
const ORDINARY_ORDERS_PER_USER = 4;

/**
 * Requests over all read routes that, read once each, meet every planted difference and nothing else: a few hundred,
 * always the same, of users whose data both sides share.
 */
export const plantedTour: readonly TourRequest[] = [
  ...SYMBOLS.map(({ symbol }) => request(`/api/market/ticker/${symbol}`, READERS[0] ?? '')),
  ...[...Object.values(KNOWN_MINTS), KNOWN_MINTS.freezable, KNOWN_MINTS.freezable].map((mint) =>
    request(`/api/token/${mint}/safety`, READERS[0] ?? ''),
  ),
  ...KNOWN_USERS.map((who) => request(`/api/account/${who}/balance`, READERS[0] ?? '')),
  ...READERS.slice(0, TOUR_USERS).flatMap((user, index) => tourOf(user, ordersOf(index))),
];

function tourOf(user: string, orders: readonly SeedOrder[]): readonly TourRequest[] {
  const struck = [
    orders.find((order) => order.status === 'filled' && feeIsOff(order)),
    orders.find((order) => order.average_price === null && averageIsZero(order) && !isLost(order)),
    orders.find(isLost),
  ];
  const visited = new Set([
    ...struck.filter((order) => order !== undefined),
    ...orders.slice(-ORDINARY_ORDERS_PER_USER),
  ]);
  return [
    request(`/api/positions/${user}`, user),
    request(`/api/trade/orders/${user}`, user),
    request(`/api/trade/orders/${user}?limit=20`, user),
    ...[...visited].map((order) => request(`/api/trade/order/${user}/${order.order_id}`, user)),
  ];
}

function request(path: string, user: string): TourRequest {
  return { method: 'GET', path, headers: { 'x-user-id': user } };
}
