// Placing one order. Durable before it is sent: whatever dies, the store knows of every order the exchange may have.
import { clientOrderIdOf, type OrderId } from '../domain/ids.ts';
import { ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { type Problem, problem } from '../errors.ts';
import type { ExchangeOrder, NewOrder, SubmitResult } from '../exchange/exchange.ts';
import type { Denial } from '../risk/check.ts';
import type { Proposal } from '../risk/risk.ts';
import type { OrderRecord } from '../store/items.ts';
import { announce, changeOrder } from './change.ts';
import type { OrderDeps } from './deps.ts';
import type { CreateOrder } from './schemas.ts';
import { refOf, type Settlement } from './settle.ts';
import { submitted } from './state.ts';

function newOrder(orderId: OrderId, input: CreateOrder, nowMs: number): OrderRecord {
  const { reduce_only: reduceOnly, ...facts } = input;
  return {
    ...facts,
    ...(reduceOnly ? { reduce_only: true } : {}),
    order_id: orderId,
    filled_quantity: ZERO,
    average_price: null,
    fee: ZERO,
    status: 'pending',
    mexc_order_id: null,
    client_order_id: clientOrderIdOf(orderId),
    created_at: isoTime(nowMs),
    updated_at: isoTime(nowMs),
    applied_quantity: ZERO,
    applied_fee: ZERO,
    submission: null,
    version: 1,
  };
}

function toSubmit(order: OrderRecord, input: CreateOrder): NewOrder {
  const { symbol, side, order_type: orderType, quantity, price } = input;
  return { clientOrderId: order.client_order_id, symbol, side, orderType, quantity, price };
}

/**
 * Sends an order at most once and answers it as recorded. 'exists': an order of this id is there already and nothing was sent.
 * A denial: risk said no, and nothing was stored or sent. Rejects when the intent could not be stored, in which case nothing was
 * sent either. `replaces` is the order whose place it takes.
 */
export type PlaceOrder = (
  orderId: OrderId,
  input: CreateOrder,
  replaces?: string,
) => Promise<OrderRecord | 'exists' | Denial>;

export const isDenial = (placed: OrderRecord | Denial): placed is Denial => 'kind' in placed;

/** The denial as a client gets it. */
export function denialProblem({ reason, context }: Denial): Problem {
  const facts = Object.entries(context).map(([name, value]) => `${name} ${value}`);
  const detail = `the order was not sent: ${reason}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
  return problem('risk_denied', detail, { reason, context });
}

/** What risk is asked about an order that a client wants. */
export function proposalOf(orderId: string, input: CreateOrder, replaces?: string): Proposal {
  const { user_id: userId, symbol, side, quantity, price, reduce_only: reduceOnly } = input;
  const order = { symbol, side, quantity, price, reduceOnly };
  return { userId, orderId, order, ...(replaces === undefined ? {} : { replaces }) };
}

export function createPlaceOrder(deps: OrderDeps, settlement: Settlement): PlaceOrder {
  const { store, exchange, risk, metrics, log, now } = deps;

  /** Stores what the exchange answered. When even that fails the order stays pending, and reconciling asks the exchange. */
  async function record(order: OrderRecord, result: SubmitResult, seen?: ExchangeOrder): Promise<OrderRecord> {
    const change = (current: OrderRecord) => submitted(current, result, { nowMs: now(), ...(seen && { seen }) });
    try {
      return await changeOrder(deps, order, change);
    } catch (error) {
      metrics.outcomesNotStored.inc();
      const facts = { err: error, orderId: order.order_id, result: result.kind };
      log.error(facts, 'the outcome of an order was not stored; reconciling will find it');
      return change(order);
    }
  }

  /** Takes fills into the position before the answer, so that a client reads its own trade; if that fails, later. */
  async function settleQuietly(order: OrderRecord): Promise<OrderRecord> {
    try {
      return await settlement.takeFills(order);
    } catch (error) {
      metrics.raised.inc({ operation: 'orders.takeFills' });
      log.warn(
        { err: error, orderId: order.order_id },
        'fills were not taken into the position; reconciling will do it',
      );
      return order;
    }
  }

  /**
   * 1 reserve what it can cost; 2 write down the intent; 3 send; 4 write down what came of it. Only what failed before 3 may be
   * called a failure. A crash between 1 and 2 leaves a reservation, which repairing finds.
   */
  return async function placeOrder(orderId, input, replaces) {
    const startedAtMs = performance.now();
    const reserved = await risk.reserve(proposalOf(orderId, input, replaces));
    if (reserved.kind === 'denied') return reserved;
    const order = { ...newOrder(orderId, input, now()), ...(replaces === undefined ? {} : { replaces }) };
    if ((await store.insertOrder(order)) === 'exists') return 'exists';
    announce(deps, order);
    const sentAtMs = performance.now();
    const result = await exchange.submit(toSubmit(order, input));
    risk.recordResult(order.user_id, result);
    // The answer to a submission says nothing of fills, so ask: clients are used to seeing what their order came to.
    const found =
      result.kind === 'accepted'
        ? await exchange.find({ ...refOf(order), exchangeOrderId: result.exchangeOrderId })
        : undefined;
    const exchangeMs = performance.now() - sentAtMs;
    const recorded = await record(order, result, found?.kind === 'found' ? found.order : undefined);
    const settled = await settleQuietly(recorded);
    if (result.kind === 'accepted' && found?.kind !== 'found') settlement.follow(settled); // Taken, and not seen yet.
    const tookMs = performance.now() - startedAtMs;
    metrics.orderSeconds.observe(tookMs / 1000);
    metrics.orderOwnSeconds.observe((tookMs - exchangeMs) / 1000);
    return settled;
  };
}
