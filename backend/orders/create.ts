// Creating an order: once per Idempotency-Key, however often and wherever the request arrives.
import { createHash } from 'node:crypto';
import { type OrderId, parseOrderId } from '../domain/ids.ts';
import { isErrorCode, type Problem, problem } from '../errors.ts';
import type { Denial } from '../risk/denial.ts';
import type { OrderRecord } from '../store/items.ts';
import type { OrderDeps } from './deps.ts';
import { denialProblem, isDenial, type PlaceOrder } from './place.ts';
import type { CreateOrder } from './schemas.ts';
import type { Settlement } from './settle.ts';

export type Created = { readonly order_id: string; readonly status: string; readonly mexc_order_id: string | null };
export type CreateResult =
  | { readonly ok: true; readonly created: Created; readonly replayed: boolean }
  | { readonly ok: false; readonly problem: Problem; readonly replayed: boolean };

/** Requests with an Idempotency-Key that are under way here; later ones of the same key wait for the same answer. */
const JOINABLE_MAX = 10_000;

const digestOf = (input: CreateOrder) => createHash('sha256').update(JSON.stringify(input)).digest('hex');

/**
 * The answer to the request that made `order`, the same however often it is asked for and whatever the order has become. A denial
 * made nothing, so that the same request may ask again.
 */
function answerOf(order: OrderRecord | Denial, replayed: boolean): CreateResult {
  if (isDenial(order)) return { ok: false, problem: denialProblem(order), replayed };
  const { status, code, detail } = order.submission ?? { status: order.status, code: null, detail: null };
  if (code !== null && isErrorCode(code)) return { ok: false, problem: problem(code, detail ?? ''), replayed };
  // An order whose answer was "unknown" had no exchange id then, and keeps answering so.
  const mexcOrderId = status === 'unknown' ? null : order.mexc_order_id;
  return { ok: true, created: { order_id: order.order_id, status, mexc_order_id: mexcOrderId }, replayed };
}

export type CreateOrders = (input: CreateOrder, idempotencyKey?: string) => Promise<CreateResult>;

export function createCreateOrders(deps: OrderDeps, settlement: Settlement, placeOrder: PlaceOrder): CreateOrders {
  const { store, nextOrderId } = deps;
  const joinable = new Map<string, { digest: string; result: Promise<CreateResult> }>();
  const conflict: CreateResult = {
    ok: false,
    problem: problem('idempotency_conflict', 'Idempotency-Key was used with another request'),
    replayed: false,
  };

  /** The order of a claim that was there first: made, or being made elsewhere, or left behind by a crash. */
  async function replay(orderId: OrderId, input: CreateOrder): Promise<CreateResult> {
    let order = await store.getOrder(input.user_id, orderId);
    if (!order) {
      const placed = await placeOrder(orderId, input); // Claimed, then nothing: the claimer died, or is about to find ours.
      if (placed !== 'exists') return answerOf(placed, false);
      order = await store.getOrder(input.user_id, orderId);
    }
    if (order && order.submission === null) order = await settlement.settle(order);
    if (order && (order.submission !== null || order.status !== 'pending')) return answerOf(order, true);
    return {
      ok: false,
      problem: problem('order_in_flight', 'the first request with this Idempotency-Key is still under way'),
      replayed: true,
    };
  }

  async function claimed(input: CreateOrder, key: string, digest: string): Promise<CreateResult> {
    const own = nextOrderId();
    const claim = await store.claim({ user_id: input.user_id, key, order_id: own, request_digest: digest });
    if (claim.request_digest !== digest) return conflict;
    const orderId = parseOrderId(claim.order_id) ?? own;
    if (orderId !== own) return replay(orderId, input);
    const placed = await placeOrder(own, input);
    return placed === 'exists' ? replay(own, input) : answerOf(placed, false);
  }

  async function unclaimed(input: CreateOrder): Promise<CreateResult> {
    const placed = await placeOrder(nextOrderId(), input);
    if (placed === 'exists') throw new Error('a new order id was already in use');
    return answerOf(placed, false);
  }

  return async function createOrder(input, idempotencyKey) {
    if (idempotencyKey === undefined) return unclaimed(input);
    const [slot, digest] = [`${input.user_id}\n${idempotencyKey}`, digestOf(input)];
    const first = joinable.get(slot);
    if (first) return first.digest === digest ? { ...(await first.result), replayed: true } : conflict;
    const result = claimed(input, idempotencyKey, digest);
    if (joinable.size >= JOINABLE_MAX) return result;
    joinable.set(slot, { digest, result });
    try {
      return await result;
    } finally {
      joinable.delete(slot);
    }
  };
}
