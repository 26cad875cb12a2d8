// What MEXC's published rules of a symbol (GET exchangeInfo) say of an order. Pure.
import { z } from 'zod';
import { compare, type Decimal, decimalPlaces, multiply, roundUp } from '../domain/money.ts';
import type { NewOrder, Rejection, Unknown } from './exchange.ts';
import { amount, rejected, unknown } from './mexc-answers.ts';

/** Decimals of a quote amount; USDT pairs show `quoteAssetPrecision` 2. */
const QUOTE_AMOUNT_SCALE = 2;
/** What `status` says of a symbol that is traded; until 2023 the exchange sent the word. */
const ONLINE: ReadonlySet<string> = new Set(['1', 'ENABLED']);
/** `tradeSideType`: 1 both, 2 buying only, 3 selling only, 4 neither. */
const SIDES: Readonly<Record<number, readonly NewOrder['side'][]>> = {
  1: ['BUY', 'SELL'],
  2: ['BUY'],
  3: ['SELL'],
  4: [],
};

const symbolRules = z.object({
  symbol: z.string(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  status: z.coerce.string().nullish(),
  isSpotTradingAllowed: z.boolean(),
  permissions: z.array(z.string()).nullish(),
  tradeSideType: z.number().int().nullish(),
  /** Decimals of a quantity, and of a price. */
  baseAssetPrecision: z.number().int().min(0),
  quotePrecision: z.number().int().min(0),
  /** The least quantity, and the least and the largest value in the quote asset (names are the exchange's). */
  baseSizePrecision: amount,
  quoteAmountPrecision: amount,
  maxQuoteAmount: amount,
});
export type SymbolRules = z.infer<typeof symbolRules>;
const exchangeInfo = z.object({ symbols: z.array(symbolRules) });

/** What a market buy of `quantity` spends at the last price, in the quote asset, rounded up to its decimals. */
export function toSpend(quantity: Decimal, lastPrice: Decimal): Decimal {
  return roundUp(multiply(quantity, lastPrice), QUOTE_AMOUNT_SCALE);
}

/** Whether the symbol is traded: all three signs, since the exchange has been seen to change one without the others. */
export function isTraded({ status, isSpotTradingAllowed, permissions }: SymbolRules): boolean {
  return isSpotTradingAllowed && ONLINE.has(status ?? '1') && (permissions?.includes('SPOT') ?? true);
}

/** Why the exchange would refuse `order` by its rules, in its own codes and words; undefined when it would not. */
export function refusalByRules(order: NewOrder, rules: SymbolRules, lastPrice: Decimal): Rejection | undefined {
  if (!isTraded(rules)) return rejected('not_tradable', null, `${rules.symbol} is not traded now`);
  if (SIDES[rules.tradeSideType ?? 1]?.includes(order.side) === false)
    return rejected('not_tradable', 30_001, 'current transaction direction not allowed');
  if (order.price !== null && decimalPlaces(order.price) > rules.quotePrecision)
    return rejected('invalid_order', 30_010, 'no valid trade price');
  // A market buy is sized by what it spends, so the quantity's own decimals are not seen by the exchange.
  const isSizedByQuote = order.orderType === 'MARKET' && order.side === 'BUY';
  if (!isSizedByQuote && decimalPlaces(order.quantity) > rules.baseAssetPrecision)
    return rejected('invalid_order', 10_096, 'amount decimal places too long');
  const worth = isSizedByQuote
    ? toSpend(order.quantity, lastPrice)
    : multiply(order.quantity, order.price ?? lastPrice);
  const tooSmall = 'The minimum transaction volume cannot be less than: ';
  if (compare(order.quantity, rules.baseSizePrecision) < 0)
    return rejected('invalid_order', 30_002, `${tooSmall}${rules.baseSizePrecision}${rules.baseAsset}`);
  if (compare(worth, rules.quoteAmountPrecision) < 0)
    return rejected('invalid_order', 30_002, `${tooSmall}${rules.quoteAmountPrecision}${rules.quoteAsset}`);
  if (compare(worth, rules.maxQuoteAmount) > 0) {
    const most = `${rules.maxQuoteAmount}${rules.quoteAsset}`;
    return rejected('invalid_order', 30_003, `The maximum transaction volume cannot be greater than: ${most}`);
  }
  return undefined;
}

export type RulesResult = { readonly kind: 'rules'; readonly rules: SymbolRules } | Rejection | Unknown;

/** The rules of `symbol` in an answer of exchangeInfo. */
export function rulesIn(body: unknown, symbol: string): RulesResult {
  const parsed = exchangeInfo.safeParse(body);
  if (!parsed.success) return unknown('the rules of the symbol are not readable');
  const rules = parsed.data.symbols.find((each) => each.symbol === symbol);
  return rules ? { kind: 'rules', rules } : rejected('unknown_symbol', null, 'no such symbol');
}
