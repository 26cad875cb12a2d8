import { type Decimal, formatDecimal, multiply } from '../decimal.ts';
import {
  NOTIONAL_MAX,
  NOTIONAL_MIN,
  QUOTE_ASSET,
  type SimulatedSymbol,
  SYMBOLS,
  symbolOf,
  TAKER_FEE,
} from '../symbols.ts';
import type { Account, OrderKey, Trade } from './account.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import { cancelledView, orderView, placedView, readOrder } from './order.ts';

/** What an endpoint works with: the request's parameters and the exchange's state. */
export interface Call {
  readonly params: ReadonlyMap<string, string>;
  readonly account: Account;
  readonly nowMs: number;
  /** The share of a crossing order that fills; all of it unless a fault says otherwise. */
  readonly share: Decimal | undefined;
}

export interface Endpoint {
  readonly signed: boolean;
  readonly answer: (call: Call) => object | ExchangeError;
}

const DEPTH_LEVELS_MAX = 20;
const TRADES_MAX = 100;

/** Every endpoint below /api/v3, by "METHOD name". */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET ping': open(() => ({})),
  'GET time': open(({ nowMs }) => ({ serverTime: nowMs })),
  'GET defaultSymbols': open(() => ({ code: 200, data: SYMBOLS.map(({ symbol }) => symbol), msg: null })),
  'GET exchangeInfo': open(exchangeInfo),
  'GET ticker/price': open((call) => perSymbol(call, tickerPrice)),
  'GET ticker/24hr': open((call) => perSymbol(call, ticker24h)),
  'GET depth': open(depth),
  'POST order': signed(placeOrder),
  'POST order/test': signed(testOrder),
  'GET order': signed((call) => withOrder(call, (symbol, key) => call.account.find(symbol, key), orderView)),
  'DELETE order': signed((call) => withOrder(call, (symbol, key) => call.account.cancel(symbol, key), cancelledView)),
  'GET openOrders': signed(({ params, account }) => account.open(params.get('symbol')).map(orderView)),
  'GET account': signed(accountInfo),
  'GET myTrades': signed(myTrades),
};

function open(answer: Endpoint['answer']): Endpoint {
  return { signed: false, answer };
}

function signed(answer: Endpoint['answer']): Endpoint {
  return { signed: true, answer };
}

function placeOrder({ params, account, share }: Call): object | ExchangeError {
  const request = readOrder(params, account.priceOf);
  if ('code' in request) return request;
  const placed = account.place(request, share);
  return 'code' in placed ? placed : placedView(placed);
}

function testOrder({ params, account }: Call): object | ExchangeError {
  const request = readOrder(params, account.priceOf);
  return 'code' in request ? request : {};
}

function withOrder<T extends object>(
  { params }: Call,
  act: (symbol: string, key: OrderKey) => T | ExchangeError,
  view: (order: T) => object,
): object | ExchangeError {
  const symbol = params.get('symbol');
  if (!symbol) return ERRORS.paramMissing;
  if (!symbolOf(symbol)) return ERRORS.badSymbol;
  const key = { orderId: params.get('orderId'), clientOrderId: params.get('origClientOrderId') };
  if (!key.orderId && !key.clientOrderId) return ERRORS.idMissing;
  const result = act(symbol, key);
  return isError(result) ? result : view(result);
}

/** Whether an endpoint's answer is a refusal. */
export function isError(result: object): result is ExchangeError {
  return 'code' in result && 'msg' in result && 'status' in result;
}

function perSymbol({ params, account }: Call, view: (rules: SimulatedSymbol, price: Decimal) => object) {
  const symbol = params.get('symbol');
  if (!symbol) return SYMBOLS.map((rules) => view(rules, account.priceOf(rules.symbol)));
  const rules = symbolOf(symbol);
  return rules ? view(rules, account.priceOf(symbol)) : ERRORS.badSymbol;
}

function tickerPrice({ symbol }: SimulatedSymbol, price: Decimal): object {
  return { symbol, price: formatDecimal(price) };
}

