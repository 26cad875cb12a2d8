// Remembering the nonces of dry runs, so that none is taken twice. In memory for one instance; redis-nonces.ts for several.
import { WINDOW_MS } from './header.ts';

/** `unavailable`: nobody can say, so the request must not be taken. */
export type NonceVerdict = 'fresh' | 'replayed' | 'unavailable';

/** The contract (test/contracts/nonces.ts): of all calls with one nonce, at every instance, one at most is `fresh`. Never rejects. */
export type Nonces = {
  readonly take: (nonce: string, timestampMs: number, nowMs: number) => Promise<NonceVerdict>;
  readonly close: () => Promise<void>;
};

/** A minute's nonces at 1,600 writes a second; some 20 MB when full. */
const NONCES_MAX = 100_000;

/**
 * Bounded: when it is full the oldest is forgotten, and from then on whatever was signed no later than that one counts as
 * replayed. So a full memory costs comparisons and never lets a nonce pass twice.
 */
export function createMemoryNonces(onEvict: () => void, countMax = NONCES_MAX): Nonces {
  const seen = new Map<string, number>(); // In the order in which they came.
  let forgottenUpToMs = 0;

  /** Drops from the front what no window reaches any more; what came late in an order of its own goes with its turn. */
  function prune(nowMs: number): void {
    for (const [nonce, timestampMs] of seen) {
      if (timestampMs + WINDOW_MS >= nowMs) return;
      seen.delete(nonce);
    }
  }

  function evictOldest(): void {
    const oldest = seen.entries().next().value;
    if (!oldest) return;
    seen.delete(oldest[0]);
    forgottenUpToMs = Math.max(forgottenUpToMs, oldest[1]);
    onEvict();
  }

  return {
    async take(nonce, timestampMs, nowMs) {
      prune(nowMs);
      if (timestampMs <= forgottenUpToMs || seen.has(nonce)) return 'replayed';
      if (seen.size >= countMax) evictOldest();
      seen.set(nonce, timestampMs);
      return 'fresh';
    },
    close: async () => {},
  };
}
