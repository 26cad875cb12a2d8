// MEXC spot v3 over REST, as an Exchange.
import type { Clock } from '../domain/ids.ts';
import { isPositive } from '../domain/money.ts';
import type {
  CancelResult,
  Exchange,
  FindResult,
  NewOrder,
  OrderRef,
  PriceResult,
  Rejection,
  Unknown,
} from './exchange.ts';
import {
  type Answer,
  CODE_OUTSIDE_WINDOW,
  errorCode,
  feeOf,
  orderOf,
  placedOrder,
  priceOf,
  refusal,
  rejected,
  serverTimeOf,
  unknown,
} from './mexc-answers.ts';
import { createMexcHttp } from './mexc-http.ts';
import { createRulesReader, refusalByRules, toSpend } from './mexc-rules.ts';
import { type Parameters, queryString, signedQuery } from './mexc-signing.ts';

/** The exchange accepts a timestamp up to this far ahead of its own clock, ms. */
const AHEAD_MAX_MS = 1000;
/** Calls a submission may take before its last one is sent or given up: a price, an attempt, the clock, an attempt. */
const CALLS_PER_SUBMISSION = 4;

export type MexcOptions = {
  readonly url: string;
  readonly apiKey: string;
  readonly secretKey: string;
  /** Deadline of one HTTP call, ms. */
  readonly timeoutMs: number;
  /** For how long after its timestamp the exchange may accept a request, ms, at most 60,000. */
  readonly recvWindowMs: number;
  readonly now: Clock;
};

type Call = { readonly kind: 'answer'; readonly answer: Answer } | Rejection | Unknown;
type Submission = { readonly kind: 'send'; readonly parameters: Parameters } | Rejection;
type SignedCall = (method: 'GET' | 'POST' | 'DELETE', path: string, parameters: Parameters) => Promise<Call>;

function orderParameters(ref: OrderRef): Parameters {
  return ref.exchangeOrderId === null
    ? { symbol: ref.symbol, origClientOrderId: ref.clientOrderId }
    : { symbol: ref.symbol, orderId: ref.exchangeOrderId };
}

/** The transport's result in the port's words: not sent is a refusal by nobody, broken is unknown. */
function callOf(result: Awaited<ReturnType<ReturnType<typeof createMexcHttp>['request']>>): Call {
  if (result.kind === 'not_sent')
    return rejected('unreachable', null, `the exchange cannot be reached: ${result.detail}`);
  if (result.kind === 'broken') return unknown(`the exchange did not answer: ${result.detail}`);
  return result;
}

const isOk = (answer: Answer) => answer.status >= 200 && answer.status < 300;

async function priceAt(http: ReturnType<typeof createMexcHttp>, symbol: string): Promise<PriceResult> {
  const call = callOf(await http.request('GET', 'ticker/price', queryString({ symbol })));
  if (call.kind !== 'answer') return call;
  if (!isOk(call.answer)) {
    const refused = refusal(call.answer);
    return refused.kind === 'not_found' ? rejected('unknown_symbol', null, 'no such symbol') : refused;
  }
  const parsed = priceOf.safeParse(call.answer.body);
  return parsed.success ? { kind: 'price', price: parsed.data.price } : unknown('the price is not readable');
}

async function exchangeInfoOf(http: ReturnType<typeof createMexcHttp>, symbol: string) {
  const call = callOf(await http.request('GET', 'exchangeInfo', queryString({ symbol })));
  if (call.kind !== 'answer') return call;
  if (isOk(call.answer)) return { kind: 'body', body: call.answer.body } as const;
  const refused = refusal(call.answer);
  return refused.kind === 'not_found' ? rejected('unknown_symbol', null, 'no such symbol') : refused;
}

/**
 * The parameters of a new order, or why there are none. A MARKET BUY is given in base units but the exchange documents only
 * `quoteOrderQty` (quote to spend) for it, so `quantity` times the last price is spent, rounded up to cents; the base amount
 * that comes back is the order's filled quantity and may differ from what was asked. A MARKET SELL is in base units.
 */
