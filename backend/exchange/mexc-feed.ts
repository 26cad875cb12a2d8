// MEXC as a market feed: pushes and answers in the words of market-feed.ts.
import { z } from 'zod';
import { parseDecimal } from '../domain/money.ts';
import type { Delta, Kline, KlinesResult, MarketFeed, MarketQueries, SnapshotResult, Trade } from './market-feed.ts';
import { amount, unknown } from './mexc-answers.ts';
import type { MexcMarket } from './mexc-market.ts';
import type { DepthPush, Push } from './mexc-push.ts';
import { dealsTopic, depthTopic, type MexcStreams } from './mexc-streams.ts';

const KLINES_MAX = 500;
const DEPTH_MAX = 5000;

/** Versions are text beyond 32 bits, and well within what a double holds exactly; one that is not is no version. */
function versionOf(text: string): number {
  const version = text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(version) ? version : Number.NaN;
}

export function deltaOf({ bids, asks, fromVersion, toVersion }: DepthPush): Delta {
  return { from: versionOf(fromVersion), to: versionOf(toVersion), bids, asks };
}

/** Trades that cannot be read are left out: nothing is computed from all of them. */
export function tradesOf(push: NonNullable<Push['publicAggreDeals']>): Trade[] {
  return push.deals.flatMap((deal) => {
    const [price, quantity] = [parseDecimal(deal.price), parseDecimal(deal.quantity)];
    if (price === undefined || quantity === undefined) return [];
    // The id came in 2026; before, and where it is absent, what is told of a trade must tell it from others.
    const id = deal.tradeId || `${deal.time} ${deal.price} ${deal.quantity} ${deal.tradeType}`;
    return [{ id, price, quantity, takerSide: deal.tradeType === 1 ? 'BUY' : 'SELL', timeMs: Number(deal.time) }];
  });
}

export function createMexcFeed(streams: MexcStreams): MarketFeed {
  return {
    book: (symbol, { onDelta, ...liveness }) =>
      streams.subscribe(depthTopic(symbol), {
        ...liveness,
        onPush: ({ publicAggreDepths }) => publicAggreDepths && onDelta(deltaOf(publicAggreDepths)),
      }),
    trades: (symbol, { onTrades, ...liveness }) =>
      streams.subscribe(dealsTopic(symbol), {
        ...liveness,
        onPush: ({ publicAggreDeals }) => publicAggreDeals && onTrades(tradesOf(publicAggreDeals)),
      }),
    close: streams.close,
  };
}

const level = z
  .tuple([z.string(), z.string()])
  .rest(z.unknown())
  .transform(([price, quantity]) => ({ price, quantity }));
const depth = z.object({ lastUpdateId: z.number().int(), bids: z.array(level), asks: z.array(level) });

const kline = z
  .tuple([z.number().int(), amount, amount, amount, amount, amount, z.number(), amount])
  .rest(z.unknown())
  .transform(([openMs, open, high, low, close, volume, , quoteVolume]): Kline => {
    return { openMs, open, high, low, close, volume, quoteVolume };
  });
const klineList = z.array(kline);

export function createMexcQueries(market: Pick<MexcMarket, 'ask'>): MarketQueries {
  return {
    async snapshot(symbol, levels): Promise<SnapshotResult> {
      const answer = await market.ask('GET depth', { symbol, limit: Math.min(levels, DEPTH_MAX) });
      if (answer.kind !== 'body') return answer;
      const parsed = depth.safeParse(answer.body).data;
      if (!parsed) return unknown('the book is not readable');
      return { kind: 'snapshot', snapshot: { version: parsed.lastUpdateId, bids: parsed.bids, asks: parsed.asks } };
    },
    async klines(symbol, interval, { fromMs, toMs, limit }): Promise<KlinesResult> {
      const range = { startTime: fromMs, endTime: toMs, limit: Math.min(limit, KLINES_MAX) };
      const answer = await market.ask('GET klines', { symbol, interval, ...range });
      if (answer.kind !== 'body') return answer;
      const parsed = klineList.safeParse(answer.body).data;
      return parsed ? { kind: 'klines', klines: parsed } : unknown('the klines are not readable');
    },
  };
}
