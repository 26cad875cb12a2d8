// The sniper put together: the entry, the exits and the runner, on what orders work with.
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { Balances } from '../balances/balances.ts';
import type { MarketQueries } from '../exchange/market-feed.ts';
import type { Prices } from '../market/prices.ts';
import type { OrderDeps } from '../orders/deps.ts';
import type { Orders } from '../orders/orders.ts';
import type { Calendar } from './calendar.ts';
import { createEntry } from './entry.ts';
import { createExits } from './exits.ts';
import { createReferenceOf } from './references.ts';
import { createSniper, type Sniper } from './runner.ts';
import { createBalanceEvents } from './trail.ts';

export type SnipingDeps = OrderDeps & {
  readonly prices: Prices;
  readonly balances: Balances;
  readonly marketQueries: MarketQueries;
};

export function createSniping(
  deps: SnipingDeps,
  parts: { readonly orders: Orders; readonly calendar: Calendar },
): Sniper {
  const stopping = new AbortController();
  const self = `${process.pid}-${randomUUID()}`;
  const own = { ...deps, ...parts, stopping: stopping.signal, self, balanceEvents: createBalanceEvents(deps) };
  const entry = createEntry({ ...own, listingOf: parts.calendar.of, referenceOf: createReferenceOf(deps) });
  return createSniper({ ...deps, calendar: parts.calendar, entry, exits: createExits(own), stopping });
}
