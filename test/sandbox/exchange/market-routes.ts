import { type Decimal, decimal, formatDecimal } from '../decimal.ts';
import { NOTIONAL_MAX, NOTIONAL_MIN, QUOTE_ASSET, TAKER_FEE } from '../symbols.ts';
import type { Call } from './call.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import { INTERVALS } from './intervals.ts';
import type { Market } from './market.ts';
import type { Side } from './order.ts';

const DEPTH_LEVELS_USUAL = 100;
const DEPTH_LEVELS_MAX = 5000;
const KLINES_MAX = 500;
/** How many versions an outdated snapshot lies behind. */
const STALE_VERSIONS = 1000;

export function perMarket({ params, markets }: Call, view: (market: Market) => object): object | ExchangeError {
  const symbol = params.get('symbol');
  if (!symbol) return [...markets.values()].map(view);
  const market = markets.get(symbol);
  return market ? view(market) : ERRORS.badSymbol;
}

export function tickerPrice(market: Market): object {
  return { symbol: market.rules.symbol, price: formatDecimal(market.lastPrice()) };
}

const levelText = (value: Decimal | undefined): string => (value === undefined ? '' : formatDecimal(value));

function bestOf(market: Market, side: Side): { price: string; quantity: string } {
  const [best] = market.levels(side, 1);
  return { price: levelText(best?.price), quantity: levelText(best?.quantity) };
}

export function bookTicker(market: Market): object {
  const [bid, ask] = [bestOf(market, 'BUY'), bestOf(market, 'SELL')];
  const { symbol } = market.rules;
  return { symbol, bidPrice: bid.price, bidQty: bid.quantity, askPrice: ask.price, askQty: ask.quantity };
}

/** Some members are empty or null here because the exchange sends them so. */
export function ticker24h(market: Market): object {
  const last = market.lastPrice();
  const opened = decimal(market.rules.price);
  const text = formatDecimal(last);
  return {
    symbol: market.rules.symbol,
    priceChange: formatDecimal(last - opened),
    priceChangePercent: '0',
    prevClosePrice: formatDecimal(opened),
    lastPrice: text,
    bidPrice: bestOf(market, 'BUY').price,
    bidQty: '',
    askPrice: bestOf(market, 'SELL').price,
    askQty: '',
    openPrice: formatDecimal(opened),
    highPrice: formatDecimal(last > opened ? last : opened),
    lowPrice: formatDecimal(last < opened ? last : opened),
    volume: '0',
    quoteVolume: null,
    openTime: null,
    closeTime: null,
    count: null,
  };
}

export function depth({ params, markets, isStale }: Call): object | ExchangeError {
  const market = markets.get(params.get('symbol') ?? '');
  if (!market) return ERRORS.badSymbol;
  const levels = Math.min(DEPTH_LEVELS_MAX, Math.max(1, Number(params.get('limit')) || DEPTH_LEVELS_USUAL));
  const side = (name: Side) =>
    market.levels(name, levels).map(({ price, quantity }) => [formatDecimal(price), formatDecimal(quantity)]);
  return { lastUpdateId: market.version() - (isStale ? STALE_VERSIONS : 0), bids: side('BUY'), asks: side('SELL') };
}

export function klines({ params, markets, nowMs }: Call): object | ExchangeError {
  const market = markets.get(params.get('symbol') ?? '');
  if (!market) return ERRORS.badSymbol;
  const interval = INTERVALS[params.get('interval') ?? ''];
  if (!interval) return ERRORS.paramError;
  const limit = Math.min(KLINES_MAX, Math.max(1, Number(params.get('limit')) || KLINES_MAX));
  const toMs = Math.min(nowMs, Number(params.get('endTime')) || nowMs);
  const fromMs = Number(params.get('startTime')) || 0;
  return market
    .candles(interval, { fromMs, toMs, limit })
    .map((candle) => [
      candle.openMs,
      ...[candle.open, candle.high, candle.low, candle.close, candle.volume].map(formatDecimal),
      interval.endOf(candle.openMs),
      formatDecimal(candle.quoteVolume),
    ]);
}

export function exchangeInfo({ params, markets, nowMs }: Call): object | ExchangeError {
  const wanted = (params.get('symbols') ?? params.get('symbol') ?? '').split(',').filter(Boolean);
  if (wanted.some((symbol) => !markets.has(symbol))) return ERRORS.badSymbol;
  const symbols = [...markets.values()]
    .filter(({ rules }) => wanted.length === 0 || wanted.includes(rules.symbol))
    .map(symbolInfo);
  return { timezone: 'CST', serverTime: nowMs, rateLimits: [], exchangeFilters: [], symbols };
}

function symbolInfo({ rules, isOpen, opensAtMs }: Market): object {
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
    isSpotTradingAllowed: isOpen(),
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
    ...(opensAtMs > 0 ? { firstOpenTime: opensAtMs } : {}),
  };
}
