import { randomBytes } from 'node:crypto';
import { ERRORS, type ExchangeError } from './errors.ts';

/** How long a key lives after it was made or last kept alive. */
const LIFE_MS = 60 * 60_000;
const KEYS_PER_ACCOUNT_MAX = 60;

/** The keys of private streams. `lifeMs` is for tests that have no hour. */
export function createListenKeys(now: () => number, lifeMs = LIFE_MS) {
  const keys = new Map<string, { readonly apiKey: string; expiresAtMs: number }>();

  const live = () => {
    for (const [key, { expiresAtMs }] of keys) if (expiresAtMs <= now()) keys.delete(key);
    return keys;
  };
  const own = (apiKey: string): string[] =>
    [...live()].filter(([, entry]) => entry.apiKey === apiKey).map(([key]) => key);

  return {
    create(apiKey: string): { listenKey: string } | ExchangeError {
      if (own(apiKey).length >= KEYS_PER_ACCOUNT_MAX) return ERRORS.tooManyListenKeys;
      const listenKey = randomBytes(32).toString('hex');
      keys.set(listenKey, { apiKey, expiresAtMs: now() + lifeMs });
      return { listenKey };
    },
    list: (apiKey: string): { listenKey: string[] } => ({ listenKey: own(apiKey) }),
    keepAlive(apiKey: string, listenKey: string): { listenKey: string } | ExchangeError {
      const entry = live().get(listenKey);
      if (entry?.apiKey !== apiKey) return ERRORS.unknownListenKey;
      entry.expiresAtMs = now() + lifeMs;
      return { listenKey };
    },
    remove(apiKey: string, listenKey: string): { listenKey: string } | ExchangeError {
      if (live().get(listenKey)?.apiKey !== apiKey) return ERRORS.unknownListenKey;
      keys.delete(listenKey);
      return { listenKey };
    },
    /** The account that a stream may tell of; undefined once the key has expired. */
    accountOf: (listenKey: string): string | undefined => live().get(listenKey)?.apiKey,
    /** Every key ends at once, as if its hour were over. */
    expireAll: (): void => keys.clear(),
  };
}
export type ListenKeys = ReturnType<typeof createListenKeys>;
