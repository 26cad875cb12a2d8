// That one instance does what only one should do: the port, and the leases of a process that is alone. redis.ts is for several.
import { setTimeout as delay } from 'node:timers/promises';
import type { Fence } from '../bus/bus.ts';

/** Between two attempts to begin. */
const RETRY_MS = 1000;

export type Holding = { readonly close: () => Promise<void> };

/**
 * Begins the work when this instance is to do it, again when it could not begin, and closes it as soon as it no longer is to;
 * perhaps never, perhaps several times. Two instances may overlap for a moment: whoever is late is kept out by its fence, which
 * is undefined where there is nobody else.
 */
export type Lease = (begin: (fence: Fence | undefined) => Promise<Holding>) => Holding;

export type Leases = {
  /** Each name is held by one instance at a time. */
  readonly of: (name: string) => Lease;
  /** To be called when whatever was begun is closed. */
  readonly close: () => Promise<void>;
};

export type LeaseHooks = {
  readonly raised: (operation: string, error: unknown) => void;
  /** This instance has begun, or is not to go on. */
  readonly onHeld: (name: string, isHeld: boolean) => void;
};

/** For a process that has nobody to share with. */
export function createAloneLeases({ raised, onHeld }: LeaseHooks): Leases {
  const of =
    (name: string): Lease =>
    (begin) => {
      const closing = new AbortController();
      async function beginUntilDone(): Promise<Holding | undefined> {
        while (!closing.signal.aborted) {
          try {
            const holding = await begin(undefined);
            onHeld(name, true);
            return holding;
          } catch (error) {
            raised('lease.begin', error);
            await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
          }
        }
        return undefined;
      }
      const begun = beginUntilDone();
      return {
        async close() {
          closing.abort();
          await (await begun)?.close();
          onHeld(name, false);
        },
      };
    };
  return { of, close: async () => {} };
}
