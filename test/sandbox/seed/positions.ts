import { decimal, formatDecimal } from '../decimal.ts';
import { applyFill, type Holding } from '../legacy/fold.ts';
import { ordersOf, type SeedOrder } from './orders.ts';
import { USER_COUNT } from './users.ts';

/** One position of the seed; text as in SeedOrder. */
export interface SeedPosition {
  readonly user_id: string;
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly quantity: string;
  readonly entry_price: string;
  readonly realized_pnl: string;
  readonly opened_at: string;
  readonly updated_at: string;
}

interface Running {
  readonly holding: Holding;
  readonly openedAt: string;
  readonly updatedAt: string;
}

/** What a user holds after all of the user's fills, by symbol. */
export function positionsFrom(orders: readonly SeedOrder[]): readonly SeedPosition[] {
  const running = new Map<string, Running>();
  for (const order of orders) {
    if (order.average_price === null) continue;
    const before = running.get(order.symbol);
    const fill = { side: order.side, quantity: decimal(order.filled_quantity), price: decimal(order.average_price) };
    const holding = applyFill(before?.holding, fill);
    if (!holding) {
      running.delete(order.symbol);
      continue;
    }
    const turned = before === undefined || before.holding.quantity > 0n !== holding.quantity > 0n;
    const openedAt = turned ? order.updated_at : before.openedAt;
    running.set(order.symbol, { holding, openedAt, updatedAt: order.updated_at });
  }
  const user = orders[0]?.user_id ?? '';
  return [...running].sort(([a], [b]) => (a < b ? -1 : 1)).map(([symbol, entry]) => position(user, symbol, entry));
}

/** Every position of every user. */
export function* allPositions(): Generator<SeedPosition> {
  for (let index = 0; index < USER_COUNT; index++) yield* positionsFrom(ordersOf(index));
}

function position(user: string, symbol: string, { holding, openedAt, updatedAt }: Running): SeedPosition {
  const { quantity } = holding;
  return {
    user_id: user,
    symbol,
    side: quantity > 0n ? 'long' : 'short',
    quantity: formatDecimal(quantity > 0n ? quantity : -quantity),
    entry_price: formatDecimal(holding.entryPrice),
    realized_pnl: formatDecimal(holding.realizedPnl),
    opened_at: openedAt,
    updated_at: updatedAt,
  };
}
