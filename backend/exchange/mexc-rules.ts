// MEXC's published rules of a symbol (GET exchangeInfo) as rules of the port. Pure.
import { z } from 'zod';
import type { Decimal } from '../domain/money.ts';
import { ORDER_TYPES, type OrderType, type RulesResult, type Side, type SymbolRules } from './exchange.ts';
import { amount, rejected, unknown } from './mexc-answers.ts';

/** What `status` says of a symbol that is traded; until 2023 the exchange sent the word. */
const ONLINE: ReadonlySet<string> = new Set(['1', 'ENABLED']);
/** `tradeSideType`: 1 both, 2 buying only, 3 selling only, 4 neither. */
const SIDES: Readonly<Record<number, readonly Side[]>> = {
  1: ['BUY', 'SELL'],
  2: ['BUY'],
  3: ['SELL'],
  4: [],
};
/** Never listed in `orderTypes`, and taken all the same. */
const UNLISTED: readonly OrderType[] = ['IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL'];
const BAND_FILTER = 'PERCENT_PRICE_BY_SIDE';

/** Fields beside the type differ; those of the one that is read. */
const filter = z.object({
  filterType: z.string(),
  bidMultiplierUp: amount.nullish(),
  askMultiplierDown: amount.nullish(),
});

const symbolInfo = z.object({
  symbol: z.string(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  status: z.coerce.string().nullish(),
  isSpotTradingAllowed: z.boolean(),
  permissions: z.array(z.string()).nullish(),
  tradeSideType: z.number().int().nullish(),
  orderTypes: z.array(z.string()).nullish(),
  /** Decimals of a quantity, and of a price. */
  baseAssetPrecision: z.number().int().min(0),
  quotePrecision: z.number().int().min(0),
  /** The least quantity, and the least and the largest value in the quote asset (names are the exchange's). */
  baseSizePrecision: amount,
  quoteAmountPrecision: amount,
  maxQuoteAmount: amount,
  quoteAmountPrecisionMarket: amount.nullish(),
  maxQuoteAmountMarket: amount.nullish(),
  filters: z.array(filter).nullish(),
});
export type SymbolInfo = z.infer<typeof symbolInfo>;
const exchangeInfo = z.object({ symbols: z.array(symbolInfo) });

/** Whether the symbol is traded: all three signs, since the exchange has been seen to change one without the others. */
function isTraded({ status, isSpotTradingAllowed, permissions }: SymbolInfo): boolean {
  return isSpotTradingAllowed && ONLINE.has(status ?? '1') && (permissions?.includes('SPOT') ?? true);
}

function orderTypesOf(listed: readonly string[] | null | undefined): readonly OrderType[] {
  return listed ? ORDER_TYPES.filter((type) => listed.includes(type) || UNLISTED.includes(type)) : ORDER_TYPES;
}

/**
 * The documentation's formula (price against last price times the multiplier) cannot be meant with its own example of 0.005, so
 * the multipliers are read as how far from the last price an order may be: half a per cent. One of 1 or more cannot be that,
 * and is left to the exchange.
 */
function bandOf(filters: SymbolInfo['filters']): SymbolRules['band'] {
  const band = filters?.find(({ filterType }) => filterType === BAND_FILTER);
  const share = (multiplier: Decimal | null | undefined) =>
    multiplier !== null && multiplier !== undefined && /^0\.\d/.test(multiplier) ? multiplier : null;
  return { buyAbove: share(band?.bidMultiplierUp), sellBelow: share(band?.askMultiplierDown) };
}

export function rulesOf(info: SymbolInfo): SymbolRules {
  const { symbol, baseAsset, quoteAsset, quoteAmountPrecision: min, maxQuoteAmount: max } = info;
  return {
    ...{ symbol, baseAsset, quoteAsset },
    isTraded: isTraded(info),
    sides: SIDES[info.tradeSideType ?? 1] ?? ['BUY', 'SELL'],
    orderTypes: orderTypesOf(info.orderTypes),
    pricePlaces: info.quotePrecision,
    quantityPlaces: info.baseAssetPrecision,
    quantityMin: info.baseSizePrecision,
    value: { min, max },
    marketValue: { min: info.quoteAmountPrecisionMarket ?? min, max: info.maxQuoteAmountMarket ?? max },
    band: bandOf(info.filters),
  };
}

/** The rules of `symbol` in an answer of exchangeInfo. */
export function rulesIn(body: unknown, symbol: string): RulesResult {
  const parsed = exchangeInfo.safeParse(body);
  if (!parsed.success) return unknown('the rules of the symbol are not readable');
  const info = parsed.data.symbols.find((each) => each.symbol === symbol);
  return info ? { kind: 'rules', rules: rulesOf(info) } : rejected('unknown_symbol', null, 'no such symbol');
}
