// Going through the orders that may have changed without us: after a crash, and for ever after.
import type { OrderRecord } from '../store/items.ts';
import { type OrderSet, SHARDS } from '../store/keys.ts';
import type { SetCursor } from '../store/store.ts';
import { createActiveCount } from './active.ts';
import type { OrderDeps } from './deps.ts';
import { createFirstLook } from './first-look.ts';
import type { Orders } from './orders.ts';

const PAGE = 50;
/** Questions at once, and per pass: reading an order weighs 2, and the strictest reading of the limits is 300 per 10 s. */
const ASKING_MAX = 4;
/** Questions at once while users wait for them: one that the exchange leaves hanging must not hold up the others. */
const ASKING_FIRST_MAX = 16;
const UNSURE_PER_PASS_MAX = 1000;
const OPEN_PER_PASS_MAX = 100;
/** Of those that the exchange tells of by itself, and of the pass after it began to. */
const TOLD_PER_PASS_MAX = 10;
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
  /** Whether unsure orders of the user are still to be gone through for the first time: what became of them is not known yet. */
  readonly isBehind: (userId: string) => boolean;
  /** Stops between two orders; resolves when it has. */
  readonly stop: () => Promise<void>;
};

type Work = (order: OrderRecord) => Promise<OrderRecord>;

/** What is done with each order, and how orders are worked through: until all are or `isStopped`. */
function createSteps(
  { metrics, log, listening }: Pick<OrderDeps, 'metrics' | 'log' | 'listening'>,
  { settlement, amendments }: Pick<Orders, 'settlement' | 'amendments'>,
  isStopped: () => boolean,
) {
  /** The order as it is afterwards; as it was, where that failed. */
  async function quietly(order: OrderRecord, work: Work): Promise<OrderRecord> {
    try {
      return await work(order);
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.reconcile' });
      log.warn({ err: error, orderId: order.order_id }, 'an order could not be reconciled; the next pass tries again');
      return order;
    }
  }

  async function settle(order: OrderRecord): Promise<OrderRecord> {
    listening.note(order);
    return settlement.settle(order);
  }

  async function resume(order: OrderRecord): Promise<OrderRecord> {
    await amendments.resume(order);
    return order;
  }

  return {
    settle,
    resume,
    settleAndResume: async (order: OrderRecord) => resume(await settle(order)),
    /** Answers the orders as they are afterwards. */
    async forEach(orders: readonly OrderRecord[], atOnce: number, work: Work): Promise<OrderRecord[]> {
      const [rest, done]: [OrderRecord[], OrderRecord[]] = [[...orders], []];
      async function worker(): Promise<void> {
        for (let order = rest.shift(); order && !isStopped(); order = rest.shift())
          done.push(await quietly(order, work));
      }
      await Promise.all(Array.from({ length: atOnce }, worker));
      return done;
    },
  };
}

