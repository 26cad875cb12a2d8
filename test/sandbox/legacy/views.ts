import type { OrderRow, PositionRow } from './database.ts';
import { float, isoformat, nowIso, type PyFloat } from './python.ts';

/** An order as the legacy API shows it: floats, Python's time format, and its own order of keys. */
export interface OrderView {
  order_id: string;
  client_order_id: string;
  mexc_order_id: string | null;
  user_id: string;
  symbol: string;
  status: string;
  order_type: string;
  side: string;
  price: PyFloat | null;
  quantity: PyFloat;
  average_price: PyFloat | null;
  filled_quantity: PyFloat;
  fee: PyFloat;
  updated_at: string;
  created_at: string;
  server_time?: string;
}

export interface PositionView {
  symbol: string;
  side: string;
  entry_price: PyFloat;
  quantity: PyFloat;
  realized_pnl: PyFloat;
  updated_at: string;
  opened_at?: string;
  margin_mode?: string;
}

export function orderInList(row: OrderRow): OrderView {
  return {
    order_id: row.order_id,
    client_order_id: row.client_order_id,
    mexc_order_id: row.mexc_order_id,
    user_id: row.user_id,
    symbol: row.symbol,
    status: row.status,
    order_type: row.order_type,
    side: row.side,
    price: float(row.price),
    quantity: float(row.quantity),
    average_price: float(row.average_price),
    filled_quantity: float(row.filled_quantity),
    fee: float(row.fee),
    updated_at: isoformat(row.updated_at),
    created_at: isoformat(row.created_at),
  };
}

export function orderView(row: OrderRow, nowMs: number): OrderView {
  return { ...orderInList(row), server_time: nowIso(nowMs) };
}

export function positionView(row: PositionRow): PositionView {
  return {
    symbol: row.symbol,
    side: row.side,
    entry_price: float(row.entry_price),
    quantity: float(row.quantity),
    realized_pnl: float(row.realized_pnl),
    updated_at: isoformat(row.updated_at),
    opened_at: isoformat(row.opened_at),
  };
}
