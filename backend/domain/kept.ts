// Answers kept for a while, by key: what is fresh is given at once, and callers that come while one is asked for share it.
import type { Clock } from './ids.ts';

export type Kept<T> = {
  /** The kept answer when it is fresh, else undefined; synchronous, for the hot path. */
  readonly fresh: (key: string) => T | undefined;
  /** The fresh answer, else a stale one while it is asked for anew, else what asking answers. Rejects only if `load` does. */
  readonly ask: (key: string) => Promise<T>;
};

export type KeptOptions<T> = {
  readonly load: (key: string) => Promise<T>;
  readonly now: Clock;
  readonly freshMs: number;
  /** Age up to which an answer is still given while a newer one is asked for; absent: as `freshMs`, so none is. */
  readonly staleMs?: number;
  /** Keys remembered; the one asked for longest ago goes first. Keys that mean nothing cost a place too. */
  readonly keysMax: number;
  readonly isWorthKeeping: (answer: T) => boolean;
  /** When an answer was made, for those that were not made here and now. */
  readonly madeAtMs?: (answer: T) => number;
};

export function createKept<T>(options: KeptOptions<T>): Kept<T> {
  const { load, now, freshMs, staleMs = freshMs, keysMax, isWorthKeeping, madeAtMs = now } = options;
  const entries = new Map<string, { readonly answer: T; readonly atMs: number }>();
  const asking = new Map<string, Promise<T>>();

  function keep(key: string, answer: T): void {
    if (!isWorthKeeping(answer)) return;
    entries.delete(key); // Re-inserting makes the map's order the order of asking.
    const oldest = entries.size >= keysMax ? entries.keys().next().value : undefined;
    if (oldest !== undefined) entries.delete(oldest);
    entries.set(key, { answer, atMs: madeAtMs(answer) });
  }

  async function loadOnce(key: string): Promise<T> {
    try {
      const answer = await load(key);
      keep(key, answer);
      return answer;
    } finally {
      asking.delete(key);
    }
  }

  function shared(key: string): Promise<T> {
    const present = asking.get(key);
    if (present) return present;
    const own = loadOnce(key);
    if (asking.size < keysMax) asking.set(key, own);
    return own;
  }

  function youngerThan(key: string, ageMs: number): T | undefined {
    const entry = entries.get(key);
    return entry && now() - entry.atMs < ageMs ? entry.answer : undefined;
  }

  return {
    fresh: (key) => youngerThan(key, freshMs),
    async ask(key) {
      const fresh = youngerThan(key, freshMs);
      if (fresh !== undefined) return fresh;
      const asked = shared(key);
      const stale = youngerThan(key, staleMs);
      if (stale === undefined) return asked;
      asked.catch(() => {}); // Nobody waits for it; the next caller sees what came of it.
      return stale;
    },
  };
}