async function submission(order: NewOrder, price: (symbol: string) => Promise<PriceResult>): Promise<Submission> {
  const common = {
    symbol: order.symbol,
    side: order.side,
    type: order.orderType,
    newClientOrderId: order.clientOrderId,
  };
  const send = (amounts: Parameters): Submission => ({ kind: 'send', parameters: { ...common, ...amounts } });
  if (order.orderType === 'LIMIT') return send({ quantity: order.quantity, price: order.price ?? undefined });
  if (order.side === 'SELL') return send({ quantity: order.quantity });
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

/** Signs by the exchange's clock: an offset measured when the exchange first refuses a time, then kept. */
function createSignedCall(options: MexcOptions, http: ReturnType<typeof createMexcHttp>): SignedCall {
  const { secretKey, recvWindowMs, now } = options;
  let offsetMs = 0;

  async function measureClock(): Promise<boolean> {
    const sentAtMs = now();
    const result = await http.request('GET', 'time', '');
    const time = result.kind === 'answer' ? serverTimeOf.safeParse(result.answer.body) : undefined;
    if (!time?.success) return false;
    offsetMs = time.data.serverTime - Math.round((sentAtMs + now()) / 2);
    return true;
  }

  async function once(...[method, path, parameters]: globalThis.Parameters<SignedCall>): Promise<Call> {
    const query = signedQuery(secretKey, parameters, { timestampMs: now() + offsetMs, recvWindowMs });
    return callOf(await http.request(method, path, query));
  }

  return async function signedCall(...call) {
    const first = await once(...call);
    const refusedForTime = first.kind === 'answer' && errorCode(first.answer) === CODE_OUTSIDE_WINDOW;
    // A refused time proves that nothing was taken, so sending once more by the exchange's clock is safe.
    return refusedForTime && (await measureClock()) ? once(...call) : first;
  };
}

/** MEXC over kept-alive connections. Nothing is sent before the first call. */
export function createMexc(options: MexcOptions): Exchange {
  const http = createMexcHttp(options);
  const signedCall = createSignedCall(options, http);
  const price = (symbol: string) => priceAt(http, symbol);
  const rulesOf = createRulesReader((symbol) => exchangeInfoOf(http, symbol), options.now);
  return {
    submissionLifeMs: options.recvWindowMs + CALLS_PER_SUBMISSION * options.timeoutMs + AHEAD_MAX_MS,
    price,
    async preview(order) {
      const found = await rulesOf(order.symbol);
      if (found.kind !== 'rules') return found;
      const last = await price(order.symbol);
      if (last.kind !== 'price') return last;
      return refusalByRules(order, found.rules, last.price) ?? { kind: 'acceptable', lastPrice: last.price };
    },
    async submit(order) {
      const built = await submission(order, price);
      if (built.kind === 'rejected') return built;
      const call = await signedCall('POST', 'order', built.parameters);
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
      const found = orderResult(await signedCall('GET', 'order', orderParameters(ref)));
      if (found.kind !== 'found' || !isPositive(found.order.filledQuantity)) return found;
      const orderId = found.order.exchangeOrderId;
      const call = await signedCall('GET', 'myTrades', { symbol: ref.symbol, orderId });
      const fee = call.kind === 'answer' && isOk(call.answer) ? feeOf(call.answer.body, ref.symbol) : null;
      return { kind: 'found', order: { ...found.order, fee } };
    },
    cancel: async (ref) => cancelResult(orderResult(await signedCall('DELETE', 'order', orderParameters(ref)))),
    async ping() {
      const call = callOf(await http.request('GET', 'ping', ''));
      if (call.kind !== 'answer') return call.detail;
      return isOk(call.answer) ? undefined : `it answered HTTP ${call.answer.status}`;
    },
    close: http.close,
  };
}
