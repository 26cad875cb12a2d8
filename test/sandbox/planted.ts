// The sandbox's true differences: places where the legacy backend is wrong on purpose, so that a comparison has
// something to find. All of them are made here, on the legacy answer, in the process's last step before it is written.

import { DETAIL } from './legacy/problem.ts';
import { PyFloat } from './legacy/python.ts';
import type { OrderView, PositionView } from './legacy/views.ts';
import type { SeedOrder } from './seed/orders.ts';

export interface PlantedDifference {
  readonly routeId: string;
  /** `status`, `header:NAME`, or a JSONPath with array members as [*], or [?key] where the shipped rules key them. */
  readonly path: string;
  /** What a comparison of legacy (first) with new (second) calls it: `missing` means that new lacks it. */
  readonly kind: 'changed' | 'type' | 'missing' | 'extra' | 'order' | 'length';
  /** Whether one of these alone should stop a promotion. */
  readonly critical: boolean;
  readonly why: string;
  readonly howToSee: string;
}

/** Every planted difference; planted-tour.ts meets each of them at least three times. */
export const PLANTED: readonly PlantedDifference[] = [
  {
    routeId: 'trade.order.get',
    path: '$.fee',
    kind: 'changed',
    critical: true,
    why: 'about one filled order in 150 shows a fee that is 0.0001 too high: legacy rounds an old rate up',
    howToSee: 'GET /api/trade/order/USER/ORDER for a filled order whose id, by feeIsOff, is one of them',
  },
  {
    routeId: 'trade.orders.list',
    path: '$.orders[?order_id].fee',
    kind: 'changed',
    critical: true,
    why: 'the same orders, in the list',
    howToSee: 'GET /api/trade/orders/USER of any user with many filled orders',
  },
  {
    routeId: 'trade.order.get',
    path: '$.average_price',
    kind: 'type',
    critical: true,
    why: 'some orders that never filled show an average price of 0.0 where there is none (null)',
    howToSee: 'GET /api/trade/order/USER/ORDER for an unfilled order whose id, by averageIsZero, is one of them',
  },
  {
    routeId: 'trade.order.get',
    path: 'status',
    kind: 'changed',
    critical: true,
    why: 'legacy cannot find some orders in status error (404) although its own list has them; new answers 200. The bodies of a 404 and a 200 have nothing in common, so only the status counts',
    howToSee: 'GET /api/trade/order/USER/ORDER for an order in status error whose id, by isLost, is one of them',
  },
  {
    routeId: 'trade.orders.list',
    path: '$.orders',
    kind: 'order',
    critical: false,
    why: 'orders of the same millisecond come in the opposite order; seen as such only when orders are keyed by order_id',
    howToSee: 'GET /api/trade/orders/USER of a user with two orders of one created_at on the page',
  },
  {
    routeId: 'positions.list',
    path: '$.positions[*].margin_mode',
    kind: 'missing',
    critical: false,
    why: 'legacy still shows an abandoned field on short positions in SOLUSDT of every third user',
    howToSee: 'GET /api/positions/USER of a user who is short in SOLUSDT and whose number is divisible by 3',
  },
  {
    routeId: 'positions.list',
    path: '$.positions[*].opened_at',
    kind: 'extra',
    critical: false,
    why: 'legacy leaves opened_at out of positions in MXUSDT of every eighth user',
    howToSee: 'GET /api/positions/USER of user-0005, user-0013, user-0021, ... with a position in MXUSDT',
  },
  {
    routeId: 'solana.safety',
    path: '$.can_freeze',
    kind: 'changed',
    critical: true,
    why: 'legacy looks for the freeze authority at byte 73 of a mint, in the middle of the key, and never finds one',
    howToSee: 'GET /api/token/H6txurHnUQeZFbyjLJjQ7CjbWnVjE5bDbWVXZ85FkXDP/safety: a mint with a freeze authority',
  },
];

/** The part of an answer that planting may change. */
export interface LegacyAnswer {
  readonly status: number;
  readonly body: object;
}

/** `answer` as the faulty legacy backend would give it: pure, and the same for the same answer. */
export function plant(routeId: string, answer: LegacyAnswer): LegacyAnswer {
  if (answer.status !== 200) return answer;
  if (routeId === 'trade.order.get') return plantOrder(answer.body as OrderView);
  if (routeId === 'trade.orders.list') {
    const body = answer.body as { orders: readonly OrderView[] };
    return { status: 200, body: { ...body, orders: turnTies(body.orders.map(withFee)) } };
  }
  if (routeId === 'positions.list') {
    const body = answer.body as { user_id: string; positions: readonly PositionView[] };
    return {
      status: 200,
      body: { ...body, positions: body.positions.map((position) => plantPosition(position, body.user_id)) },
    };
  }
  if (routeId === 'solana.safety') return { status: 200, body: { ...answer.body, can_freeze: false } };
  return answer;
}

function plantOrder(order: OrderView): LegacyAnswer {
  if (isLost(order)) return { status: 404, body: { detail: DETAIL.orderNotFound } };
  const unfilled = order.average_price === null && averageIsZero(order);
  return { status: 200, body: unfilled ? { ...order, average_price: new PyFloat(0) } : withFee(order) };
}

function withFee(order: OrderView): OrderView {
  if (order.fee.value === 0 || !feeIsOff(order)) return order;
  // Through text: adding floats would show as 0.30000000000000004.
  return { ...order, fee: new PyFloat(Number((order.fee.value + 0.0001).toFixed(8))) };
}

function plantPosition(position: PositionView, userId: string): PositionView {
  const user = Number(userId.slice(-4));
  if (position.symbol === 'SOLUSDT' && position.side === 'short' && user % 3 === 0)
    return { ...position, margin_mode: 'cross' };
  if (position.symbol !== 'MXUSDT' || user % 8 !== 5) return position;
  const { opened_at: _, ...rest } = position;
  return rest;
}

/** Neighbours of one created_at, turned round. */
function turnTies(orders: readonly OrderView[]): readonly OrderView[] {
  const groups: OrderView[][] = [];
  for (const order of orders) {
    const group = groups.at(-1);
    if (group?.[0]?.created_at === order.created_at) group.unshift(order);
    else groups.push([order]);
  }
  return groups.flat();
}

type Identified = Pick<SeedOrder, 'order_id' | 'status'> | Pick<OrderView, 'order_id' | 'status'>;

/** Which orders a difference strikes depends on the random end of their ids, so that it is the same for ever. */
function strikes(order: Identified, oneIn: number, which: number): boolean {
  return Number.parseInt(order.order_id.slice(-8), 16) % oneIn === which;
}

export function feeIsOff(order: Identified): boolean {
  return strikes(order, 150, 7);
}

export function averageIsZero(order: Identified): boolean {
  return strikes(order, 30, 11);
}

export function isLost(order: Identified): boolean {
  return order.status === 'error' && strikes(order, 10, 3);
}
