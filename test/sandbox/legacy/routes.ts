import type { LegacyAnswer } from '../planted.ts';
import { findOrder, listOrders, listPositions } from './orders.ts';
import { Problem } from './problem.ts';
import { float, isoformat, nowIso } from './python.ts';
import { readOrderInput, readUserId } from './read-order.ts';
import type { LegacySolana } from './solana.ts';
import { cancelOrder, createOrder, quotedPrice, type Trading } from './trading.ts';
import { orderInList, orderView, positionView } from './views.ts';

/** One matched request. */
export interface LegacyCall {
  readonly trading: Trading;
  /** Undefined: it has no RPC endpoint. */
  readonly solana: LegacySolana | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: string;
  /** The header x-user-id. */
  readonly headerUserId: string | undefined;
}

export interface LegacyRoute {
  readonly id: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: (call: LegacyCall) => Promise<LegacyAnswer>;
}

const EVENTS_MAX = 500;

/** The endpoints that answer with JSON, by the gateway's route ids. Tried in order. */
export const LEGACY_ROUTES: readonly LegacyRoute[] = [
  route('trade.order.create', 'POST', '/api/trade/order', create),
  route('trade.order.get', 'GET', '/api/trade/order/:user_id/:order_id', get),
  route('trade.order.cancel', 'DELETE', '/api/trade/order/:user_id/:order_id', cancel),
  route('trade.orders.list', 'GET', '/api/trade/orders/:user_id', list),
  route('positions.list', 'GET', '/api/positions/:user_id', positions),
  route('market.ticker', 'GET', '/api/market/ticker/:symbol', ticker),
  route('sniper.calendar', 'GET', '/api/sniper/calendar', calendar),
  route('solana.balance', 'GET', '/api/account/:pubkey/balance', async (call) =>
    solanaOf(call).balance(call.params.pubkey ?? ''),
  ),
  route('solana.safety', 'GET', '/api/token/:mint/safety', async (call) =>
    solanaOf(call).safety(call.params.mint ?? ''),
  ),
  route('solana.simulate', 'POST', '/api/transaction/simulate', async (call) => solanaOf(call).simulate(call.body)),
  route('solana.fees', 'POST', '/api/fees/estimate', async (call) => solanaOf(call).fees(call.body)),
  route('admin.health', 'GET', '/api/admin/health', health),
];

function route(id: string, method: string, path: string, handle: LegacyRoute['handle']): LegacyRoute {
  return { id, method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`), handle };
}

function solanaOf({ solana }: LegacyCall): LegacySolana {
  if (!solana) throw new Problem(404, 'Not Found');
  return solana;
}

async function create({ trading, body, headerUserId }: LegacyCall): Promise<LegacyAnswer> {
  const order = await createOrder(trading, readOrderInput(body, headerUserId));
  return { status: 201, body: { order_id: order.order_id, mexc_order_id: order.mexc_order_id, status: order.status } };
}

async function get({ trading, params }: LegacyCall): Promise<LegacyAnswer> {
  const order = await findOrder(trading.database, params.user_id ?? '', params.order_id ?? '');
  return { status: 200, body: orderView(order, trading.now()) };
}

async function cancel({ trading, params }: LegacyCall): Promise<LegacyAnswer> {
  const order = await cancelOrder(trading, params.user_id ?? '', params.order_id ?? '');
  return { status: 200, body: orderView(order, trading.now()) };
}

async function list({ trading, params, query }: LegacyCall): Promise<LegacyAnswer> {
  const { rows, nextCursor } = await listOrders(trading.database, readUserId(params.user_id), query);
  const body = { server_time: nowIso(trading.now()), next_cursor: nextCursor, orders: rows.map(orderInList) };
  return { status: 200, body };
}

async function positions({ trading, params }: LegacyCall): Promise<LegacyAnswer> {
  const userId = readUserId(params.user_id);
  const rows = await listPositions(trading.database, userId);
  return {
    status: 200,
    body: { server_time: nowIso(trading.now()), positions: rows.map(positionView), user_id: userId },
  };
}

async function ticker({ trading, params }: LegacyCall): Promise<LegacyAnswer> {
  const symbol = params.symbol ?? '';
  const price = await quotedPrice(trading.exchange, symbol);
  return { status: 200, body: { symbol, timestamp: trading.now(), price: float(price) } };
}

async function health({ trading }: LegacyCall): Promise<LegacyAnswer> {
  await trading.database.query('select 1');
  return { status: 200, body: { timestamp: nowIso(trading.now()), status: 'ok' } };
}

interface EventRow {
  readonly vcoin_id: string;
  readonly symbol: string;
  readonly project_name: string;
  readonly first_open_time: string;
  readonly status: string;
  readonly launch_price: string | null;
  readonly token_supply: string | null;
  readonly details: object;
}

async function calendar({ trading, query }: LegacyCall): Promise<LegacyAnswer> {
  const status = query.get('status');
  if (status !== null && !['detected', 'sniped', 'missed'].includes(status)) {
    throw new Problem(400, 'status must be detected or sniped or missed');
  }
  const rows = await trading.database.query<EventRow>(
    `select vcoin_id, symbol, project_name, first_open_time, status, launch_price, token_supply, details
     from calendar_events where $1::text is null or status = $1 order by first_open_time, id limit ${EVENTS_MAX}`,
    [status],
  );
  const events = rows.map((row) => ({
    ...row,
    first_open_time: isoformat(row.first_open_time),
    launch_price: float(row.launch_price),
    token_supply: float(row.token_supply),
  }));
  return { status: 200, body: { count: events.length, events, server_time: nowIso(trading.now()) } };
}
