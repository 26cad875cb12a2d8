// MEXC spot v3 over REST, as an Exchange: one account on a connection that others may share.
import { isPositive } from '../domain/money.ts';
import type { CancelResult, Exchange, FindResult, NewOrder, OrderRef, PriceResult, Rejection } from './exchange.ts';
import { ADMISSION_WAIT_MAX_MS } from './limiter.ts';
import { balancesOf, feesOf, isOk, orderOf, placedOrder, refusal, rejected, unknown } from './mexc-answers.ts';
import {
  type Call,
  type Credentials,
  createMexcConnection,
  type MexcConnection,
  type MexcConnectionOptions,
} from './mexc-connection.ts';
import { createMexcMarket, type MexcMarket } from './mexc-market.ts';
import type { Parameters } from './mexc-signing.ts';
import { toSpend, violationOf } from './symbol-rules.ts';

/** The exchange accepts a timestamp up to this far ahead of its own clock, ms. */
const AHEAD_MAX_MS = 1000;
/** Calls a submission may take before its last one is sent or given up: a price, an attempt, the clock, an attempt. */
const CALLS_PER_SUBMISSION = 4;

export type MexcAccount = Credentials & {
  /** For how long after its timestamp the exchange may accept a request, ms, at most 60,000. */
  readonly recvWindowMs: number;
};
export type MexcOptions = MexcConnectionOptions & MexcAccount;

type Submission = { readonly kind: 'send'; readonly parameters: Parameters } | Rejection;

function orderParameters(ref: OrderRef): Parameters {
  return ref.exchangeOrderId === null
    ? { symbol: ref.symbol, origClientOrderId: ref.clientOrderId }
    : { symbol: ref.symbol, orderId: ref.exchangeOrderId };
}

/**
 * The parameters of a new order, or why there are none. The exchange documents only `quoteOrderQty` (quote to spend) for a
 * MARKET BUY: one given in base units spends `quantity` times the last price, rounded up to cents, and the base amount that
 * comes back is the order's filled quantity and may differ from what was asked. A MARKET SELL is in base units.
 */
async function submission(order: NewOrder, price: (symbol: string) => Promise<PriceResult>): Promise<Submission> {
  const common = {
    symbol: order.symbol,
    side: order.side,
    type: order.orderType,
    newClientOrderId: order.clientOrderId,
  };
  const send = (amounts: Parameters): Submission => ({ kind: 'send', parameters: { ...common, ...amounts } });
  if (order.orderType !== 'MARKET') return send({ quantity: order.quantity, price: order.price ?? undefined });
  if (order.side === 'SELL') return send({ quantity: order.quantity });
  if (order.quoteQuantity !== undefined) return send({ quoteOrderQty: order.quoteQuantity });
  const last = await price(order.symbol);
  if (last.kind === 'rejected') return last;
  if (last.kind === 'unknown') return rejected('refused', null, `no price to size a market buy with: ${last.detail}`);
  return send({ quoteOrderQty: toSpend(order.quantity, last.price) });
}

function orderResult(call: Call): FindResult {
  if (call.kind !== 'answer') return call;
  if (!isOk(call.answer)) return refusal(call.answer);
  const order = orderOf(call.answer.body);
  return order ? { kind: 'found', order } : unknown('the order the exchange described is not readable');
}

/**
 * A success means cancelled even when the status says NEW or PARTIALLY_FILLED: the live exchange has been seen to answer with
 * the state before the cancel. Only a FILLED order was not cancelled after all.
 */
function cancelResult(found: FindResult): CancelResult {
  if (found.kind !== 'found') return found;
  if (found.order.status === 'filled') return { kind: 'not_found' };
  return { kind: 'cancelled', order: { ...found.order, status: 'cancelled' } };
}

async function pingBy(connection: MexcConnection): Promise<string | undefined> {
  const call = await connection.open('GET ping', {});
  if (call.kind !== 'answer') return call.detail;
  return isOk(call.answer) ? undefined : `it answered HTTP ${call.answer.status}`;
}

/** One account's Exchange. Closing it is closing the connection, which is its maker's to do. */
export function createMexcExchange(
  connection: MexcConnection,
  market: MexcMarket,
  account: MexcAccount,
): Omit<Exchange, 'close'> {
  const signedCall = connection.account(account, account.recvWindowMs);
  const callMaxMs = connection.timeoutMs + ADMISSION_WAIT_MAX_MS;
  return {
    submissionLifeMs: account.recvWindowMs + CALLS_PER_SUBMISSION * callMaxMs + AHEAD_MAX_MS,
    now: connection.now,
    prepare: connection.prepare,
    price: market.price,
    rules: market.rulesOf,
    async preview(order) {
      const [found, last] = await Promise.all([market.rulesOf(order.symbol), market.recentPrice(order.symbol)]);
      if (found.kind !== 'rules') return found;
      if (last.kind !== 'price') return last;
      const violation = violationOf(order, found.rules, last.price);
      return violation?.rejection ?? { kind: 'acceptable', lastPrice: last.price };
    },
    async submit(order) {
      const built = await submission(order, market.price);
      if (built.kind === 'rejected') return built;
      const call = await signedCall('POST order', built.parameters, order.validUntilMs);
      if (call.kind !== 'answer') return call;
      if (!isOk(call.answer)) {
        const refused = refusal(call.answer);
        return refused.kind === 'not_found' ? rejected('refused', null, 'the exchange knows no such record') : refused;
      }
      const placed = placedOrder.safeParse(call.answer.body);
      return placed.success
        ? { kind: 'accepted', exchangeOrderId: placed.data.orderId }
        : unknown('the answer to the order is not readable');
    },
    async find(ref) {
      const found = orderResult(await signedCall('GET order', orderParameters(ref)));
      if (found.kind !== 'found' || !isPositive(found.order.filledQuantity)) return found;
      const orderId = found.order.exchangeOrderId;
      const call = await signedCall('GET myTrades', { symbol: ref.symbol, orderId });
      const fees = call.kind === 'answer' && isOk(call.answer) ? feesOf(call.answer.body) : null;
      return { kind: 'found', order: { ...found.order, fees } };
    },
    cancel: async (ref) => cancelResult(orderResult(await signedCall('DELETE order', orderParameters(ref)))),
    async balances() {
      const call = await signedCall('GET account', {});
      if (call.kind !== 'answer') return call;
      if (!isOk(call.answer)) {
        const refused = refusal(call.answer);
        return refused.kind === 'not_found' ? rejected('refused', null, 'the exchange knows no such account') : refused;
      }
      const balances = balancesOf(call.answer.body);
      return balances ? { kind: 'balances', balances } : unknown('the balances are not readable');
    },
    ping: () => pingBy(connection),
  };
}

/** One account on a connection of its own. */
export function createMexc(options: MexcOptions): Exchange {
  const connection = createMexcConnection(options);
  const market = createMexcMarket(connection, options.now);
  return { ...createMexcExchange(connection, market, options), close: connection.close };
}
