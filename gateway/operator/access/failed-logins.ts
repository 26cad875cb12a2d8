// Failed logins are counted, by address and all together, and refused for a while when there are too many.
import { RateLimiterMemory } from 'rate-limiter-flexible';

/** A person who mistypes does so less often. */
export const FAILURES_PER_ADDRESS = 10;
/** All addresses together. It also bounds how many are counted apart. */
export const FAILURES_MAX = 500;
const WINDOW_SECONDS = 60;
/** Addresses whose last login was good; an attack from many others must not lock them out. */
const PROVEN_MAX = 1_000;

export interface FailedLogins {
  /** How long an address has to wait before it may try again, right or wrong; undefined: not at all. */
  waitMs(address: string): Promise<number | undefined>;
  failed(address: string): Promise<void>;
  succeeded(address: string): void;
}

export function createFailedLogins(): FailedLogins {
  const byAddress = new RateLimiterMemory({ points: FAILURES_PER_ADDRESS, duration: WINDOW_SECONDS });
  const all = new RateLimiterMemory({ points: FAILURES_MAX, duration: WINDOW_SECONDS });
  const proven = new Set<string>(); // PROVEN_MAX at most, the latest last.

  async function left(limiter: RateLimiterMemory, key: string, points: number): Promise<number | undefined> {
    const counted = await limiter.get(key);
    return counted && counted.consumedPoints >= points ? Math.max(1, counted.msBeforeNext) : undefined;
  }

  return {
    async waitMs(address) {
      const own = await left(byAddress, address, FAILURES_PER_ADDRESS);
      return own ?? (proven.has(address) ? undefined : await left(all, ALL, FAILURES_MAX));
    },
    async failed(address) {
      proven.delete(address);
      await all.penalty(ALL);
      await byAddress.penalty(address);
    },
    succeeded(address) {
      if (proven.has(address)) return;
      const [oldest] = proven;
      if (proven.size >= PROVEN_MAX && oldest !== undefined) proven.delete(oldest);
      proven.add(address);
    },
  };
}

const ALL = 'all';
