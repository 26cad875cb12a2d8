// What everything about orders works with.
import type { Logger } from '../../config/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock, OrderId } from '../domain/ids.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Metrics } from '../metrics.ts';
import type { Risk } from '../risk/risk.ts';
import type { OrderRecord } from '../store/items.ts';
import type { Store } from '../store/store.ts';

/** What hears of the exchange's pushes. */
export type Listening = {
  /** An order as it is stored now: listened for until it has ended. */
  readonly note: (order: OrderRecord) => void;
};

export type OrderDeps = {
  readonly store: Store;
  readonly exchange: Exchange;
  readonly risk: Risk;
  /** Whether the user trades with keys of their own. */
  readonly hasOwnAccount: (userId: string) => Promise<boolean>;
  readonly bus: Bus;
  readonly listening: Listening;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: Clock;
  readonly nextOrderId: () => OrderId;
};
