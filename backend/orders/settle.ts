// Learning from the exchange what has become of an order, and taking its fills into the user's position.
import { setImmediate as turn } from 'node:timers/promises';
import type { OrderRef } from '../exchange/exchange.ts';
import type { ApplyFills } from '../positions/apply.ts';
import { isApplied, type OrderRecord } from '../store/items.ts';
import { changeOrder } from './change.ts';
import type { OrderDeps } from './deps.ts';
import { isSettled, neverTaken, progressed } from './state.ts';

/** Orders followed at once, and waiting to be. What does not fit is found by the next reconciliation. */
const FOLLOWING_MAX = 4;
const WAITING_MAX = 1000;
/** Clocks of instances differ; an order is only given up this long after it could last be taken, ms. */
const CLOCK_MARGIN_MS = 5000;
/** Instances know the exchange's clock this well, ms: what ends by that clock is over this much later for all of them. */
export const EXCHANGE_CLOCK_MARGIN_MS = 250;

export type Settlement = {
  /** Asks the exchange about the order and stores what it says. Answers the order as stored. Rejects only for the store. */
  readonly settle: (order: OrderRecord) => Promise<OrderRecord>;
  /** Takes what has filled of the order into the user's position. Answers the order as stored. */
  readonly takeFills: (order: OrderRecord) => Promise<OrderRecord>;
  /** Does what `settle` does soon, off the caller's path; bounded, and dropped when too many wait. */
  readonly follow: (order: OrderRecord) => void;
  /** Resolves when nothing is being followed any more; what still waits is dropped. */
  readonly stop: () => Promise<void>;
};

/** With whose keys the exchange is to be spoken to about the order. */
export const accountOf = (order: OrderRecord) => (order.account === 'user' ? { account: order.user_id } : {});

export const refOf = (order: OrderRecord): OrderRef => ({
  symbol: order.symbol,
  clientOrderId: order.client_order_id,
  exchangeOrderId: order.mexc_order_id,
  ...accountOf(order),
});

export function createSettlement(deps: OrderDeps, applyFills: ApplyFills): Settlement {
  const { exchange, metrics, log, now } = deps;
  const waiting: OrderRecord[] = [];
  const running = new Set<Promise<void>>();
  let stopped = false;

  /** Whether the exchange can no longer take the order. */
  function isOver({ created_at, valid_until }: OrderRecord): boolean {
    if (valid_until !== undefined) return exchange.now() > Date.parse(valid_until) + EXCHANGE_CLOCK_MARGIN_MS;
    return now() > Date.parse(created_at) + exchange.submissionLifeMs + CLOCK_MARGIN_MS;
  }

  /** An order the exchange does not have: gone for good once its submission can no longer be taken. */
  function absent(order: OrderRecord): OrderRecord | undefined {
    const undecided = order.status === 'pending' || order.status === 'unknown';
    return undecided && isOver(order) ? neverTaken(order, now()) : undefined;
  }

  async function ask(order: OrderRecord): Promise<OrderRecord> {
    const found = await exchange.find(refOf(order));
    metrics.reconciled.inc({ result: found.kind });
    switch (found.kind) {
      case 'found':
        return changeOrder(deps, order, (current) => progressed(current, found.order, now()));
      case 'not_found':
        return changeOrder(deps, order, absent);
      case 'rejected':
      case 'unknown':
        log.debug(
          { orderId: order.order_id, detail: found.detail },
          'the exchange did not say what has become of an order',
        );
        return order;
    }
  }

  const takeFills = async (order: OrderRecord) => (isApplied(order) ? order : applyFills(order));
  const settle = async (order: OrderRecord) => takeFills(isSettled(order.status) ? order : await ask(order));

  async function work(): Promise<void> {
    await turn(); // Never on the stack, nor before the answer, of the request that asked for it.
    for (let order = waiting.shift(); order && !stopped; order = waiting.shift()) {
      try {
        await takeFills(await ask(order)); // Settled or not: a cancelled order may have filled more than was said.
      } catch (error) {
        metrics.raised.inc({ operation: 'orders.follow' });
        log.warn({ err: error, orderId: order.order_id }, 'an order could not be followed; reconciling will find it');
      }
    }
  }

  function follow(order: OrderRecord): void {
    if (stopped || waiting.length >= WAITING_MAX) {
      metrics.followDropped.inc();
      return;
    }
    waiting.push(order);
    if (running.size >= FOLLOWING_MAX) return;
    const worker: Promise<void> = work().finally(() => running.delete(worker));
    running.add(worker);
  }

  return {
    settle,
    takeFills,
    follow,
    async stop() {
      stopped = true;
      waiting.length = 0;
      await Promise.all(running);
    },
  };
}
