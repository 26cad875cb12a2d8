// The positions' part of the API.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../domain/ids.ts';
import { parseDecimal, shown, ZERO } from '../domain/money.ts';
import { isoTime, toMilliseconds } from '../domain/time.ts';
import { fail, json, parse, type Route, symbolName, userId } from '../http.ts';
import type { Prices } from '../market/prices.ts';
import type { FillRecord } from '../store/fill-items.ts';
import type { PositionRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';
import { rebuilt, unrealizedPnl } from './log.ts';

/** Entries of the log read at a time, and for one answer at most. */
const LOG_PAGE = 500;
const LOG_ENTRIES_MAX = 50_000;

/** A position that came back to zero stays in the store for its realised profit, and is no position to a client. */
const isOpen = (position: PositionRecord) => parseDecimal(position.quantity) !== ZERO;

/** A position as the API and the bus tell it. */
export function positionView(position: PositionRecord) {
  return {
    symbol: position.symbol,
    side: position.side,
    quantity: shown(position.quantity),
    entry_price: shown(position.entry_price),
    realized_pnl: shown(position.realized_pnl),
    opened_at: toMilliseconds(position.opened_at),
    updated_at: toMilliseconds(position.updated_at),
  };
}

/** All that the log decides of a position. */
function foldedOf(position: PositionRecord) {
  const { side, quantity, entry_price, realized_pnl, realized_total, fees, opened_at, updated_at, seq } = position;
  return { side, quantity, entry_price, realized_pnl, realized_total, fees, opened_at, updated_at, seq };
}

type Deps = { readonly store: Store; readonly prices: Prices; readonly now: Clock };

/** The whole log up to the position's entry, or undefined when it is longer than one answer may read. */
async function logOf(store: Store, { user_id, symbol, seq = 0 }: PositionRecord): Promise<FillRecord[] | undefined> {
  if (seq > LOG_ENTRIES_MAX) return undefined;
  const log: FillRecord[] = [];
  for (let page: readonly FillRecord[] | undefined; log.length < seq && page?.length !== 0; ) {
    const limit = Math.min(LOG_PAGE, seq - log.length);
    page = await store.listFills(user_id, symbol, { limit, after: log.length });
    log.push(...page);
  }
  return log;
}

export function positionRoutes(route: Route, { store, prices, now }: Deps): void {
  async function positionOf(user: string, symbol: string): Promise<PositionRecord> {
    const position = await store.getPosition(user, symbol);
    return position ?? fail('position_not_found', `${user} has never held ${symbol}`);
  }

  route(
    'GET',
    '/api/positions/:user_id',
    async function positions(context) {
      const user = parse(userId, context.req.param('user_id'));
      const records = await store.listPositions(user);
      return json({ user_id: user, positions: records.filter(isOpen).map(positionView), server_time: isoTime(now()) });
    },
    { summary: 'Open positions' },
  );

  route(
    'GET',
    '/api/positions/:user_id/:symbol',
    async function position(context) {
      const user = parse(userId, context.req.param('user_id'));
      const record = await positionOf(user, parse(symbolName, context.req.param('symbol')));
      const price = prices.fresh(record.symbol) ?? (await prices.ask(record.symbol));
      const mark = price.kind === 'price' ? price.price : null;
      return json({
        user_id: user,
        ...positionView(record),
        realized_total: record.realized_total ?? null,
        fees: record.fees ?? {},
        mark_price: mark,
        unrealized_pnl: mark === null ? null : unrealizedPnl(record, mark),
        server_time: isoTime(now()),
      });
    },
    { summary: 'One position, with what it would gain now and its fees' },
  );

  route(
    'GET',
    '/api/positions/:user_id/:symbol/audit',
    async function audit(context) {
      const user = parse(userId, context.req.param('user_id'));
      const record = await positionOf(user, parse(symbolName, context.req.param('symbol')));
      const log = await logOf(store, record);
      if (!log) return fail('log_too_long', `the log of ${record.symbol} has more than ${LOG_ENTRIES_MAX} entries`);
      const again = rebuilt(log);
      const stored = foldedOf(record);
      const folded = again && foldedOf(again);
      const equal = record.seq === undefined ? null : isDeepStrictEqual(folded, stored);
      return json({ entries: log.length, equal, stored, rebuilt: folded ?? null });
    },
    { summary: 'Whether a position is what its fills make' },
  );
}
