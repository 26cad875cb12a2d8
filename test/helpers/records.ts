import { clientOrderIdOf, createOrderIds } from '../../backend/domain/ids.ts';
import type { OrderRecord, PositionRecord } from '../../backend/store/items.ts';
import type { TargetRecord } from '../../backend/store/sniper-items.ts';

const START_MS = Date.parse('2026-01-05T10:00:00.000Z');
let clockMs = START_MS;
const nextId = createOrderIds({ now: () => clockMs++ });

/** An open limit order of user-0001; each call makes a newer one. */
export function anOrder(given: Partial<OrderRecord> = {}): OrderRecord {
  const orderId = nextId();
  return {
    order_id: orderId,
    user_id: 'user-0001',
    symbol: 'BTCUSDT',
    side: 'BUY',
    order_type: 'LIMIT',
    quantity: '0.5',
    price: '65000.25',
    filled_quantity: '0',
    average_price: null,
    fee: '0',
    status: 'open',
    mexc_order_id: null,
    client_order_id: clientOrderIdOf(orderId),
    created_at: '2026-01-05T10:00:00.123Z',
    updated_at: '2026-01-05T10:00:00.123Z',
    applied_quantity: '0',
    submission: null,
    version: 1,
    ...given,
  };
}

export function aPosition(given: Partial<PositionRecord> = {}): PositionRecord {
  return {
    user_id: 'user-0001',
    symbol: 'BTCUSDT',
    side: 'long',
    quantity: '1.5',
    entry_price: '64000',
    realized_pnl: '-12.75',
    opened_at: '2026-01-04T09:00:00.000Z',
    updated_at: '2026-01-05T10:00:00.123Z',
    applied: {},
    version: 1,
    ...given,
  };
}

/** A pending live target of user-0001 in NEWUSDT; each call makes a newer one. */
export function aTarget(given: Partial<TargetRecord> = {}): TargetRecord {
  return {
    target_id: nextId(),
    user_id: 'user-0001',
    symbol: 'NEWUSDT',
    mode: 'live',
    budget: '100',
    take_profit: null,
    stop_loss: null,
    max_slippage: '0.1',
    reference_price: null,
    confidence_min: 85,
    window_ms: 5000,
    status: 'pending',
    reason: null,
    opens_at: null,
    lease: null,
    entry: null,
    holding: null,
    exit: null,
    events: [],
    created_at: '2026-01-05T10:00:00.123Z',
    updated_at: '2026-01-05T10:00:00.123Z',
    version: 1,
    ...given,
  };
}
