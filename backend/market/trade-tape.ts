// The latest trades of one symbol: the last price, and what was traded within the last minute. Each trade counts once,
// however often it is told.
import { add, type Decimal, divide, multiply, PRICE_SCALE, subtract, ZERO } from '../domain/money.ts';
import type { Trade } from '../exchange/market-feed.ts';

const WINDOW_MS = 60_000;
/** A busy minute; beyond it the oldest count as gone. */
const TRADES_MAX = 10_000;

export type TradeTape = {
  /** Those that were not known yet. */
  readonly add: (trades: readonly Trade[]) => readonly Trade[];
  readonly last: () => Trade | undefined;
  /** Volume-weighted average price of the last minute; undefined when nobody traded. */
  readonly vwap: (nowMs: number) => Decimal | undefined;
  /** Traded in the last minute, in the base asset, and how many trades. */
  readonly volume: (nowMs: number) => { readonly quantity: Decimal; readonly count: number };
};

export function createTradeTape(): TradeTape {
  const trades = new Map<string, Trade>(); // In the order of telling.
  let [quantity, quote] = [ZERO, ZERO];
  let last: Trade | undefined;

  function forget(id: string, trade: Trade): void {
    trades.delete(id);
    quantity = subtract(quantity, trade.quantity);
    quote = subtract(quote, multiply(trade.quantity, trade.price));
  }

  function forgetBefore(timeMs: number): void {
    for (const [id, trade] of trades) {
      if (trade.timeMs > timeMs && trades.size <= TRADES_MAX) return;
      forget(id, trade);
    }
  }

  return {
    add(told) {
      const fresh = told.filter(({ id }) => !trades.has(id));
      for (const trade of fresh) {
        trades.set(trade.id, trade);
        quantity = add(quantity, trade.quantity);
        quote = add(quote, multiply(trade.quantity, trade.price));
        if (!last || trade.timeMs >= last.timeMs) last = trade;
      }
      if (last) forgetBefore(last.timeMs - WINDOW_MS);
      return fresh;
    },
    last: () => last,
    vwap(nowMs) {
      forgetBefore(nowMs - WINDOW_MS);
      return trades.size === 0 || quantity === ZERO ? undefined : divide(quote, quantity, PRICE_SCALE);
    },
    volume(nowMs) {
      forgetBefore(nowMs - WINDOW_MS);
      return { quantity, count: trades.size };
    },
  };
}