/** Up to `max` orders of a set from `place` on, once around the shards at most, page by page to `take`, moving `place` along. */
function createWalk(store: Pick<OrderDeps['store'], 'ordersOfSet'>, isStopped: () => boolean) {
  return async function walk(
    set: OrderSet,
    { place, max }: { place: Place; max: number },
    take: (orders: readonly OrderRecord[]) => unknown,
  ): Promise<number> {
    let asked = 0;
    for (let turns = 0; turns < SHARDS && asked < max && !isStopped(); ) {
      const limit = Math.min(PAGE, max - asked);
      const page = await store.ordersOfSet(set, place.shard, { limit, ...(place.after ? { after: place.after } : {}) });
      await take(page.orders);
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

/** Passes over the unsure orders. Until the first has ended users wait for theirs. */
function createUnsurePass(
  walk: ReturnType<typeof createWalk>,
  steps: ReturnType<typeof createSteps>,
  { metrics }: Pick<OrderDeps, 'metrics'>,
) {
  const firstLook = createFirstLook();
  const caughtUp = Promise.withResolvers<void>();
  let isCaughtUp = false;

  function end(): void {
    isCaughtUp = true;
    firstLook.end();
    caughtUp.resolve();
  }

  return {
    begin: firstLook.begin,
    isWaiting: firstLook.isWaiting,
    end,
    caughtUp: caughtUp.promise,
    /** Lists them before it asks about any: whoever has none need not wait for the others'. Answers how many. */
    async pass(): Promise<number> {
      const unsure: OrderRecord[] = [];
      const startedMs = performance.now();
      const place = { shard: 0, after: undefined };
      await walk('UNSURE', { place, max: UNSURE_PER_PASS_MAX }, (page) => void unsure.push(...page));
      if (isCaughtUp) {
        await steps.forEach(unsure, ASKING_MAX, steps.settleAndResume);
        return unsure.length;
      }
      firstLook.expect(unsure);
      unsure.sort((a, b) => (a.user_id < b.user_id ? -1 : 1)); // User by user: each waits for its own only.
      const listedMs = performance.now();
      const looked = await steps.forEach(unsure, ASKING_FIRST_MAX, async (order) => {
        try {
          return await steps.settle(order);
        } finally {
          firstLook.seen(order);
        }
      });
      end();
      metrics.firstLookOrders.set(unsure.length);
      metrics.firstLookSeconds.set({ step: 'listing' }, (listedMs - startedMs) / 1000);
      metrics.firstLookSeconds.set({ step: 'asking' }, (performance.now() - listedMs) / 1000);
      // Only now: what takes an order's place is an order, too, and would be denied like any while its user waits.
      await steps.forEach(looked, ASKING_MAX, steps.resume);
      return unsure.length;
    },
  };
}

type OpenDeps = Pick<OrderDeps, 'listening'> & {
  /** Whether the exchange tells of the order by itself, so that asking is only for what it does not tell. */
  readonly isTold: (order: OrderRecord) => boolean;
};

/** Passes over a share of the open orders, so that in the end each has its turn: those that are told of have it more seldom. */
function createOpenPass(
  walk: ReturnType<typeof createWalk>,
  steps: ReturnType<typeof createSteps>,
  { isTold, listening }: OpenDeps,
) {
  const places: Record<'told' | 'untold', Place> = {
    told: { shard: 0, after: undefined },
    untold: { shard: 0, after: undefined },
  };

  /** Looks at up to `max` orders and asks about those of the kind. Answers how many those were. */
  async function open(kind: keyof typeof places, max: number): Promise<number> {
    let asked = 0;
    await walk('OPEN', { place: places[kind], max }, async (page) => {
      const orders = page.filter((order) => isTold(order) === (kind === 'told'));
      asked += orders.length;
      for (const order of page) listening.note(order);
      await steps.forEach(orders, ASKING_MAX, steps.settleAndResume);
    });
    return asked;
  }

  return async function openPass(afterUp: boolean): Promise<number> {
    if (afterUp) places.told = { shard: 0, after: undefined }; // From the middle of a shard it would not come around to all.
    const untold = await open('untold', OPEN_PER_PASS_MAX);
    return untold + (await open('told', afterUp ? OPEN_AFTER_UP_MAX : TOLD_PER_PASS_MAX));
  };
}

export function createReconciler(
  deps: Pick<OrderDeps, 'store' | 'risk' | 'metrics' | 'log' | 'now'> & OpenDeps,
  orders: Pick<Orders, 'settlement' | 'amendments'>,
): Reconciler {
  const { store, risk, metrics, log } = deps;
  const countActive = createActiveCount(deps);
  let stopped = false;
  let isSoon = false;
  let isAfterUp = false;
  const isStopped = () => stopped;
  const steps = createSteps(deps, orders, isStopped);
  const walk = createWalk(store, isStopped);
  const unsureOrders = createUnsurePass(walk, steps, deps);
  const openPass = createOpenPass(walk, steps, deps);
  let intervalMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<number> = Promise.resolve(0);
  async function pass(): Promise<number> {
    try {
      const unsure = await unsureOrders.pass();
      const afterUp = isAfterUp;
      isAfterUp = false;
      const open = await openPass(afterUp);
      await risk.repair();
      await countActive();
      return unsure + open;
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.reconcile' });
      log.warn({ err: error }, 'a reconciliation was cut short; the next one starts over');
      return 0;
    } finally {
      unsureOrders.end(); // A store that cannot be read is no reason to take no orders: it could not take them either.
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
    isBehind: unsureOrders.isWaiting,
    async start(everyMs) {
      intervalMs = everyMs;
      unsureOrders.begin();
      repeat();
      await unsureOrders.caughtUp;
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
