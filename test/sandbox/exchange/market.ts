import { cut, type Decimal, decimal, divide, multiply, roundTo } from '../decimal.ts';
import type { SimulatedSymbol } from '../symbols.ts';
import { type Candle, createCandles } from './candles.ts';
import type { Interval } from './intervals.ts';
import { createMatchingBook, type Fill, type Resting } from './matching.ts';
import type { ExchangeOrder, Side } from './order.ts';

/** Levels of the ladder that the house shows on each side. */
const HOUSE_LEVELS = 20;
/** The first version of a book: beyond 32 bits, as real ones are. */
const FIRST_VERSION = 43_296_363_000;
/** How far from the last price a newly listed symbol's orders may be. */
const BAND = decimal('5');

export interface Deal {
  readonly id: string;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly takerSide: Side;
  readonly timeMs: number;
}

/** What whoever follows a market hears. Each level change has a version of its own, counting by one. */
export interface MarketListener {
  onLevel(change: {
    readonly side: Side;
    readonly price: Decimal;
    readonly quantity: Decimal;
    readonly version: number;
  }): void;
  onDeal(deal: Deal): void;
}

/**
 * One symbol. With the house on, anybody can trade any amount at the one last price, so that what an order does never
 * depends on timing; with it off, orders meet each other by price and time.
 */
export interface Market {
  readonly rules: SimulatedSymbol;
  lastPrice(): Decimal;
  version(): number;
  levels(side: Side, count: number): readonly Fill[];
  candles(interval: Interval, range: { fromMs: number; toMs: number; limit: number }): readonly Candle[];
  /** Fills what crosses, of a house's fill only `share` (0..1). Resting the rest is the caller's. */
  match(order: ExchangeOrder, share: Decimal): readonly Fill[];
  /** Whether an order would take at once. */
  wouldTake(side: Side, price: Decimal): boolean;
  /** Whether a FILL_OR_KILL order can be filled whole. */
  canFill(order: ExchangeOrder): boolean;
  rest(order: Resting): void;
  remove(id: string): void;
  /** Moves the house's price; resting orders that it crosses fill at their own limit. */
  setPrice(price: Decimal): void;
  /** The house leaves; from now on orders meet each other. */
  dismissHouse(): void;
  /** Answers how to stop listening. */
  follow(listener: MarketListener): () => void;
  /** Whether orders are taken yet, and the band they must be in, of a symbol that is being listed. */
  isOpen(): boolean;
  isInBand(side: Side, price: Decimal): boolean;
  opensAtMs: number;
}

export function createMarket(rules: SimulatedSymbol, now: () => number): Market {
  const listeners = new Set<MarketListener>();
  const candles = createCandles(decimal(rules.price), now());
  const tick = 10n ** BigInt(18 - rules.pricePlaces);
  let last = decimal(rules.price);
  let version = FIRST_VERSION;
  let hasHouse = true;
  let deals = 0;

  const tell = (side: Side, price: Decimal, quantity: Decimal): void => {
    version += 1;
    for (const listener of listeners) listener.onLevel({ side, price, quantity, version });
  };
  // What rests behind the house is not shown: its ladder is.
  const book = createMatchingBook((side, price, quantity) => !hasHouse && tell(side, price, quantity));

  const ladder = (side: Side): Fill[] =>
    Array.from({ length: HOUSE_LEVELS }, (_, i) => ({
      price: last + (side === 'BUY' ? -tick : tick) * BigInt(i),
      quantity: decimal(String((i + 1) * 100)),
    })).filter(({ price }) => price > 0n);

  const retell = (before: readonly Fill[], after: readonly Fill[], side: Side): void => {
    const kept = new Map(after.map(({ price, quantity }) => [price, quantity]));
    for (const { price } of before) if (!kept.has(price)) tell(side, price, 0n);
    for (const { price, quantity } of after) tell(side, price, quantity);
  };

  const dealt = ({ price, quantity }: Fill, takerSide: Side): void => {
    last = hasHouse ? last : price;
    deals += 1;
    const deal = { id: String(deals), price, quantity, takerSide, timeMs: now() };
    candles.add(deal);
    for (const listener of listeners) listener.onDeal(deal);
  };

  const crossesHouse = (side: Side, price: Decimal): boolean =>
    price === 0n || (side === 'BUY' ? price >= last : price <= last);
  const houseFills = (order: ExchangeOrder, share: Decimal): readonly Fill[] => {
    const quantity = roundTo(multiply(order.quantity, share), rules.quantityPlaces);
    return crossesHouse(order.side, order.price) && quantity > 0n ? [{ price: last, quantity }] : [];
  };
  const limitOf = ({ price }: ExchangeOrder): Decimal | undefined => price || undefined;

  /** How much more the order may take at a price: what is left of it, or of the money it may spend. */
  const wantedBy = (order: ExchangeOrder) => (price: Decimal, soFar: readonly Fill[]) => {
    if (order.quoteQuantity === 0n) return soFar.reduce((left, fill) => left - fill.quantity, order.quantity);
    const spent = soFar.reduce((sum, fill) => sum + multiply(fill.quantity, fill.price), 0n);
    return cut(divide(order.quoteQuantity - spent, price), rules.quantityPlaces);
  };

  const market: Market = {
    rules,
    opensAtMs: 0,
    lastPrice: () => last,
    version: () => version,
    levels: (side, count) => (hasHouse ? ladder(side).slice(0, count) : book.levels(side, count)),
    candles: candles.list,
    match(order, share) {
      const fills = hasHouse ? houseFills(order, share) : book.take(order.side, limitOf(order), wantedBy(order));
      for (const fill of fills) dealt(fill, order.side);
      return fills;
    },
    wouldTake: (side, price) => (hasHouse ? crossesHouse(side, price) : book.available(side, price) > 0n),
    canFill: (order) => hasHouse || book.available(order.side, limitOf(order)) >= order.quantity,
    rest: book.rest,
    remove: book.remove,
    setPrice(price) {
      const before = { BUY: ladder('BUY'), SELL: ladder('SELL') };
      last = price;
      for (const side of ['BUY', 'SELL'] as const) {
        if (hasHouse) retell(before[side], ladder(side), side);
        // The house takes from whoever rests at this price or a better one.
        const taker = side === 'BUY' ? 'SELL' : 'BUY';
        if (hasHouse) book.take(taker, price, () => book.available(taker, price));
      }
      // A last price is one that somebody paid, so that the streams tell it too.
      dealt({ price, quantity: decimal(rules.quantityMin) }, 'BUY');
    },
    dismissHouse() {
      if (!hasHouse) return;
      hasHouse = false;
      for (const side of ['BUY', 'SELL'] as const)
        retell(ladder(side), book.levels(side, Number.MAX_SAFE_INTEGER), side);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isOpen: () => now() >= market.opensAtMs,
    isInBand(side, price) {
      if (market.opensAtMs === 0 || price === 0n) return true;
      return side === 'BUY' ? price <= multiply(last, BAND) : multiply(price, BAND) >= last;
    },
  };
  return market;
}