function ticker24h({ symbol }: SimulatedSymbol, price: Decimal): object {
  const last = formatDecimal(price);
  return {
    symbol,
    priceChange: '0',
    priceChangePercent: '0',
    prevClosePrice: last,
    lastPrice: last,
    bidPrice: last,
    bidQty: '',
    askPrice: last,
    askQty: '',
    openPrice: last,
    highPrice: last,
    lowPrice: last,
    volume: '0',
    quoteVolume: null,
    openTime: null,
    closeTime: null,
    count: null,
  };
}

/** A ladder of one-tick steps away from the last price, the same at each call. */
function depth({ params, account }: Call): object | ExchangeError {
  const rules = symbolOf(params.get('symbol') ?? '');
  if (!rules) return ERRORS.badSymbol;
  const levels = Math.min(DEPTH_LEVELS_MAX, Math.max(1, Number(params.get('limit')) || DEPTH_LEVELS_MAX));
  const tick = 10n ** BigInt(18 - rules.pricePlaces);
  const last = account.priceOf(rules.symbol);
  const side = (direction: bigint) =>
    Array.from({ length: levels }, (_, i) => [
      formatDecimal(last + direction * tick * BigInt(i)),
      String((i + 1) * 100),
    ]);
  return { lastUpdateId: 1, bids: side(-1n), asks: side(1n) };
}

function exchangeInfo({ params, nowMs }: Call): object | ExchangeError {
  const wanted = (params.get('symbols') ?? params.get('symbol') ?? '').split(',').filter(Boolean);
  if (wanted.some((symbol) => !symbolOf(symbol))) return ERRORS.badSymbol;
  const symbols = SYMBOLS.filter(({ symbol }) => wanted.length === 0 || wanted.includes(symbol)).map(symbolInfo);
  return { timezone: 'CST', serverTime: nowMs, rateLimits: [], exchangeFilters: [], symbols };
}

function symbolInfo(rules: SimulatedSymbol): object {
  return {
    symbol: rules.symbol,
    status: '1',
    baseAsset: rules.baseAsset,
    baseAssetPrecision: rules.quantityPlaces,
    quoteAsset: QUOTE_ASSET,
    quotePrecision: rules.pricePlaces,
    quoteAssetPrecision: rules.pricePlaces,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: ['LIMIT', 'MARKET', 'LIMIT_MAKER'],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    quoteAmountPrecision: NOTIONAL_MIN,
    baseSizePrecision: rules.quantityMin,
    permissions: ['SPOT'],
    filters: [],
    maxQuoteAmount: NOTIONAL_MAX,
    makerCommission: '0',
    takerCommission: TAKER_FEE,
    quoteAmountPrecisionMarket: NOTIONAL_MIN,
    maxQuoteAmountMarket: NOTIONAL_MAX,
    fullName: rules.fullName,
    tradeSideType: 1,
    contractAddress: '',
    st: false,
  };
}

function accountInfo({ account }: Call): object {
  const balances = account.balances().map(({ asset, free, locked }) => {
    const text = formatDecimal(free);
    return { asset, free: text, locked: formatDecimal(locked), available: text };
  });
  return {
    makerCommission: null,
    takerCommission: null,
    buyerCommission: null,
    sellerCommission: null,
    canTrade: true,
    canWithdraw: true,
    canDeposit: true,
    updateTime: null,
    accountType: 'SPOT',
    balances,
    permissions: ['SPOT'],
  };
}

function myTrades({ params, account }: Call): object | ExchangeError {
  const symbol = params.get('symbol');
  if (!symbol) return ERRORS.paramMissing;
  if (!symbolOf(symbol)) return ERRORS.badSymbol;
  const limit = Math.min(TRADES_MAX, Math.max(1, Number(params.get('limit')) || TRADES_MAX));
  return account.trades(symbol, params.get('orderId'), limit).map(tradeView);
}

function tradeView({ id, order, price, quantity, fee, isMaker, timeMs }: Trade): object {
  return {
    symbol: order.symbol,
    id,
    orderId: order.orderId,
    orderListId: -1,
    price: formatDecimal(price),
    qty: formatDecimal(quantity),
    quoteQty: formatDecimal(multiply(price, quantity)),
    commission: formatDecimal(fee),
    commissionAsset: QUOTE_ASSET,
    time: timeMs,
    isBuyer: order.side === 'BUY',
    isMaker,
    isBestMatch: true,
    isSelfTrade: false,
    clientOrderId: order.clientOrderId,
  };
}
