// What a symbol's published rules say of an order: nothing, or why the exchange would not take it. Pure.
import { add, compare, type Decimal, decimalOf, decimalPlaces, multiply, roundUp, subtract } from '../domain/money.ts';
import type { NewOrder, Rejection, RejectReason, SymbolRules } from './exchange.ts';

/** By which rule an order is not taken; a part of the API. */
export type RuleReason =
  | 'INSTRUMENT_NOT_FOUND'
  | 'INSTRUMENT_NOT_TRADABLE'
  | 'INVALID_ORDER_SIDE'
  | 'UNSUPPORTED_ORDER_TYPE'
  | 'PRICE_EXCEEDS_PRECISION'
  | 'QUANTITY_EXCEEDS_PRECISION'
  | 'QUANTITY_BELOW_MINIMUM'
  | 'NOTIONAL_BELOW_MINIMUM'
  | 'NOTIONAL_EXCEEDS_MAXIMUM'
  | 'PRICE_OUTSIDE_BAND';

/** `rejection` is what the exchange itself would have answered; `context` is what was compared, by name. */
export type Violation = {
  readonly reason: RuleReason;
  readonly rejection: Rejection;
  readonly context: Readonly<Record<string, string>>;
};

export type Ruled = Pick<NewOrder, 'side' | 'orderType' | 'quantity' | 'quoteQuantity' | 'price'>;

const ONE = decimalOf('1');
/** Decimals of a quote amount; USDT pairs show `quoteAssetPrecision` 2. */
const QUOTE_AMOUNT_SCALE = 2;

/** What a market buy of `quantity` spends at the last price, in the quote asset, rounded up to its decimals. */
export function toSpend(quantity: Decimal, lastPrice: Decimal): Decimal {
  return roundUp(multiply(quantity, lastPrice), QUOTE_AMOUNT_SCALE);
}

type Refusing = { readonly as: RejectReason; readonly code: number | null; readonly detail: string };

function violation(reason: RuleReason, { as, code, detail }: Refusing, context: Violation['context'] = {}): Violation {
  return { reason, rejection: { kind: 'rejected', reason: as, code, detail }, context };
}

/** A market buy is sized by what it spends, so that the exchange does not see its quantity. */
const isSizedByQuote = ({ orderType, side }: Ruled) => orderType === 'MARKET' && side === 'BUY';

function ofSymbol(order: Ruled, rules: SymbolRules): Violation | undefined {
  const { symbol } = rules;
  const as = 'not_tradable';
  if (!rules.isTraded) {
    return violation('INSTRUMENT_NOT_TRADABLE', { as, code: null, detail: `${symbol} is not traded now` }, { symbol });
  }
  if (!rules.sides.includes(order.side)) {
    const detail = 'current transaction direction not allowed';
    return violation('INVALID_ORDER_SIDE', { as, code: 30_001, detail }, { side: order.side });
  }
  if (rules.orderTypes.includes(order.orderType)) return undefined;
  const detail = 'current order type can not place order';
  return violation('UNSUPPORTED_ORDER_TYPE', { as: 'invalid_order', code: 30_041, detail }, { type: order.orderType });
}

function ofPrecision(order: Ruled, { pricePlaces, quantityPlaces }: SymbolRules): Violation | undefined {
  const as = 'invalid_order';
  const { price, quantity } = order;
  if (price !== null && decimalPlaces(price) > pricePlaces) {
    const context = { price, decimals: `${pricePlaces}` };
    return violation('PRICE_EXCEEDS_PRECISION', { as, code: 30_010, detail: 'no valid trade price' }, context);
  }
  if (isSizedByQuote(order) || decimalPlaces(quantity) <= quantityPlaces) return undefined;
  const context = { quantity, decimals: `${quantityPlaces}` };
  const detail = 'amount decimal places too long';
  return violation('QUANTITY_EXCEEDS_PRECISION', { as, code: 10_096, detail }, context);
}

/** Undefined at market while nobody knows the last price. */
function quoteValueOf(order: Ruled, lastPrice: Decimal | undefined): Decimal | undefined {
  if (order.quoteQuantity !== undefined) return order.quoteQuantity;
  const price = order.price ?? lastPrice;
  if (price === undefined) return undefined;
  return isSizedByQuote(order) ? toSpend(order.quantity, price) : multiply(order.quantity, price);
}

function ofSize(order: Ruled, rules: SymbolRules, lastPrice: Decimal | undefined): Violation | undefined {
  const as = 'invalid_order';
  const { quantity } = order;
  const tooSmall = (least: string): Refusing => {
    return { as, code: 30_002, detail: `The minimum transaction volume cannot be less than: ${least}` };
  };
  if (compare(quantity, rules.quantityMin) < 0) {
    const context = { quantity, minimum: rules.quantityMin };
    return violation('QUANTITY_BELOW_MINIMUM', tooSmall(`${rules.quantityMin}${rules.baseAsset}`), context);
  }
  const value = quoteValueOf(order, lastPrice);
  const { min, max } = order.orderType === 'MARKET' ? rules.marketValue : rules.value;
  if (value === undefined) return undefined;
  if (compare(value, min) < 0) {
    return violation('NOTIONAL_BELOW_MINIMUM', tooSmall(`${min}${rules.quoteAsset}`), { value, minimum: min });
  }
  if (compare(value, max) <= 0) return undefined;
  const detail = `The maximum transaction volume cannot be greater than: ${max}${rules.quoteAsset}`;
  return violation('NOTIONAL_EXCEEDS_MAXIMUM', { as, code: 30_003, detail }, { value, maximum: max });
}

/** Only the side that could be a mistake: buying above the last price, selling below it. */
function ofBand({ side, price }: Ruled, { band }: SymbolRules, last: Decimal | undefined): Violation | undefined {
  if (price === null || last === undefined) return undefined;
  const share = side === 'BUY' ? band.buyAbove : band.sellBelow;
  if (share === null) return undefined;
  const limit = multiply(last, side === 'BUY' ? add(ONE, share) : subtract(ONE, share));
  const isInside = side === 'BUY' ? compare(price, limit) <= 0 : compare(price, limit) >= 0;
  if (isInside) return undefined;
  const refusing = { as: 'invalid_order', code: 30_087, detail: 'Order price exceeds allowed range' } as const;
  return violation('PRICE_OUTSIDE_BAND', refusing, { price, limit, last_price: last });
}

/** The first rule that the order breaks. Without a last price what depends on it is left to the exchange. */
export function violationOf(order: Ruled, rules: SymbolRules, lastPrice: Decimal | undefined): Violation | undefined {
  return (
    ofSymbol(order, rules) ??
    ofPrecision(order, rules) ??
    ofSize(order, rules, lastPrice) ??
    ofBand(order, rules, lastPrice)
  );
}

/** The exchange knows no such symbol. */
export const unknownSymbol = (symbol: string, rejection: Rejection): Violation => ({
  reason: 'INSTRUMENT_NOT_FOUND',
  rejection,
  context: { symbol },
});
