import type { Database, OrderRow, PositionRow } from './database.ts';
import { DETAIL, Problem } from './problem.ts';

const LIST_LIMIT_DEFAULT = 50;
const LIST_LIMIT_MAX = 200;
const CURSOR_PREFIX = '1:';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const ORDER_COLUMNS = `order_id, user_id, symbol, side, order_type, quantity, price, filled_quantity, average_price, fee,
  status, mexc_order_id, client_order_id, created_at, updated_at`;

/** One order of a user; throws a Problem (404) when there is none, also for an id that cannot be one. */
export async function findOrder(database: Database, userId: string, orderId: string): Promise<OrderRow> {
  const rows = UUID.test(orderId)
    ? await database.query<OrderRow>(`select ${ORDER_COLUMNS} from orders where user_id = $1 and order_id = $2`, [
        userId,
        orderId,
      ])
    : [];
  const [row] = rows;
  if (!row) throw new Problem(404, DETAIL.orderNotFound);
  return row;
}

export interface OrderPage {
  readonly rows: readonly OrderRow[];
  readonly nextCursor: string | null;
}

/** A user's orders, newest first; ids sort by creation time, so they alone are the key of the page. */
export async function listOrders(database: Database, userId: string, query: URLSearchParams): Promise<OrderPage> {
  const limit = readLimit(query.get('limit'));
  const after = readCursor(query.get('cursor'));
  const rows = await database.query<OrderRow>(
    `select ${ORDER_COLUMNS} from orders
     where user_id = $1 and ($2::uuid is null or (created_at, order_id) < (select created_at, order_id from orders where order_id = $2))
     order by created_at desc, order_id desc limit $3`,
    [userId, after, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { rows: page, nextCursor: more ? Buffer.from(CURSOR_PREFIX + last.order_id).toString('base64url') : null };
}

/** What a user holds, by symbol. */
export function listPositions(database: Database, userId: string): Promise<readonly PositionRow[]> {
  return database.query<PositionRow>(
    `select user_id, symbol, side, quantity, entry_price, realized_pnl, opened_at, updated_at
     from positions where user_id = $1 order by symbol`,
    [userId],
  );
}

function readLimit(text: string | null): number {
  if (text === null) return LIST_LIMIT_DEFAULT;
  if (!/^\d{1,4}$/.test(text)) throw new Problem(400, 'limit must be a whole number');
  const limit = Number(text);
  if (limit < 1 || limit > LIST_LIMIT_MAX) throw new Problem(400, `limit must be from 1 to ${LIST_LIMIT_MAX}`);
  return limit;
}

function readCursor(text: string | null): string | null {
  if (text === null || text === '') return null;
  const decoded = Buffer.from(text, 'base64url').toString();
  const id = decoded.slice(CURSOR_PREFIX.length);
  if (!decoded.startsWith(CURSOR_PREFIX) || !UUID.test(id)) throw new Problem(400, 'cursor is not valid');
  return id;
}
