// Placing one order. Durable before it is sent: whatever dies, the store knows of every order the exchange may have.
import { clientOrderIdOf, type OrderId } from '../domain/ids.ts';
import { type Decimal, divide, PRICE_SCALE, ZERO } from '../domain/money.ts';
import { isoTime } from '../domain/time.ts';
import { type Problem, problem } from '../errors.ts';
import type { ExchangeOrder, NewOrder, SubmitResult } from '../exchange/exchange.ts';
import type { Denial } from '../risk/denial.ts';
import type { Proposal } from '../risk/facts.ts';
import type { OrderRecord } from '../store/items.ts';
import { announce, changeOrder } from './change.ts';
import type { OrderDeps } from './deps.ts';
import type { CreateOrder } from './schemas.ts';
import { accountOf, refOf, type Settlement } from './settle.ts';
import { refusalProblem, submitted } from './state.ts';

/** An order whose quantity is known: of one that is to spend an amount, what that buys at the last price. */
export type SizedOrder = CreateOrder & { readonly quantity: Decimal };

/** What an order is besides what a client wants. */
export type AlsoOrder = {
  /** The order whose place it takes. */
  readonly replaces?: string;
  /**
   * Of a symbol whose trading is about to begin. The exchange must not take it after `validUntilMs` of its own clock, so that it is
   * known soon after that whether it did.
   */
  readonly opening?: { readonly validUntilMs: number };
};

function newOrder(orderId: OrderId, input: SizedOrder, nowMs: number, also: AlsoOrder): OrderRecord {
  const { reduce_only: reduceOnly, ...facts } = input;
  return {
    ...facts,
    ...(reduceOnly ? { reduce_only: true } : {}),
    ...(also.replaces === undefined ? {} : { replaces: also.replaces }),
    ...(also.opening && { valid_until: isoTime(also.opening.validUntilMs) }),
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

function toSubmit(order: OrderRecord, input: SizedOrder): NewOrder {
  const { symbol, side, order_type: orderType, quantity, quote_quantity: quoteQuantity, price } = input;
  const clientOrderId = order.client_order_id;
  return {
    clientOrderId,
    symbol,
    side,
    orderType,
    quantity,
    ...(quoteQuantity && { quoteQuantity }),
    price,
    ...accountOf(order),
    ...(order.valid_until === undefined ? {} : { validUntilMs: Date.parse(order.valid_until) }),
  };
}

/**
 * Sends an order at most once and answers it as recorded. 'exists': an order of this id is there already and nothing was sent.
 * A denial: risk said no, and nothing was stored or sent. Rejects when the intent could not be stored, in which case nothing was
 * sent either.
 */
export type PlaceOrder = (
  orderId: OrderId,
  input: CreateOrder,
  also?: AlsoOrder,
) => Promise<OrderRecord | 'exists' | Denial>;

/** An order that is reserved for and durable, and not sent yet. `send` is called once, or never. */
export type PreparedOrder = { readonly order: OrderRecord; readonly send: () => Promise<OrderRecord> };

/** As placing one, but for sending it. */
export type PrepareOrder = (
  orderId: OrderId,
  input: CreateOrder,
  also?: AlsoOrder,
) => Promise<PreparedOrder | 'exists' | Denial>;

export const isDenial = (placed: OrderRecord | PreparedOrder | Denial): placed is Denial => 'kind' in placed;

/** The denial as a client gets it; by a rule of the exchange it is what the exchange would have answered. */
export function denialProblem({ reason, context, rejection }: Denial): Problem {
  if (rejection) return { ...refusalProblem(rejection, context.symbol ?? ''), members: { reason, context } };
  const facts = Object.entries(context).map(([name, value]) => `${name} ${value}`);
  const detail = `the order was not sent: ${reason}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
  return problem('risk_denied', detail, { reason, context });
}

/** What risk is asked about an order that a client wants. */
export function proposalOf(orderId: string, input: SizedOrder, { replaces, opening }: AlsoOrder = {}): Proposal {
  const { user_id: userId, symbol, side, order_type: orderType, quantity, price, reduce_only: reduceOnly } = input;
  const quoteQuantity = input.quote_quantity;
  const order = { symbol, side, orderType, quantity, ...(quoteQuantity && { quoteQuantity }), price, reduceOnly };
  return {
    userId,
    orderId,
    order,
    ...(replaces === undefined ? {} : { replaces }),
    ...(opening && { isOpening: true }),
  };
}

export function createPrepareOrder(deps: OrderDeps, settlement: Settlement): PrepareOrder {
  const { store, exchange, risk, metrics, log, now } = deps;

  async function sized(input: CreateOrder): Promise<SizedOrder | Denial> {
    if (input.quantity !== undefined) return { ...input, quantity: input.quantity };
    const { symbol, quote_quantity: spend = ZERO } = input;
    const last = await risk.lastPrice(symbol);
    if (last.kind === 'denied') return last;
    return { ...input, quantity: divide(spend, last.price, PRICE_SCALE) };
  }

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

  /** `preparedMs` is what the steps before it took, for the metrics. */
  async function send(order: OrderRecord, input: SizedOrder, preparedMs: number): Promise<OrderRecord> {
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
    const tookMs = preparedMs + performance.now() - sentAtMs;
    metrics.orderSeconds.observe(tookMs / 1000);
    metrics.orderOwnSeconds.observe((tookMs - exchangeMs) / 1000);
    return settled;
  }

  /**
   * 1 reserve what it can cost; 2 write down the intent; 3 send; 4 write down what came of it. Only what failed before 3 may be
   * called a failure. A crash between 1 and 2 leaves a reservation, which repairing finds.
   */
  return async function prepareOrder(orderId, wanted, also = {}) {
    const startedAtMs = performance.now();
    const input = await sized(wanted);
    if ('kind' in input) return input;
    const reserved = await risk.reserve(proposalOf(orderId, input, also));
    if (reserved.kind === 'denied') return reserved;
    const isOwn = await deps.hasOwnAccount(input.user_id);
    const order: OrderRecord = {
      ...newOrder(orderId, input, now(), also),
      ...(isOwn ? { account: 'user' } : {}),
    };
    if ((await store.insertOrder(order)) === 'exists') return 'exists';
    announce(deps, order);
    const preparedMs = performance.now() - startedAtMs;
    return { order, send: () => send(order, input, preparedMs) };
  };
}

export function createPlaceOrder(prepareOrder: PrepareOrder): PlaceOrder {
  return async function placeOrder(orderId, input, also) {
    const prepared = await prepareOrder(orderId, input, also);
    return prepared === 'exists' || isDenial(prepared) ? prepared : prepared.send();
  };
}
