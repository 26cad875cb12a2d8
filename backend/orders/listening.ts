// Taking in what the exchange's private stream tells of orders: each live order is listened for, and what is heard of it is stored
// when it is new. Asking the exchange remains for what was not heard.
import type { FillEvent, OrderEvent, UserEvent } from '../exchange/user-stream.ts';
import type { OrderRecord } from '../store/items.ts';
import { changeOrder } from './change.ts';
import type { Listening, OrderDeps } from './deps.ts';
import { type Heard, hasEnded, heardAlso, isComplete, NOTHING_HEARD, sightingOf } from './heard.ts';
import { accountOf, type Settlement } from './settle.ts';
import { isSettled, progressed } from './state.ts';

/** Orders listened for; the one noted longest ago goes first. The exchange keeps 500 open of one account. */
const ORDERS_MAX = 20_000;
/** Events of orders not known here, or not yet: the exchange's id of one is known only once it has answered. */
const STRAYS_MAX = 1000;
const STRAYS_PER_ID_MAX = 10;
const STORING_MAX = 8;
/** For how long an order that has ended is listened for, ms: its fills may be told after its end. */
const LATE_MS = 2000;

type Entry = {
  /** As noted last; what is stored since then is found when it conflicts. */
  order: OrderRecord;
  heard: Heard;
  /** The exchange's id as it was told, where the order does not know it yet. */
  exchangeOrderId: string | undefined;
  /** Whether something was heard that was not stored yet. */
  isNew: boolean;
  isStoring: boolean;
  ending: NodeJS.Timeout | undefined;
};

export type OrderListener = Listening & {
  /** `account`: the user's whose own account it was told of; absent: the service's. */
  readonly take: (event: UserEvent, account?: string) => void;
  /** Drops what waits; resolves when nothing is being stored. */
  readonly stop: () => Promise<void>;
};

function newEntry(order: OrderRecord): Entry {
  const nothing = { heard: NOTHING_HEARD, exchangeOrderId: undefined, isNew: false, isStoring: false };
  return { order, ...nothing, ending: undefined };
}

/** Whether somebody is placing the order and will store what came of it: two writers would only be in each other's way. */
const isBeingPlaced = ({ status, submission }: OrderRecord) => status === 'pending' && submission === null;

/** An id within its account: users choose ids at the exchange themselves, and could choose those of others' orders. */
const idIn = (account: string | undefined, id: string) => `${account ?? ''}\n${id}`;

/** Events that nobody claimed yet, by each of their ids within their account. */
function createStrays() {
  const strays = new Map<string, readonly (OrderEvent | FillEvent)[]>();
  return {
    put(ids: readonly string[], event: OrderEvent | FillEvent): void {
      for (const id of ids) {
        const before = strays.get(id) ?? [];
        strays.delete(id);
        const oldest = strays.size >= STRAYS_MAX ? strays.keys().next().value : undefined;
        if (oldest !== undefined) strays.delete(oldest);
        strays.set(id, [...before, event].slice(-STRAYS_PER_ID_MAX));
      }
    },
    claim(id: string): readonly (OrderEvent | FillEvent)[] {
      const found = strays.get(id) ?? [];
      strays.delete(id);
      return found;
    },
  };
}

/** Stores what was heard, a few orders at a time and each by one writer. `onSettled` hears of orders that have ended. */
function createStoring(
  deps: OrderDeps,
  settlement: () => Pick<Settlement, 'takeFills' | 'follow'>,
  onSettled: (entry: Entry) => void,
) {
  const { metrics, log, now } = deps;
  const waiting = new Set<Entry>();
  const running = new Set<Promise<void>>();
  let stopped = false;

  async function store(entry: Entry): Promise<void> {
    entry.isNew = false;
    const exchangeOrderId = entry.order.mexc_order_id ?? entry.exchangeOrderId;
    if (exchangeOrderId === undefined) return settlement().follow(entry.order); // Its own id was not told.
    const seen = sightingOf(entry.heard, exchangeOrderId);
    const changed = await changeOrder(deps, entry.order, (current) => progressed(current, seen, now()));
    if (changed === entry.order) return; // Whoever stored it takes its fills.
    entry.order = await settlement().takeFills(changed);
    if (isSettled(entry.order.status)) onSettled(entry);
  }

  async function storeAll(entry: Entry): Promise<void> {
    entry.isStoring = true;
    try {
      while (entry.isNew && !stopped) await store(entry);
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.listen' });
      const facts = { err: error, orderId: entry.order.order_id };
      log.warn(facts, 'what the exchange told of an order was not stored; reconciling finds it');
      settlement().follow(entry.order);
    } finally {
      entry.isStoring = false;
    }
  }

  async function work(): Promise<void> {
    for (const entry of waiting) {
      waiting.delete(entry);
      if (!entry.isStoring && !stopped) await storeAll(entry);
    }
  }

  return {
    /** Stores soon what is new of it, unless somebody does. */
    wake(entry: Entry): void {
      if (stopped || !entry.isNew || entry.isStoring || isBeingPlaced(entry.order)) return;
      waiting.add(entry);
      if (running.size >= STORING_MAX) return;
      const worker: Promise<void> = work().finally(() => running.delete(worker));
      running.add(worker);
    },
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(running);
    },
  };
}

