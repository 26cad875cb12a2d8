// Changing an order. The exchange has no such thing, so it is cancelled and another takes its place with what is left: in the
// store before the cancel leaves, so that a crash between the two is gone on with and never places two.
import { type OrderId, parseOrderId } from '../domain/ids.ts';
import { compare, type Decimal, isPositive, parseDecimal, subtract, ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { type Problem, problem } from '../errors.ts';
import type { Amendment, OrderRecord } from '../store/items.ts';
import { type CancelOrder, notFoundDetail } from './cancel.ts';
import { changeOrder } from './change.ts';
import type { OrderDeps } from './deps.ts';
import { denialProblem, isDenial, type PlaceOrder, proposalOf, type SizedOrder } from './place.ts';
import type { AmendOrder } from './schemas.ts';
import { refOf, type Settlement } from './settle.ts';
import { isSettled, progressed } from './state.ts';

/** A wish that nobody has seen to for this long is not what anybody wants any more: prices have moved on, ms. */
const WISH_LIFE_MS = 60_000;

export type AmendOrderResult =
  | { readonly ok: true; readonly order: OrderRecord }
  | { readonly ok: false; readonly problem: Problem };

export type Amendments = {
  /** Answers the order that has taken the place, or the order itself when all that was wished for had filled already. */
  readonly amend: (userId: string, orderId: string, wish: AmendOrder) => Promise<AmendOrderResult>;
  /** Goes on with a wish that a crash has interrupted, or lets go of it when it is too old. */
  readonly resume: (order: OrderRecord) => Promise<void>;
};

const amount = (text: string): Decimal => parseDecimal(text) ?? ZERO;
const refuse = (...args: Parameters<typeof problem>): AmendOrderResult => ({ ok: false, problem: problem(...args) });

/** The order that takes the place of `order`, which has ended. Undefined when nothing is left of what was wished for. */
function replacementOf(order: OrderRecord, { quantity, price }: Amendment): SizedOrder | undefined {
  const rest = subtract(amount(quantity), amount(order.filled_quantity));
  if (!isPositive(rest)) return undefined;
  const { user_id, symbol, side, order_type } = order;
  return {
    user_id,
    symbol,
    side,
    order_type,
    quantity: rest,
    price: amount(price),
    reduce_only: order.reduce_only ?? false,
  };
}

/** Why the order cannot be changed as it is, or undefined. */
function obstacle(order: OrderRecord): AmendOrderResult | undefined {
  if (isSettled(order.status)) {
    return refuse('order_not_amendable', `the order is ${order.status} and can no longer be changed`);
  }
  if (order.status === 'pending' || order.status === 'unknown') {
    return refuse('order_in_flight', 'the exchange has not confirmed the order yet; try again');
  }
  if (order.price === null) return refuse('order_not_amendable', 'an order at market has nothing to change');
  if (order.order_type !== 'LIMIT' && order.order_type !== 'LIMIT_MAKER') {
    return refuse('order_not_amendable', `a ${order.order_type} order never rests, so there is nothing to change`);
  }
  return undefined;
}

const isSameWish = (a: Amendment, b: Pick<Amendment, 'quantity' | 'price'>) =>
  compare(amount(a.quantity), amount(b.quantity)) === 0 && compare(amount(a.price), amount(b.price)) === 0;

type Steps = { readonly settlement: Settlement; readonly cancelOrder: CancelOrder; readonly placeOrder: PlaceOrder };

/** What carries out a wish that is durable, from wherever it was left. */
function createCarryOut(deps: OrderDeps, { settlement, cancelOrder, placeOrder }: Steps) {
  const { store, now } = deps;

  const ended = (order: OrderRecord, outcome: 'replaced' | 'abandoned') =>
    changeOrder(deps, order, (current) =>
      current.amendment?.outcome === 'pending'
        ? { ...current, amendment: { ...current.amendment, outcome }, version: current.version + 1 }
        : undefined,
    );

  /** The cancelled order with the last word on what it has filled: the answer to a cancel has been seen to lag behind. */
  async function final(order: OrderRecord): Promise<OrderRecord | undefined> {
    const found = await deps.exchange.find(refOf(order));
    if (found.kind !== 'found') return undefined;
    const known = await changeOrder(deps, order, (current) => progressed(current, found.order, now()));
    return settlement.takeFills(known);
  }

  async function replace(cancelled: OrderRecord, amendment: Amendment): Promise<AmendOrderResult> {
    const order = await final(cancelled);
    if (!order) return refuse('exchange_unclear', 'the exchange did not say what the order has filled; try again');
    const input = replacementOf(order, amendment);
    const id = parseOrderId(amendment.order_id);
    if (!input || !id) return { ok: true, order: await ended(order, 'replaced') };
    const placed = await placeOrder(id, input, { replaces: order.order_id });
    if (placed !== 'exists' && isDenial(placed)) {
      await ended(order, 'abandoned');
      const { detail, ...denied } = denialProblem(placed);
      return { ok: false, problem: { ...denied, detail: `the order was cancelled, but not replaced: ${detail}` } };
    }
    const replacement = placed === 'exists' ? await store.getOrder(order.user_id, id) : placed;
    await ended(order, 'replaced');
    if (!replacement) return refuse('order_in_flight', 'the order that takes the place is not there yet; try again');
    if (replacement.status !== 'error') return { ok: true, order: replacement };
    const why = replacement.submission?.detail ?? 'it did not arrive';
    return refuse('order_rejected', `the order was cancelled, but not replaced: ${why}`);
  }

  /** Cancels, then replaces. Any step may have been done before. */
  async function goOn(order: OrderRecord, amendment: Amendment): Promise<AmendOrderResult> {
    if (order.status === 'cancelled') return replace(order, amendment);
    const cancelled = await cancelOrder(order.user_id, order.order_id, 'toReplace');
    if (cancelled.ok) return replace(cancelled.order, amendment);
    const current = (await store.getOrder(order.user_id, order.order_id)) ?? order;
    if (current.status === 'cancelled') return replace(current, amendment);
    if (isSettled(current.status)) {
      await ended(current, 'abandoned');
      return obstacle(current) ?? cancelled;
    }
    return cancelled; // Not known, or refused: the wish stays, and asking again goes on with it.
  }

  return { goOn, ended };
}

export function createAmendments(deps: OrderDeps, steps: Steps): Amendments {
  const { store, risk, now, nextOrderId } = deps;
  const { goOn, ended } = createCarryOut(deps, steps);

  async function begin(order: OrderRecord, orderId: OrderId, wish: AmendOrder): Promise<AmendOrderResult> {
    const quantity = wish.quantity ?? amount(order.quantity);
    const price = wish.price ?? amount(order.price ?? '0');
    const wished = { order_id: orderId, quantity, price, asked_at: isoTime(now()), outcome: 'pending' } as const;
    const input = replacementOf(order, wished);
    if (!input) return refuse('invalid_request', `quantity must be above what has filled, ${order.filled_quantity}`);
    // Before anything is given up: what would be denied afterwards leaves the order as it is.
    const denial = await risk.wouldDeny(proposalOf(orderId, input, { replaces: order.order_id }));
    if (denial) return { ok: false, problem: denialProblem(denial) };
    const noted = await changeOrder(deps, order, (current) =>
      obstacle(current) || current.amendment?.outcome === 'pending'
        ? undefined
        : { ...current, amendment: wished, version: current.version + 1 },
    );
    const { amendment } = noted;
    if (!amendment || !isSameWish(amendment, wished)) {
      return obstacle(noted) ?? refuse('order_in_flight', 'the order is being changed otherwise; try again');
    }
    return goOn(noted, amendment);
  }

  return {
    async amend(userId, orderId, wish) {
      const order = await store.getOrder(userId, orderId);
      if (!order) return refuse('order_not_found', notFoundDetail(orderId));
      const { amendment } = order;
      if (!amendment || amendment.outcome === 'abandoned') return obstacle(order) ?? begin(order, nextOrderId(), wish);
      const wished = { quantity: wish.quantity ?? order.quantity, price: wish.price ?? order.price ?? '0' };
      if (!isSameWish(amendment, wished)) {
        return refuse('order_not_amendable', `order ${amendment.order_id} takes the place of this one; change that`);
      }
      if (amendment.outcome === 'pending') return goOn(order, amendment);
      const replacement = await store.getOrder(userId, amendment.order_id);
      return { ok: true, order: replacement ?? order };
    },
    async resume(order) {
      const { amendment } = order;
      if (amendment?.outcome !== 'pending') return;
      if (now() - Date.parse(amendment.asked_at) > WISH_LIFE_MS) await ended(order, 'abandoned');
      else await goOn(order, amendment);
    },
  };
}
