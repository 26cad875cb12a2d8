// Keeping a book equal to the exchange's: a snapshot, then deltas that join on, and starting over where they do not. The
// algorithm is the exchange's own ("how to manage a local order book", 2026), with what it leaves open made strict.
import type { Delta, Snapshot } from '../exchange/market-feed.ts';
import { createOrderBook, type OrderBook } from './order-book.ts';

/** Deltas kept while a snapshot is on its way: half a minute of the busiest book. */
const WAITING_MAX = 3000;

export type SyncState = 'down' | 'waiting' | 'live';

/** What came of a delta or a snapshot. After `resync` a snapshot is needed; `ignored` was told before. */
export type SyncOutcome = 'applied' | 'waiting' | 'ignored' | 'resync';

export type BookSync = {
  readonly book: OrderBook;
  readonly state: () => SyncState;
  /** The version of the book; 0 while it is not live. */
  readonly version: () => number;
  /** Deltas arrive from now on; a snapshot is needed. */
  readonly up: () => void;
  /** Deltas are lost from now on. */
  readonly down: () => void;
  readonly delta: (delta: Delta) => SyncOutcome;
  readonly snapshot: (snapshot: Snapshot) => SyncOutcome;
};

export function createBookSync(): BookSync {
  const book = createOrderBook();
  let state: SyncState = 'down';
  let version = 0;
  let waiting: Delta[] = [];

  function startOver(first?: Delta): SyncOutcome {
    state = 'waiting';
    version = 0;
    waiting = first ? [first] : [];
    return 'resync';
  }

  /** A delta onto the live book. One that begins before our version but ends after it may be applied: quantities are absolute. */
  function advance(delta: Delta): SyncOutcome {
    if (delta.to <= version) return 'ignored';
    if (delta.from > version + 1) return startOver(delta); // Something is missing, or comes later.
    if (!book.apply(delta) || book.isThin()) return startOver();
    version = delta.to;
    return 'applied';
  }

  return {
    book,
    state: () => state,
    version: () => version,
    up: () => void startOver(),
    down() {
      startOver();
      state = 'down';
    },
    delta(delta) {
      if (!(delta.from <= delta.to)) return state === 'down' ? 'ignored' : startOver(); // NaN fails here, too.
      switch (state) {
        case 'down':
          return 'ignored';
        case 'waiting':
          if (waiting.length >= WAITING_MAX) waiting = []; // Too old for any snapshot that still comes.
          waiting.push(delta);
          return 'waiting';
        case 'live':
          return advance(delta);
      }
    },
    snapshot(snapshot) {
      if (state !== 'waiting') return 'ignored';
      const deltas = waiting.sort((a, b) => a.from - b.from); // They may have come out of order.
      const first = deltas[0];
      if (first && snapshot.version < first.from - 1) return 'resync'; // Older than what we have of the stream.
      if (!book.load(snapshot)) return startOver();
      state = 'live';
      version = snapshot.version;
      waiting = [];
      for (const [index, delta] of deltas.entries()) {
        if (advance(delta) !== 'resync') continue;
        waiting = deltas.slice(index); // A hole: what lies beyond it can join a later snapshot.
        return 'resync';
      }
      return 'applied';
    },
  };
}
