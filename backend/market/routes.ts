// The market's part of the API.
import { z } from 'zod';
import type { Clock } from '../domain/ids.ts';
import { type Decimal, shown } from '../domain/money.ts';
import type { PriceResult, Rejection, Unknown } from '../exchange/exchange.ts';
import { gridOf, INTERVAL_NAMES, type Interval, isInterval } from '../exchange/intervals.ts';
import type { Kline, Level } from '../exchange/market-feed.ts';
import { fail, json, parse, type Route } from '../http.ts';
import { KLINES_MAX, type Klines } from './klines.ts';
import { DEPTH_LEVELS_MAX, type MarketData } from './market-data.ts';
import type { Prices } from './prices.ts';

/** How much of something that is no symbol is repeated to whoever sent it. */
const SYMBOL_SHOWN_MAX = 32;
const SYMBOL = /^[A-Z0-9]{2,32}$/;
const DEPTH_LEVELS_USUAL = 100;
/** The last millisecond that a date can have (ECMA-262 section 21.4.1.1). */
const TIME_MAX_MS = 8.64e15;

const whole = (name: string, max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, `${name} must be a whole number`)
    .transform(Number)
    .refine((n) => n <= max, `${name} is above ${max}`);
const positive = (name: string, max: number) => whole(name, max).refine((n) => n >= 1, `${name} is below 1`);
const depthQuery = z.object({ limit: positive('limit', DEPTH_LEVELS_MAX).default(DEPTH_LEVELS_USUAL) });
const klinesQuery = z.object({
  interval: z.string().default('1m').refine(isInterval, `interval must be one of ${INTERVAL_NAMES}`),
  start: whole('start', TIME_MAX_MS).optional(),
  end: whole('end', TIME_MAX_MS).optional(),
  limit: positive('limit', KLINES_MAX).default(DEPTH_LEVELS_USUAL),
});

/** Why there is no answer: the symbol's fault, or the exchange's. */
function failBy(symbol: string, what: string, result: Rejection | Unknown): never {
  if (result.kind === 'rejected' && (result.reason === 'unknown_symbol' || result.reason === 'invalid_order')) {
    return fail('unknown_symbol', `unknown symbol: ${symbol}`);
  }
  return fail('exchange_refused', `no ${what} from the exchange: ${result.detail}`);
}

const pair = ({ price, quantity }: Level) => [shown(price), shown(quantity)];

/** A candle as the API tells it. */
export function klineView(kline: Kline, interval: Interval) {
  const { openMs, open, high, low, close, volume, quoteVolume } = kline;
  const prices = { open, high, low, close };
  return {
    open_time: openMs,
    close_time: gridOf(interval).shifted(openMs, 1),
    ...prices,
    volume,
    quote_volume: quoteVolume,
  };
}

export type MarketRouteDeps = {
  readonly prices: Prices;
  readonly market: MarketData;
  readonly klines: Klines;
  readonly now: Clock;
};

export function marketRoutes(route: Route, { prices, market, klines, now }: MarketRouteDeps): void {
  function symbolOf(given: string | undefined): string {
    const symbol = given ?? '';
    return SYMBOL.test(symbol)
      ? symbol
      : fail('unknown_symbol', `unknown symbol: ${symbol.slice(0, SYMBOL_SHOWN_MAX)}`);
  }
  const ticker = (symbol: string, price: Decimal) => json({ symbol, price, timestamp: now() });
  function answer(symbol: string, result: PriceResult): Response {
    return result.kind === 'price' ? ticker(symbol, result.price) : failBy(symbol, 'price', result);
  }

  route('GET', '/api/market/ticker/:symbol', function lastPrice(context) {
    const symbol = symbolOf(context.req.param('symbol'));
    const followed = market.lastPrice(symbol);
    if (followed !== undefined) return ticker(symbol, followed);
    const fresh = prices.fresh(symbol); // The usual case answers without a promise.
    return fresh ? answer(symbol, fresh) : prices.ask(symbol).then((result) => answer(symbol, result));
  });

  route('GET', '/api/market/depth/:symbol', async function depth(context) {
    const symbol = symbolOf(context.req.param('symbol'));
    const { limit } = parse(depthQuery, context.req.query());
    const result = await market.depth(symbol, limit);
    if (result.kind !== 'depth') return failBy(symbol, 'book', result);
    const { version, bids, asks } = result.depth;
    return json({ symbol, version, bids: bids.map(pair), asks: asks.map(pair), timestamp: now() });
  });

  route('GET', '/api/market/klines/:symbol', async function candles(context) {
    const symbol = symbolOf(context.req.param('symbol'));
    const { interval, start, end, limit } = parse(klinesQuery, context.req.query());
    if (start !== undefined && end !== undefined && start > end) fail('invalid_request', 'start is after end');
    const result = await klines.query(symbol, interval, { fromMs: start, toMs: end, limit });
    if (result.kind !== 'klines') return failBy(symbol, 'klines', result);
    return json({ symbol, interval, klines: result.klines.map((kline) => klineView(kline, interval)) });
  });
}
