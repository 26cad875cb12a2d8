// The market told of on the bus at a steady rate, by one instance at a time; the others follow it too, and can take over.
import { channels, type HandedOverNewsroom } from '../bus/bus.ts';
import type { Clock } from '../domain/ids.ts';
import type { Decimal } from '../domain/money.ts';
import type { Holding } from '../lease/lease.ts';
import type { Metrics } from '../metrics.ts';
import type { MarketData } from './market-data.ts';
import type { MarketView } from './symbol-market.ts';

/** Each symbol is told of this often at most, with what it is at that moment: nobody reads faster. */
const PUBLISH_EVERY_MS = 100;

export type PublishingDeps = {
  readonly market: Pick<MarketData, 'symbols' | 'view' | 'takeChanged' | 'takeEvents'>;
  readonly bus: HandedOverNewsroom;
  readonly metrics: Pick<Metrics, 'marketPublished'>;
  readonly now: Clock;
};

/** What is published of a symbol, in the API's words. */
export function messageOf({ symbol, version, measures, last, vwap, volume, changedAtMs }: MarketView, nowMs: number) {
  const { bid, ask, spread, mid, microprice, imbalance } = measures;
  return {
    symbol,
    price: last?.price ?? mid,
    bid: bid.price,
    bid_quantity: bid.quantity,
    ask: ask.price,
    ask_quantity: ask.quantity,
    ...{ spread, mid, microprice, imbalance },
    vwap_1m: vwap ?? null,
    volume_1m: volume,
    version,
    changed_at: changedAtMs,
    timestamp: nowMs,
  };
}

/**
 * Tells of every symbol now and whenever it changes, until closed. What happened since whoever told before stopped is not told, and
 * nobody knows what that was: each channel leaves a number out, so that its readers see that there may have been something.
 */
export function startPublishing({ market, bus, metrics, now }: PublishingDeps): Holding {
  const toldPrices = new Map<string, Decimal>();
  for (const symbol of market.symbols()) {
    market.takeEvents(symbol);
    for (const channel of [channels.market, channels.price, channels.marketEvents]) bus.skip(channel(symbol));
  }

  function publish(symbols: readonly string[]): void {
    for (const symbol of symbols) {
      const view = market.view(symbol);
      if (!view) continue;
      metrics.marketPublished.inc();
      const message = messageOf(view, now());
      bus.tell(channels.market(symbol), 'market_update', message);
      if (toldPrices.get(symbol) !== message.price) {
        const { price, timestamp } = message;
        toldPrices.set(symbol, price);
        bus.tell(channels.price(symbol), 'price_update', { symbol, price, timestamp });
      }
      for (const event of market.takeEvents(symbol))
        bus.tell(channels.marketEvents(symbol), 'market_event', { symbol, ...event, timestamp: now() });
    }
  }
  market.takeChanged();
  publish(market.symbols());
  const publishing = setInterval(() => publish(market.takeChanged()), PUBLISH_EVERY_MS);
  publishing.unref();

  return {
    async close() {
      clearInterval(publishing);
    },
  };
}
