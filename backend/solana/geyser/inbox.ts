// Updates waiting to be handled, one after the other and in order. It is bounded by telling its source to stop for a while, so
// that nothing is dropped.
import { setTimeout as delay } from 'node:timers/promises';

/** A second of a busy chain. */
const WAITING_MAX = 2000;
const RETRY_MS = 250;

export type InboxHooks<T> = {
  /** Rejects when it could not; it is tried again until it could, and nothing else is handled before. */
  readonly handle: (item: T) => Promise<void>;
  readonly onFull: () => void;
  readonly onRoom: () => void;
  readonly raised: (operation: string, error: unknown) => void;
};

export type Inbox<T> = {
  readonly put: (item: T) => void;
  readonly size: () => number;
  /** Handles no more; what is under way is finished. */
  readonly close: () => Promise<void>;
};

export function createInbox<T>({ handle, onFull, onRoom, raised }: InboxHooks<T>, waitingMax = WAITING_MAX): Inbox<T> {
  let waiting: T[] = [];
  let isFull = false;
  let working: Promise<void> | undefined;
  const closing = new AbortController();

  async function handleUntilDone(item: T): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        return await handle(item);
      } catch (error) {
        raised('geyser.handle', error);
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  }

  async function work(): Promise<void> {
    while (waiting.length > 0 && !closing.signal.aborted) {
      const batch = waiting;
      waiting = [];
      for (const item of batch) await handleUntilDone(item);
      if (isFull && waiting.length < waitingMax) {
        isFull = false;
        onRoom();
      }
    }
    working = undefined;
  }

  return {
    put(item) {
      if (closing.signal.aborted) return;
      waiting.push(item);
      if (!isFull && waiting.length >= waitingMax) {
        isFull = true;
        onFull();
      }
      working ??= work();
    },
    size: () => waiting.length,
    async close() {
      closing.abort();
      await working;
    },
  };
}
