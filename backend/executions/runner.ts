// Carrying out executions: every instance may work at every one, since each step is stored before it is done and each child's
// id is always the same. An instance that dies leaves nothing that another does not go on with.

import { parseOrderId } from '../domain/ids.ts';
import { type Decimal, parseDecimal, ZERO } from '../domain/money.ts';
import type { OrderDeps } from '../orders/deps.ts';
import type { Orders } from '../orders/orders.ts';
import { isDenial } from '../orders/place.ts';
import { createRepeating } from '../repeating.ts';
import { type ExecutionChild, type ExecutionRecord, isRunning } from '../store/execution-items.ts';
import type { ItemKey } from '../store/item-table.ts';
import type { OrderRecord } from '../store/items.ts';
import { SHARDS } from '../store/keys.ts';
import { advanced } from './decide.ts';

/** How often executions in hand are looked at, how often the table is searched for others, and a child asked about, ms. */
const TICK_MS = 250;
const SEARCH_MS = 5000;
const ASK_MS = 1000;
/** The next try of a child that risk has denied, ms. */
const DENIED_RETRY_MS = 5000;
/** Executions in hand; others are worked at by other instances, or when there is room. */
const IN_HAND_MAX = 1000;
const AT_ONCE_MAX = 4;
const PAGE = 100;

/** What is remembered of an execution between two looks; nothing that matters if it is lost. */
type InHand = { readonly userId: string; readonly executionId: string; askedMs: number; retryMs: number };

export type Runner = {
  /** Takes the execution in hand; harmless when it is. */
  readonly wake: (execution: Pick<ExecutionRecord, 'user_id' | 'execution_id'>) => void;
  /** One look at everything: what is in hand and what the table has. Never rejects. */
  readonly pass: () => Promise<void>;
  readonly start: () => void;
  /** Stops between two steps; resolves when it has. */
  readonly stop: () => Promise<void>;
};

type Deps = Pick<OrderDeps, 'store' | 'metrics' | 'log' | 'now'>;

const amount = (text: string): Decimal => parseDecimal(text) ?? ZERO;

export function createRunner(deps: Deps, orders: Pick<Orders, 'place' | 'cancel' | 'settlement'>): Runner {
  const { store, metrics, log, now } = deps;
  const inHand = new Map<string, InHand>();
  let searchedMs = Number.NEGATIVE_INFINITY;
  const step = createStep(deps, orders);

  function wake({
    user_id: userId,
    execution_id: executionId,
  }: Pick<ExecutionRecord, 'user_id' | 'execution_id'>): void {
    const key = `${userId}\n${executionId}`;
    if (inHand.has(key) || inHand.size >= IN_HAND_MAX) return;
    inHand.set(key, { userId, executionId, askedMs: 0, retryMs: 0 });
  }

  async function search(): Promise<void> {
    searchedMs = now();
    for (let shard = 0; shard < SHARDS && !repeating.isStopped(); shard++) {
      let after: ItemKey | undefined;
      do {
        const page = await store.executionsRunning(shard, { limit: PAGE, ...(after ? { after } : {}) });
        page.executions.forEach(wake);
        after = page.next ?? undefined;
      } while (after && inHand.size < IN_HAND_MAX);
    }
  }

  async function look(key: string, entry: InHand): Promise<void> {
    try {
      if ((await step(entry)) === 'ended') inHand.delete(key);
    } catch (error) {
      metrics.raised.inc({ operation: 'executions.step' });
      log.warn({ err: error, executionId: entry.executionId }, 'an execution was held up; it is gone on with');
    }
  }

  async function lookAtAll(): Promise<void> {
    const waiting = [...inHand];
    async function worker(): Promise<void> {
      for (let next = waiting.shift(); next && !repeating.isStopped(); next = waiting.shift()) await look(...next);
    }
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, worker));
  }

  async function pass(): Promise<void> {
    try {
      if (now() - searchedMs >= SEARCH_MS) await search();
    } catch (error) {
      metrics.raised.inc({ operation: 'executions.search' });
      log.warn({ err: error }, 'executions could not be searched for; the next look tries again');
    }
    await lookAtAll();
  }

  const repeating = createRepeating(pass, TICK_MS);
  return { wake, pass, start: repeating.start, stop: repeating.stop };
}

/** One look at an execution: learn of its children, store what comes next, then do it. */
function createStep({ store, metrics, now }: Deps, orders: Pick<Orders, 'place' | 'cancel' | 'settlement'>) {
  /** The live children's orders; open ones are asked about at the exchange now and then. */
  async function ordersOf(execution: ExecutionRecord, entry: InHand): Promise<Map<string, OrderRecord>> {
    const isTimeToAsk = now() - entry.askedMs >= ASK_MS;
    if (isTimeToAsk) entry.askedMs = now();
    const found = new Map<string, OrderRecord>();
    for (const { order_id: id } of execution.live) {
      const order = await store.getOrder(execution.user_id, id);
      if (order) found.set(id, isTimeToAsk ? await orders.settlement.settle(order) : order);
    }
    return found;
  }

  async function place(execution: ExecutionRecord, child: ExecutionChild, entry: InHand): Promise<void> {
    const id = parseOrderId(child.order_id);
    if (!id || now() < entry.retryMs) return;
    const { user_id, symbol, side, price } = execution;
    const placed = await orders.place(id, {
      user_id,
      symbol,
      side,
      order_type: price === null ? 'MARKET' : 'LIMIT',
      quantity: amount(child.quantity),
      price: price === null ? null : amount(price),
      reduce_only: false,
    });
    if (placed === 'exists' || !isDenial(placed)) return;
    entry.retryMs = now() + DENIED_RETRY_MS;
    metrics.executionsHeldUp.inc({ reason: placed.reason });
    const reason = `held up by risk: ${placed.reason}`;
    if (execution.reason !== reason) await store.putExecution({ ...execution, reason, version: execution.version + 1 });
  }

  return async function step(entry: InHand): Promise<'ended' | 'goes on'> {
    const execution = await store.getExecution(entry.userId, entry.executionId);
    if (!execution || !isRunning(execution)) return 'ended';
    const found = await ordersOf(execution, entry);
    const next = advanced(execution, found, now());
    if (next && (await store.putExecution(next)) !== 'stored') return 'goes on'; // Another instance was faster: look again.
    const current = next ?? execution;
    for (const child of current.live) {
      const order = found.get(child.order_id);
      if (current.status === 'cancelling') {
        if (order) await orders.cancel(current.user_id, child.order_id);
      } else if (!order) await place(current, child, entry);
    }
    return isRunning(current) ? 'goes on' : 'ended';
  };
}
