// That one instance does what only one should do: the port, and the lease of a process that is alone.
import { setTimeout as delay } from 'node:timers/promises';

/** Between two attempts to begin. */
const RETRY_MS = 1000;

export type Holding = { readonly close: () => Promise<void> };

/**
 * Begins the work when this instance is to do it, again when it could not begin, and closes it as soon as it no longer is to;
 * perhaps never, perhaps several times. Two instances may overlap for a moment, so that the work must stand it.
 */
export type Lease = (begin: () => Promise<Holding>) => Holding;

/** For a process that has nobody to share with. */
export const alone =
  (raised: (operation: string, error: unknown) => void): Lease =>
  (begin) => {
    const closing = new AbortController();
    async function beginUntilDone(): Promise<Holding | undefined> {
      while (!closing.signal.aborted) {
        try {
          return await begin();
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
      },
    };
  };
