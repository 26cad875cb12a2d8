import { formatDecimal, multiply } from '../decimal.ts';
import { QUOTE_ASSET } from '../symbols.ts';
import type { OrderKey, Trade } from './account.ts';
import type { Call, Endpoint } from './call.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import { bookTicker, depth, exchangeInfo, klines, perMarket, ticker24h, tickerPrice } from './market-routes.ts';
import { cancelledView, orderView, placedView, readOrder } from './order.ts';

const TRADES_MAX = 100;

/** Every endpoint below /api/v3, by "METHOD name". */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET ping': open(1, () => ({})),
  'GET time': open(1, ({ nowMs }) => ({ serverTime: nowMs })),
  'GET defaultSymbols': open(1, ({ markets }) => ({ code: 200, data: [...markets.keys()], msg: null })),
  'GET exchangeInfo': open(25, exchangeInfo),
  'GET ticker/price': open(10, (call) => perMarket(call, tickerPrice)),
  'GET ticker/24hr': open(25, (call) => perMarket(call, ticker24h)),
  'GET ticker/bookTicker': open(10, (call) => perMarket(call, bookTicker)),
  'GET depth': open(3, depth),
  'GET klines': open(1, klines),
  'POST order': ordering(placeOrder),
  'POST order/test': signed(1, testOrder),
  'GET order': signed(2, (call) => withOrder(call, (symbol, key) => call.account.find(symbol, key), orderView)),
  'DELETE order': ordering((call) => withOrder(call, (symbol, key) => call.account.cancel(symbol, key), cancelledView)),
  'GET openOrders': signed(3, ({ params, account }) => account.open(params.get('symbol')).map(orderView)),
  'GET account': signed(10, accountInfo),
  'GET myTrades': signed(10, myTrades),
  'POST userDataStream': signed(1, ({ listenKeys, apiKey }) => listenKeys.create(apiKey)),
  'GET userDataStream': signed(1, ({ listenKeys, apiKey }) => listenKeys.list(apiKey)),
  'PUT userDataStream': signed(1, ({ listenKeys, apiKey, params }) =>
    listenKeys.keepAlive(apiKey, params.get('listenKey') ?? ''),
  ),
  'DELETE userDataStream': signed(1, ({ listenKeys, apiKey, params }) =>
    listenKeys.remove(apiKey, params.get('listenKey') ?? ''),
  ),
};

function open(weight: number, answer: Endpoint['answer']): Endpoint {
  return { signed: false, weight, isOrder: false, answer };
}

function signed(weight: number, answer: Endpoint['answer']): Endpoint {
  return { signed: true, weight, isOrder: false, answer };
}

function ordering(answer: Endpoint['answer']): Endpoint {
  return { signed: true, weight: 1, isOrder: true, answer };
}

function placeOrder({ params, account, markets, share }: Call): object | ExchangeError {
  const request = readOrder(params, (symbol) => markets.get(symbol));
  if ('code' in request) return request;
  const placed = account.place(request, share);
  return 'code' in placed ? placed : placedView(placed);
}

function testOrder({ params, markets }: Call): object | ExchangeError {
  const request = readOrder(params, (symbol) => markets.get(symbol));
  return 'code' in request ? request : {};
}

function withOrder<T extends object>(
  { params, markets }: Call,
  act: (symbol: string, key: OrderKey) => T | ExchangeError,
  view: (order: T) => object,
): object | ExchangeError {
  const symbol = params.get('symbol');
  if (!symbol) return ERRORS.paramMissing;
  if (!markets.has(symbol)) return ERRORS.badSymbol;
  const key = { orderId: params.get('orderId'), clientOrderId: params.get('origClientOrderId') };
  if (!key.orderId && !key.clientOrderId) return ERRORS.idMissing;
  const result = act(symbol, key);
  return isError(result) ? result : view(result);
}

/** Whether an endpoint's answer is a refusal. */
export function isError(result: object): result is ExchangeError {
  return 'code' in result && 'msg' in result && 'status' in result;
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

function myTrades({ params, account, markets }: Call): object | ExchangeError {
  const symbol = params.get('symbol');
  if (!symbol) return ERRORS.paramMissing;
  if (!markets.has(symbol)) return ERRORS.badSymbol;
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
