// What MEXC's published rules of a symbol (GET exchangeInfo) say of an order. The judging is pure; reading them is kept for
// a while, since they hardly ever change.
import { z } from 'zod';
import type { Clock } from '../domain/ids.ts';
import { compare, type Decimal, decimalPlaces, multiply, roundUp } from '../domain/money.ts';
import type { NewOrder, Rejection, Unknown } from './exchange.ts';
import { amount, rejected, unknown } from './mexc-answers.ts';

/** Decimals of a quote amount; USDT pairs show `quoteAssetPrecision` 2. */
const QUOTE_AMOUNT_SCALE = 2;
const FRESH_MS = 60_000;
/** More than the exchange lists; names that do not exist are not kept. */
const SYMBOLS_MAX = 5000;

const symbolRules = z.object({
  symbol: z.string(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  isSpotTradingAllowed: z.boolean(),
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

/** Why the exchange would refuse `order` by its rules, in its own codes and words; undefined when it would not. */
export function refusalByRules(order: NewOrder, rules: SymbolRules, lastPrice: Decimal): Rejection | undefined {
  if (!rules.isSpotTradingAllowed) return rejected('refused', null, `${rules.symbol} is not traded now`);
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

/** Rules by symbol, asked for with `ask` (the answer's body, or why there is none) and kept for a minute. */
export function createRulesReader(
  ask: (symbol: string) => Promise<{ readonly kind: 'body'; readonly body: unknown } | Rejection | Unknown>,
  now: Clock,
): (symbol: string) => Promise<RulesResult> {
  const kept = new Map<string, { readonly rules: SymbolRules; readonly atMs: number }>();

  function keep(symbol: string, rules: SymbolRules): void {
    kept.delete(symbol); // Re-inserting makes the map's order the order of reading.
    const oldest = kept.keys().next().value;
    if (kept.size >= SYMBOLS_MAX && oldest !== undefined) kept.delete(oldest);
    kept.set(symbol, { rules, atMs: now() });
  }

  return async function rulesOf(symbol) {
    const known = kept.get(symbol);
    if (known && now() - known.atMs < FRESH_MS) return { kind: 'rules', rules: known.rules };
    const answer = await ask(symbol);
    if (answer.kind !== 'body') return answer;
    const parsed = exchangeInfo.safeParse(answer.body);
    if (!parsed.success) return unknown('the rules of the symbol are not readable');
    const rules = parsed.data.symbols.find((each) => each.symbol === symbol);
    if (!rules) return rejected('unknown_symbol', null, 'no such symbol');
    keep(symbol, rules);
    return { kind: 'rules', rules };
  };
}
