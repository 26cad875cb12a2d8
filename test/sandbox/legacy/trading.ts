import { randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import { type Decimal, decimal, divide, formatDecimal, multiply, parseDecimal, roundTo } from '../decimal.ts';
import { TAKER_FEE } from '../symbols.ts';
import type { Database, OrderRow, PositionRow } from './database.ts';
import type { ExchangeClient, ExchangeResult } from './exchange-client.ts';
import { applyFill, type Holding } from './fold.ts';
import { findOrder } from './orders.ts';
import { DETAIL, Problem } from './problem.ts';
import type { OrderInput } from './read-order.ts';

const PLACES = 8;
const BAD_SYMBOL = 10007;
const UNKNOWN_ORDER = -2011;
const SETTLED: ReadonlySet<string> = new Set(['filled', 'cancelled', 'error']);
/** Refusals that blame the order, not the exchange or its account's access: shown as 400. */
const ORDER_FAULTS: ReadonlySet<number> = new Set([
  30002, 30003, 30004, 30005, 30010, 30041, 30087, 10095, 10096, 10097, 10101, 10102, 33333, 44444,
]);

export interface Trading {
  readonly database: Database;
  readonly exchange: ExchangeClient;
  readonly now: () => number;
}

/** What the exchange says an order has come to. */
interface Progress {
  readonly status: string;
  readonly filled: Decimal;
  readonly average: Decimal | undefined;
}

/**
 * Stores an order, sends it, and records what came of it. Throws a Problem: 400 when the order itself is at fault, 502
 * when the exchange refused. When the exchange's answer is unclear the order stays "unknown"; nothing here ever clears
 * that up, which is one reason why this backend is being replaced.
 */
export async function createOrder(trading: Trading, input: OrderInput): Promise<OrderRow> {
  const last = await lastPrice(trading.exchange, input.symbol);
  const orderId = newOrderId(trading.now());
  const clientOrderId = `lg${orderId.replaceAll('-', '').slice(0, 30)}`;
  const at = new Date(trading.now()).toISOString();
  await trading.database.query(
    `insert into orders (order_id, user_id, symbol, side, order_type, quantity, price, status, client_order_id, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $9)`,
    [orderId, input.userId, input.symbol, input.side, input.orderType, input.quantity, input.price, clientOrderId, at],
  );
  const params = { symbol: input.symbol, side: input.side, type: input.orderType, newClientOrderId: clientOrderId };
  const placed = await trading.exchange.signed('POST', 'order', { ...params, ...amountsOf(input, last) });
  if (placed.kind === 'unclear') {
    await setStatus(trading, orderId, 'unknown');
    return findOrder(trading.database, input.userId, orderId);
  }
  if (placed.kind === 'refused') {
    await setStatus(trading, orderId, 'error');
    throw refusal(placed, input.symbol);
  }
  const mexcOrderId = String(placed.body.orderId);
  const found = await trading.exchange.signed('GET', 'order', { symbol: input.symbol, orderId: mexcOrderId });
  const progress = found.kind === 'ok' ? progressOf(found.body) : { status: 'open', filled: 0n, average: undefined };
  await record(trading, { userId: input.userId, orderId, mexcOrderId }, progress);
  return findOrder(trading.database, input.userId, orderId);
}

/** Cancels a live order. Throws a Problem: 404, 409 when it is too late, 502 when the exchange did not do it. */
export async function cancelOrder(trading: Trading, userId: string, orderId: string): Promise<OrderRow> {
  const order = await findOrder(trading.database, userId, orderId);
  const { symbol, mexc_order_id: mexcOrderId } = order;
  if (SETTLED.has(order.status)) throw new Problem(409, DETAIL.notCancellable(order.status));
  if (mexcOrderId === null) throw new Problem(409, DETAIL.inFlight);
  const cancelled = await trading.exchange.signed('DELETE', 'order', { symbol, orderId: mexcOrderId });
  const key = { userId, orderId, mexcOrderId };
  if (cancelled.kind === 'ok') {
    await record(trading, key, { ...progressOf(cancelled.body), status: 'cancelled' });
    return findOrder(trading.database, userId, orderId);
  }
  if (cancelled.kind === 'unclear') throw new Problem(502, DETAIL.cancelUnclear);
  if (cancelled.code !== UNKNOWN_ORDER) throw new Problem(502, DETAIL.cancelRefused(cancelled.msg));
  // Nothing live to cancel: filled meanwhile, cancelled elsewhere, or forgotten. The exchange knows which.
  const found = await trading.exchange.signed('GET', 'order', { symbol, orderId: mexcOrderId });
  if (found.kind === 'ok') await record(trading, key, progressOf(found.body));
  const now = await findOrder(trading.database, userId, orderId);
  if (now.status === 'cancelled') return now;
  throw new Problem(409, SETTLED.has(now.status) ? DETAIL.notCancellable(now.status) : DETAIL.inFlight);
}

/** The exchange's last price of a symbol, as it writes it, for clients to read. Throws a Problem: 404 or 502. */
export async function quotedPrice(exchange: ExchangeClient, symbol: string): Promise<string> {
  const ticker = await exchange.get('ticker/price', { symbol });
  if (ticker.kind === 'ok') return String(ticker.body.price);
  if (ticker.kind === 'refused' && ticker.code === BAD_SYMBOL) throw new Problem(404, DETAIL.unknownSymbol(symbol));
  throw new Problem(502, DETAIL.noPrice(ticker.kind === 'refused' ? ticker.msg : ticker.detail));
}

/** The same for sizing an order: an unknown symbol is the order's fault (400). */
async function lastPrice(exchange: ExchangeClient, symbol: string): Promise<string> {
  const ticker = await exchange.get('ticker/price', { symbol });
  if (ticker.kind === 'ok') return String(ticker.body.price);
  throw ticker.kind === 'refused' ? refusal(ticker, symbol) : new Problem(502, DETAIL.refused(ticker.detail));
}

function refusal({ code, msg }: Extract<ExchangeResult, { kind: 'refused' }>, symbol: string): Problem {
  if (code === BAD_SYMBOL) return new Problem(400, DETAIL.unknownSymbol(symbol));
  return ORDER_FAULTS.has(code) ? new Problem(400, DETAIL.rejected(msg)) : new Problem(502, DETAIL.refused(msg));
}

/** A market buy is sized by what to spend, rounded up to cents: the only size the exchange documents for it. */
function amountsOf(input: OrderInput, last: string): Record<string, string> {
  if (input.price !== null) return { quantity: input.quantity, price: input.price };
  if (input.side === 'SELL') return { quantity: input.quantity };
  const spend = multiply(decimal(input.quantity), decimal(last));
  const rounded = roundTo(spend, 2);
  return { quoteOrderQty: formatDecimal(rounded < spend ? rounded + decimal('0.01') : rounded) };
}

const STATUSES: Readonly<Record<string, string>> = {
  NEW: 'open',
  PARTIALLY_FILLED: 'partially_filled',
  FILLED: 'filled',
  CANCELED: 'cancelled',
  PARTIALLY_CANCELED: 'cancelled',
};

function progressOf(body: Readonly<Record<string, unknown>>): Progress {
  const filled = parseDecimal(String(body.executedQty)) ?? 0n;
  const quote = parseDecimal(String(body.cummulativeQuoteQty)) ?? 0n;
  const average = filled > 0n ? roundTo(divide(quote, filled), PLACES) : undefined;
  return { status: STATUSES[String(body.status)] ?? 'unknown', filled, average };
}

interface OrderKey {
  readonly userId: string;
  readonly orderId: string;
  readonly mexcOrderId: string;
}

/** Writes an order's progress, and what it newly filled into the user's position, in one transaction. */
async function record(trading: Trading, key: OrderKey, progress: Progress): Promise<void> {
  const { status, filled, average } = progress;
  const fee = roundTo(multiply(multiply(filled, average ?? 0n), decimal(TAKER_FEE)), PLACES);
  const at = new Date(trading.now()).toISOString();
  await trading.database.transaction(async (client) => {
    const { rows } = await client.query<OrderRow>('select * from orders where order_id = $1 for update', [key.orderId]);
    const [before] = rows;
    if (!before) return;
    await client.query(
      `update orders set status = $2, mexc_order_id = $3, filled_quantity = $4, average_price = $5, fee = $6, updated_at = $7
       where order_id = $1`,
      [
        key.orderId,
        status,
        key.mexcOrderId,
        formatDecimal(filled),
        average === undefined ? null : formatDecimal(average),
        formatDecimal(fee),
        at,
      ],
    );
    const added = filled - decimal(before.filled_quantity);
    if (added > 0n && average !== undefined) await move(client, before, { quantity: added, price: average, at });
  });
}

async function move(
  client: PoolClient,
  { user_id: userId, symbol, side }: OrderRow,
  fill: { quantity: Decimal; price: Decimal; at: string },
): Promise<void> {
  const { rows } = await client.query<PositionRow>(
    'select * from positions where user_id = $1 and symbol = $2 for update',
    [userId, symbol],
  );
  const before = rows[0] && holdingOf(rows[0]);
  const after = applyFill(before, { side, quantity: fill.quantity, price: fill.price });
  await client.query('delete from positions where user_id = $1 and symbol = $2', [userId, symbol]);
  if (!after) return;
  const turned = before === undefined || before.quantity > 0n !== after.quantity > 0n;
  const long = after.quantity > 0n;
  await client.query('insert into positions values ($1, $2, $3, $4, $5, $6, $7, $8)', [
    userId,
    symbol,
    long ? 'long' : 'short',
    formatDecimal(long ? after.quantity : -after.quantity),
    formatDecimal(after.entryPrice),
    formatDecimal(after.realizedPnl),
    turned ? fill.at : rows[0]?.opened_at,
    fill.at,
  ]);
}

function holdingOf(row: PositionRow): Holding {
  const quantity = decimal(row.quantity);
  return {
    quantity: row.side === 'long' ? quantity : -quantity,
    entryPrice: decimal(row.entry_price),
    realizedPnl: decimal(row.realized_pnl),
  };
}

async function setStatus(trading: Trading, orderId: string, status: string): Promise<void> {
  const at = new Date(trading.now()).toISOString();
  await trading.database.query('update orders set status = $2, updated_at = $3 where order_id = $1', [
    orderId,
    status,
    at,
  ]);
}

/** A UUID of version 7: 48 bits of time, the rest random, so that ids sort by creation. */
function newOrderId(nowMs: number): string {
  const random = randomBytes(10);
  random[0] = ((random[0] ?? 0) & 0x0f) | 0x70;
  random[2] = ((random[2] ?? 0) & 0x3f) | 0x80;
  const hex = nowMs.toString(16).padStart(12, '0') + random.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
