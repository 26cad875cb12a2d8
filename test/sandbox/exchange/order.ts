import { cut, type Decimal, divide, fits, formatDecimal, multiply, parseDecimal } from '../decimal.ts';
import { NOTIONAL_MAX, NOTIONAL_MIN, QUOTE_ASSET, type SimulatedSymbol } from '../symbols.ts';
import { ERRORS, type ExchangeError, volumeTooLarge, volumeTooSmall } from './errors.ts';

export type Side = 'BUY' | 'SELL';
export type OrderType = 'LIMIT' | 'MARKET' | 'LIMIT_MAKER' | 'IMMEDIATE_OR_CANCEL' | 'FILL_OR_KILL';
export type OrderStatus = 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'PARTIALLY_CANCELED';

/** An order as the exchange keeps it. `price` is the limit, zero on market orders; quantities are in the base asset. */
export interface ExchangeOrder {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly quoteQuantity: Decimal;
  readonly executed: Decimal;
  readonly executedQuote: Decimal;
  readonly status: OrderStatus;
  readonly timeMs: number;
  readonly updateTimeMs: number;
}

/** What a checked request asks for. */
export type OrderRequest = Pick<
  ExchangeOrder,
  'clientOrderId' | 'symbol' | 'side' | 'type' | 'price' | 'quantity' | 'quoteQuantity'
>;

const SIDES: ReadonlySet<string> = new Set<Side>(['BUY', 'SELL']);
const TYPES: ReadonlySet<string> = new Set<OrderType>([
  'LIMIT',
  'MARKET',
  'LIMIT_MAKER',
  'IMMEDIATE_OR_CANCEL',
  'FILL_OR_KILL',
]);
const CLIENT_ORDER_ID_LENGTH_MAX = 32;

/**
 * The order that `params` ask for, or why it is refused. `marketOf` knows a symbol's rules and last price. A market buy
 * names the amount to spend (quoteOrderQty): the documented meaning of `quantity` on market orders is the amount to sell.
 */
export function readOrder(
  params: ReadonlyMap<string, string>,
  marketOf: (symbol: string) => { readonly rules: SimulatedSymbol; lastPrice(): Decimal } | undefined,
): OrderRequest | ExchangeError {
  for (const name of ['symbol', 'side', 'type']) if (!params.get(name)) return ERRORS.paramMissing;
  const market = marketOf(params.get('symbol') ?? '');
  if (!market) return ERRORS.badSymbol;
  const { rules } = market;
  const side = params.get('side') ?? '';
  const type = params.get('type') ?? '';
  const clientOrderId = params.get('newClientOrderId') ?? '';
  if (!isSide(side) || !isType(type) || clientOrderId.length > CLIENT_ORDER_ID_LENGTH_MAX) return ERRORS.paramError;
  const amounts = type === 'MARKET' ? marketAmounts(params, side, rules) : limitAmounts(params, rules);
  if ('code' in amounts) return amounts;
  const last = market.lastPrice();
  // A market buy becomes a quantity at the last price, cut down to the symbol's step.
  const quantity = amounts.quantity || cut(divide(amounts.quoteQuantity, last), rules.quantityPlaces);
  const refused = refuseVolume(quantity, amounts.quoteQuantity || multiply(quantity, amounts.price || last), rules);
  return refused ?? { clientOrderId, symbol: rules.symbol, side, type, ...amounts, quantity };
}

type Amounts = Pick<OrderRequest, 'price' | 'quantity' | 'quoteQuantity'>;

function limitAmounts(params: ReadonlyMap<string, string>, rules: SimulatedSymbol): Amounts | ExchangeError {
  const priceText = params.get('price');
  if (!priceText) return ERRORS.paramMissing;
  const price = parseDecimal(priceText);
  if (price === undefined || price <= 0n || !fits(price, rules.pricePlaces)) return ERRORS.noPrice;
  const quantity = readAmount(params.get('quantity'), rules.quantityPlaces);
  return typeof quantity === 'bigint' ? { price, quantity, quoteQuantity: 0n } : quantity;
}

function marketAmounts(
  params: ReadonlyMap<string, string>,
  side: Side,
  rules: SimulatedSymbol,
): Amounts | ExchangeError {
  const quote = side === 'BUY' ? params.get('quoteOrderQty') : undefined;
  const amount = side === 'BUY' ? readAmount(quote, 8) : readAmount(params.get('quantity'), rules.quantityPlaces);
  if (typeof amount !== 'bigint') return amount;
  return side === 'BUY'
    ? { price: 0n, quantity: 0n, quoteQuantity: amount }
    : { price: 0n, quantity: amount, quoteQuantity: 0n };
}

function readAmount(text: string | undefined, places: number): Decimal | ExchangeError {
  if (!text) return ERRORS.quantityMissing;
  const value = parseDecimal(text);
  if (value === undefined) return ERRORS.quantityError;
  if (value <= 0n) return ERRORS.quantityNotPositive;
  return fits(value, places) ? value : ERRORS.quantityPlaces;
}

function refuseVolume(quantity: Decimal, notional: Decimal, rules: SimulatedSymbol): ExchangeError | undefined {
  if (quantity < (parseDecimal(rules.quantityMin) ?? 0n)) return volumeTooSmall(rules.quantityMin + rules.baseAsset);
  if (notional < (parseDecimal(NOTIONAL_MIN) ?? 0n)) return volumeTooSmall(NOTIONAL_MIN + QUOTE_ASSET);
  if (notional > (parseDecimal(NOTIONAL_MAX) ?? 0n)) return volumeTooLarge(NOTIONAL_MAX + QUOTE_ASSET);
  return undefined;
}

function isSide(text: string): text is Side {
  return SIDES.has(text);
}

function isType(text: string): text is OrderType {
  return TYPES.has(text);
}

/** The answer to a new order: it says nothing of fills, a client has to ask (as on the exchange). */
export function placedView(order: ExchangeOrder): object {
  return {
    symbol: order.symbol,
    orderId: order.orderId,
    orderListId: -1,
    price: formatDecimal(order.price),
    origQty: formatDecimal(order.quantity),
    type: order.type,
    side: order.side,
    stpMode: '',
    transactTime: order.timeMs,
  };
}

/** What both views below tell of an order, in the exchange's order and spelling. */
function progressOf(order: ExchangeOrder): object {
  return {
    price: formatDecimal(order.price),
    origQty: formatDecimal(order.quantity),
    executedQty: formatDecimal(order.executed),
    cummulativeQuoteQty: formatDecimal(order.executedQuote),
    status: order.status,
    timeInForce: 'GTC',
    type: order.type,
    side: order.side,
  };
}

/** The answer to a cancel. */
export function cancelledView(order: ExchangeOrder): object {
  return {
    symbol: order.symbol,
    origClientOrderId: order.clientOrderId,
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    ...progressOf(order),
  };
}

/** One order as GET order and openOrders show it. */
export function orderView(order: ExchangeOrder): object {
  return {
    symbol: order.symbol,
    orderId: order.orderId,
    orderListId: -1,
    clientOrderId: order.clientOrderId,
    ...progressOf(order),
    stopPrice: null,
    icebergQty: null,
    time: order.timeMs,
    updateTime: order.updateTimeMs,
    isWorking: order.status === 'NEW' || order.status === 'PARTIALLY_FILLED',
    stpMode: '',
    cancelReason: null,
    origQuoteOrderQty: formatDecimal(order.quoteQuantity),
  };
}
