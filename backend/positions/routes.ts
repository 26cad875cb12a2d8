// The positions' part of the API.
import type { Clock } from '../domain/ids.ts';
import { parseDecimal, shown, ZERO } from '../domain/money.ts';
import { isoTime, toMilliseconds } from '../domain/time.ts';
import { json, parse, type Route, userId } from '../http.ts';
import type { PositionRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';

/** A position that came back to zero stays in the store for its realised profit, and is no position to a client. */
const isOpen = (position: PositionRecord) => parseDecimal(position.quantity) !== ZERO;

function positionView(position: PositionRecord) {
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

export function positionRoutes(route: Route, { store, now }: { store: Store; now: Clock }): void {
  route('GET', '/api/positions/:user_id', async function positions(context) {
    const user = parse(userId, context.req.param('user_id'));
    const records = await store.listPositions(user);
    return json({ user_id: user, positions: records.filter(isOpen).map(positionView), server_time: isoTime(now()) });
  });
}