export function createOrderListener(
  deps: OrderDeps,
  settlement: () => Pick<Settlement, 'takeFills' | 'follow'>,
): OrderListener {
  const { metrics } = deps;
  /** By the order's id here; `byId` finds that by either id of the exchange, within its account. */
  const entries = new Map<string, Entry>();
  const byId = new Map<string, string>();
  const strays = createStrays();
  const storing = createStoring(deps, settlement, endSoon);

  function forget(orderId: string): void {
    const entry = entries.get(orderId);
    if (!entry) return;
    clearTimeout(entry.ending);
    entries.delete(orderId);
    const { account } = accountOf(entry.order);
    byId.delete(idIn(account, entry.order.client_order_id));
    if (entry.order.mexc_order_id !== null) byId.delete(idIn(account, entry.order.mexc_order_id));
  }

  /** What has ended is listened for a moment longer; then what was not heard of it is asked for. */
  function endSoon(entry: Entry): void {
    entry.ending ??= setTimeout(() => {
      forget(entry.order.order_id);
      if (hasEnded(entry.heard) && !isComplete(entry.heard)) settlement().follow(entry.order);
    }, LATE_MS).unref();
  }

  function hear(entry: Entry, event: OrderEvent | FillEvent): void {
    const heard = heardAlso(entry.heard, event);
    if (heard === entry.heard) return;
    entry.heard = heard;
    entry.exchangeOrderId ??= event.ids.find((id) => id !== '' && id !== entry.order.client_order_id);
    entry.isNew = true;
    storing.wake(entry);
  }

  /** An order that has just become known by `id`: what was told of it before is its own. */
  function knownBy(id: string, orderId: string, entry: Entry): void {
    if (byId.has(id)) return;
    byId.set(id, orderId);
    for (const event of strays.claim(id)) hear(entry, event);
  }

  return {
    note(order) {
      const { order_id: orderId, client_order_id: clientOrderId, mexc_order_id: exchangeOrderId } = order;
      const known = entries.get(orderId);
      if (!known && isSettled(order.status)) return;
      const entry = known ?? newEntry(order);
      if (order.version >= entry.order.version) entry.order = order;
      if (!known) {
        const oldest = entries.size >= ORDERS_MAX ? entries.keys().next().value : undefined;
        if (oldest !== undefined) {
          metrics.pushedDropped.inc();
          forget(oldest);
        }
        entries.set(orderId, entry);
      }
      const { account } = accountOf(order);
      knownBy(idIn(account, clientOrderId), orderId, entry);
      if (exchangeOrderId !== null) knownBy(idIn(account, exchangeOrderId), orderId, entry);
      if (isSettled(order.status)) endSoon(entry);
      storing.wake(entry);
    },
    take(event, account) {
      metrics.pushedEvents.inc({ kind: event.kind });
      if (event.kind === 'balance') return;
      const ids = event.ids.filter((id) => id !== '').map((id) => idIn(account, id));
      const orderId = ids.map((id) => byId.get(id)).find((id) => id !== undefined);
      const entry = orderId === undefined ? undefined : entries.get(orderId);
      if (orderId !== undefined && entry) return hear(entry, event);
      metrics.pushedEvents.inc({ kind: 'stray' });
      strays.put(ids, event);
    },
    async stop() {
      for (const orderId of [...entries.keys()]) forget(orderId);
      await storing.stop();
    },
  };
}
