// Asks again and again: in even steps while it works, in growing ones while it does not, and it never gives up.

/** Soon enough that a server that is back is not waited for, seldom enough that one that is ill is left alone. */
const BACKOFF_MS_MAX = 10_000;

export interface PollDeps {
  /** Rejects when it did not work. */
  readonly ask: () => Promise<void>;
  readonly intervalMs: number;
  readonly backoffMsMax?: number;
}

export interface Poll {
  /** Resolves when the first answer is there, or has failed. */
  readonly first: Promise<void>;
  /** Asks at once, instead of when it would be time. */
  hurry(): void;
  close(): void;
}

export function startPoll({ ask, intervalMs, backoffMsMax = BACKOFF_MS_MAX }: PollDeps): Poll {
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;
  let isHurried = false;
  let isClosed = false;

  async function run(): Promise<void> {
    isAsking = true;
    isHurried = false;
    try {
      await ask();
      failures = 0;
    } catch {
      failures++; // Whoever asks tells of it.
    }
    isAsking = false;
    if (isClosed) return;
    timer = setTimeout(() => void run(), isHurried ? 0 : waitMs(failures, intervalMs, backoffMsMax));
    timer.unref();
  }

  return {
    first: run(),
    hurry() {
      isHurried = true;
      if (isAsking || isClosed) return;
      clearTimeout(timer);
      void run();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** The wait after so many failures in a row; spread, so that a fleet does not ask a server that comes back all at once. */
export function waitMs(failures: number, intervalMs: number, backoffMsMax: number, random = Math.random()): number {
  if (failures === 0) return intervalMs;
  const longest = Math.max(intervalMs, Math.min(backoffMsMax, intervalMs * 2 ** failures));
  return longest * (0.5 + random / 2);
}
