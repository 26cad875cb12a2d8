// One symbol followed: its book kept equal to the exchange's, its latest trades, and what of it is worth telling.
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../domain/ids.ts';
import type { Decimal } from '../domain/money.ts';
import { type Backoff, backoffMs } from '../exchange/backoff.ts';
import type { Delta, Levels, MarketFeed, MarketQueries, Trade } from '../exchange/market-feed.ts';
import { type BookMeasures, measuresOf } from './book-measures.ts';
import { createBookSync, type SyncOutcome } from './book-sync.ts';
import { bookEvents, type SignificantEvent, tradeEvents } from './significant.ts';
import { createTradeTape } from './trade-tape.ts';

/** As many as the exchange gives, as its documentation advises. */
const SNAPSHOT_LEVELS = 5000;
const SNAPSHOT_RETRY: Backoff = { firstMs: 100, mostMs: 30_000 };
/** A book that was right for this long is a sound one: its next start is the first. */
const STABLE_MS = 10_000;
/** Levels that measures are made of. */
const MEASURED_LEVELS = 10;
/** A jump is one of the middle against what it was this long ago; looks are taken at the rate of publishing. */
const LOOK_BACK_MS = 10_000;
const LOOKS_MAX = 200;

export type SymbolHooks = {
  /** Something changed; called for each push, so it must be cheap. */
  readonly onChange: (symbol: string) => void;
  /** The book starts over, and why: a gap, a lost connection, a snapshot that does not join on. */
  readonly onResync: (symbol: string, reason: 'gap' | 'up' | 'snapshot') => void;
};

/** A live symbol at one moment. */
export type MarketView = {
  readonly symbol: string;
  readonly version: number;
  readonly measures: BookMeasures;
  readonly last: Trade | undefined;
  /** Of the last minute. */
  readonly vwap: Decimal | undefined;
  readonly volume: Decimal;
  /** When the book last changed, ms. */
  readonly changedAtMs: number;
};

export type SymbolMarket = {
  /** Undefined while the book is not live or has an empty side. */
  readonly view: () => MarketView | undefined;
  /** The best levels and their version; undefined while the book is not live. */
  readonly depth: (count: number) => (Levels & { readonly version: number }) | undefined;
  /** The last trade; undefined when none was told yet or none is told now. */
  readonly last: () => Trade | undefined;
  /** What became significant since the last call. */
  readonly takeEvents: () => readonly SignificantEvent[];
  readonly close: () => void;
};

export type SymbolMarketDeps = {
  readonly feed: MarketFeed;
  readonly queries: Pick<MarketQueries, 'snapshot'>;
  readonly now: Clock;
  readonly hooks: SymbolHooks;
};

/** Asks for snapshots until one joins on. One request at a time, with backoff while they do not do, or not for long. */
function createResync(symbol: string, sync: ReturnType<typeof createBookSync>, deps: SymbolMarketDeps) {
  const closing = new AbortController();
  let isAsking = false;
  let failures = 0;
  let appliedAtMs = Number.NEGATIVE_INFINITY;

  async function run(): Promise<void> {
    // A book that breaks soon after each snapshot must not use up what all have for asking.
    if (performance.now() - appliedAtMs > STABLE_MS) failures = 0;
    for (; sync.state() === 'waiting' && !closing.signal.aborted; failures++) {
      if (failures > 0)
        await delay(backoffMs(SNAPSHOT_RETRY, failures), undefined, { signal: closing.signal }).catch(() => undefined);
      const result = await deps.queries.snapshot(symbol, SNAPSHOT_LEVELS);
      if (result.kind !== 'snapshot') continue;
      const outcome = sync.snapshot(result.snapshot);
      if (outcome === 'resync') deps.hooks.onResync(symbol, 'snapshot');
      if (outcome !== 'applied') continue;
      appliedAtMs = performance.now();
      deps.hooks.onChange(symbol);
    }
  }

  return {
    start(): void {
      if (isAsking) return;
      isAsking = true;
      void run().finally(() => {
        isAsking = false;
      });
    },
    stop: () => closing.abort(),
  };
}

/** Looks back for jumps, and remembers what was told. */
function createWatch() {
  const looks: { readonly atMs: number; readonly mid: Decimal }[] = [];
  let before: BookMeasures | undefined;
  return function look(after: BookMeasures, nowMs: number): SignificantEvent[] {
    while (looks[0] && (looks[0].atMs < nowMs - LOOK_BACK_MS || looks.length >= LOOKS_MAX)) looks.shift();
    const events = bookEvents(before, after, looks[0]?.mid);
    if (events.some(({ kind }) => kind === 'price_jump')) looks.length = 0; // Told once.
    looks.push({ atMs: nowMs, mid: after.mid });
    before = after;
    return events;
  };
}

/** Follows from now on until closed. Throws when the feed has no room for it. */
export function createSymbolMarket(symbol: string, deps: SymbolMarketDeps): SymbolMarket {
  const { feed, now, hooks } = deps;
  const sync = createBookSync();
  const tape = createTradeTape();
  const look = createWatch();
  const resync = createResync(symbol, sync, deps);
  let tradeNews: SignificantEvent[] = [];
  let hearsTrades = false;
  let changedAtMs = 0;

  function settled(outcome: SyncOutcome): void {
    if (outcome === 'applied') {
      changedAtMs = now();
      hooks.onChange(symbol);
    } else if (outcome === 'resync') {
      hooks.onResync(symbol, 'gap');
      resync.start();
    }
  }

  const stopBook = feed.book(symbol, {
    onUp() {
      sync.up();
      hooks.onResync(symbol, 'up');
      resync.start();
    },
    onDown: sync.down,
    onDelta: (delta: Delta) => settled(sync.delta(delta)),
  });
  const stopTrades = feed.trades(symbol, {
    onUp() {
      hearsTrades = true;
    },
    onDown() {
      hearsTrades = false;
    },
    onTrades(trades) {
      const before = tape.volume(now());
      const fresh = tape.add(trades);
      if (fresh.length === 0) return;
      if (tradeNews.length < LOOKS_MAX) tradeNews.push(...tradeEvents(fresh, before));
      hooks.onChange(symbol);
    },
  });

  function view(): MarketView | undefined {
    if (sync.state() !== 'live') return undefined;
    const measures = measuresOf(sync.book.levels(MEASURED_LEVELS));
    if (!measures) return undefined;
    const [nowMs, version] = [now(), sync.version()];
    const { quantity: volume } = tape.volume(nowMs);
    return { symbol, version, measures, last: tape.last(), vwap: tape.vwap(nowMs), volume, changedAtMs };
  }

  return {
    view,
    depth: (count) => (sync.state() === 'live' ? { ...sync.book.levels(count), version: sync.version() } : undefined),
    last: () => (hearsTrades ? tape.last() : undefined),
    takeEvents() {
      const taken = tradeNews;
      tradeNews = [];
      const current = view();
      return current ? [...taken, ...look(current.measures, now())] : taken;
    },
    close() {
      stopBook();
      stopTrades();
      resync.stop();
      sync.down();
    },
  };
}
