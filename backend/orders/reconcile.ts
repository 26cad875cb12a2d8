// Going through the orders that may have changed without us: after a crash, and for ever after.
import type { OrderRecord } from '../store/items.ts';
import { type OrderSet, SHARDS } from '../store/keys.ts';
import type { SetCursor } from '../store/store.ts';
import { createActiveCount } from './active.ts';
import type { OrderDeps } from './deps.ts';
import type { Orders } from './orders.ts';

const PAGE = 50;
/** Questions at once, and per pass: reading an order weighs 2, and the strictest reading of the limits is 300 per 10 s. */
const ASKING_MAX = 4;
const UNSURE_PER_PASS_MAX = 1000;
const OPEN_PER_PASS_MAX = 100;
/** Open orders of a pass while the exchange tells of them by itself, and of the one after it began to. */
const PUSHED_PER_PASS_MAX = 10;
const OPEN_AFTER_UP_MAX = 1000;
/** After the exchange is back, ms: one that comes and goes must not be asked about everything each time. */
const SOON_MS = 1000;

type Place = { shard: number; after: SetCursor | undefined };

export type Reconciler = {
  /** One pass over the unsure orders and a share of the open ones. Never rejects. Answers how many were asked about. */
  readonly pass: () => Promise<number>;
  /** A pass now and then one every `intervalMs` after the last has ended. Resolves when the first has been over the unsure. */
  readonly start: (intervalMs: number) => Promise<void>;
  /** The exchange was away and is back: a pass soon rather than at its time. */
  readonly soon: () => void;
  /** The exchange tells of orders from now on; what happened before is to be found out. */
  readonly afterUp: () => void;
  /** Whether the unsure are still being gone through for the first time: what became of them is not known yet. */
  readonly isBehind: () => boolean;
  /** Stops between two orders; resolves when it has. */
  readonly stop: () => Promise<void>;
};

/** Settles orders, a few at a time, until all are or `isStopped`. */
function createSettleAll(
  { metrics, log, listening }: Pick<OrderDeps, 'metrics' | 'log' | 'listening'>,
  { settlement, amendments }: Pick<Orders, 'settlement' | 'amendments'>,
  isStopped: () => boolean,
) {
  async function settleOne(order: OrderRecord): Promise<void> {
    try {
      listening.note(order);
      await amendments.resume(await settlement.settle(order));
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.reconcile' });
      log.warn({ err: error, orderId: order.order_id }, 'an order could not be reconciled; the next pass tries again');
    }
  }

  return async function settleAll(orders: readonly OrderRecord[]): Promise<void> {
    const rest = [...orders];
    async function worker(): Promise<void> {
      for (let order = rest.shift(); order && !isStopped(); order = rest.shift()) await settleOne(order);
    }
    await Promise.all(Array.from({ length: ASKING_MAX }, worker));
  };
}

/** Settles up to `max` orders of a set from `place` on, once around the shards at most, moving `place` along. */
function createWalk(
  store: Pick<OrderDeps['store'], 'ordersOfSet'>,
  settleAll: (orders: readonly OrderRecord[]) => Promise<void>,
  isStopped: () => boolean,
) {
  return async function walk(set: OrderSet, place: Place, max: number): Promise<number> {
    let asked = 0;
    for (let turns = 0; turns < SHARDS && asked < max && !isStopped(); ) {
      const limit = Math.min(PAGE, max - asked);
      const page = await store.ordersOfSet(set, place.shard, { limit, ...(place.after ? { after: place.after } : {}) });
      await settleAll(page.orders);
      asked += page.orders.length;
      place.after = page.next ?? undefined;
      if (page.next === null) {
        place.shard = (place.shard + 1) % SHARDS;
        turns += 1;
      }
    }
    return asked;
  };
}

export function createReconciler(
  deps: Pick<OrderDeps, 'store' | 'risk' | 'metrics' | 'log' | 'now' | 'listening'> & {
    /** Whether the exchange tells of orders by itself, so that asking is only for what it does not tell. */
    readonly isPushed: () => boolean;
  },
  orders: Pick<Orders, 'settlement' | 'amendments'>,
): Reconciler {
  const { store, risk, metrics, log } = deps;
  const countActive = createActiveCount(deps);
  let stopped = false;
  let isBehind = false;
  let isSoon = false;
  let isAfterUp = false;
  const caughtUp = Promise.withResolvers<void>();
  const isStopped = () => stopped;
  const walk = createWalk(store, createSettleAll(deps, orders, isStopped), isStopped);
  let intervalMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<number> = Promise.resolve(0);
  /** Where the last pass left the open orders, so that in the end each has its turn. */
  const openPlace: Place = { shard: 0, after: undefined };

  async function pass(): Promise<number> {
    try {
      const unsure = await walk('UNSURE', { shard: 0, after: undefined }, UNSURE_PER_PASS_MAX);
      caughtUp.resolve();
      const afterUp = isAfterUp;
      isAfterUp = false;
      const most = afterUp ? OPEN_AFTER_UP_MAX : deps.isPushed() ? PUSHED_PER_PASS_MAX : OPEN_PER_PASS_MAX;
      const open = await walk('OPEN', openPlace, most);
      await risk.repair();
      await countActive();
      return unsure + open;
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.reconcile' });
      log.warn({ err: error }, 'a reconciliation was cut short; the next one starts over');
      return 0;
    } finally {
      caughtUp.resolve(); // A store that cannot be read is no reason to take no orders: it could not take them either.
    }
  }

  function repeat(): void {
    timer = undefined;
    isSoon = false;
    running = pass().finally(() => {
      if (!stopped) timer = setTimeout(repeat, intervalMs).unref();
    });
  }

  function soon(): void {
    if (!timer || isSoon || intervalMs <= SOON_MS) return; // A pass is under way or near, or none was ever asked for.
    isSoon = true;
    clearTimeout(timer);
    timer = setTimeout(repeat, SOON_MS).unref();
  }

  return {
    pass,
    isBehind: () => isBehind,
    async start(everyMs) {
      intervalMs = everyMs;
      isBehind = true;
      repeat();
      await caughtUp.promise;
      isBehind = false;
    },
    soon,
    afterUp() {
      isAfterUp = true;
      soon();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
