// Everything that is done with orders, on one set of dependencies.
import type { ApplyFills } from '../positions/apply.ts';
import { type Amendments, createAmendments } from './amend.ts';
import { type CancelOrder, createCancelOrder } from './cancel.ts';
import { type CancelAll, createCancelAll } from './cancel-all.ts';
import { type CreateOrders, createCreateOrders } from './create.ts';
import type { OrderDeps } from './deps.ts';
import { createPlaceOrder, createPrepareOrder, type PlaceOrder, type PrepareOrder } from './place.ts';
import { createSettlement, type Settlement } from './settle.ts';

export type Orders = {
  readonly settlement: Settlement;
  readonly create: CreateOrders;
  readonly prepare: PrepareOrder;
  readonly place: PlaceOrder;
  readonly cancel: CancelOrder;
  readonly cancelAll: CancelAll;
  readonly amendments: Amendments;
};

/** The settlement follows orders off the requests' path: whoever makes this stops it. */
export function createOrders(deps: OrderDeps, applyFills: ApplyFills): Orders {
  const settlement = createSettlement(deps, applyFills);
  const prepare = createPrepareOrder(deps, settlement);
  const place = createPlaceOrder(prepare);
  const cancel = createCancelOrder(deps, settlement);
  return {
    settlement,
    prepare,
    place,
    cancel,
    create: createCreateOrders(deps, settlement, place),
    cancelAll: createCancelAll(deps.store, cancel),
    amendments: createAmendments(deps, { settlement, cancelOrder: cancel, placeOrder: place }),
  };
}
