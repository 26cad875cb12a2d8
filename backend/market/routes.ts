// The market's part of the API.
import type { Clock } from '../domain/ids.ts';
import type { PriceResult } from '../exchange/exchange.ts';
import { fail, json, type Route } from '../http.ts';
import type { Prices } from './prices.ts';

/** How much of something that is no symbol is repeated to whoever sent it. */
const SYMBOL_SHOWN_MAX = 32;
const SYMBOL = /^[A-Z0-9]{2,32}$/;

export function marketRoutes(route: Route, { prices, now }: { prices: Prices; now: Clock }): void {
  function answer(symbol: string, result: PriceResult): Response {
    if (result.kind === 'price') return json({ symbol, price: result.price, timestamp: now() });
    if (result.kind === 'rejected' && (result.reason === 'unknown_symbol' || result.reason === 'invalid_order')) {
      return fail('unknown_symbol', `unknown symbol: ${symbol}`);
    }
    return fail('exchange_refused', `no price from the exchange: ${result.detail}`);
  }

  route('GET', '/api/market/ticker/:symbol', function ticker(context) {
    const symbol = context.req.param('symbol') ?? '';
    if (!SYMBOL.test(symbol)) return fail('unknown_symbol', `unknown symbol: ${symbol.slice(0, SYMBOL_SHOWN_MAX)}`);
    const fresh = prices.fresh(symbol); // The usual case answers without a promise.
    return fresh ? answer(symbol, fresh) : prices.ask(symbol).then((result) => answer(symbol, result));
  });
}
