// Waiting for something to become true, for so long.
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** @throws TimedOut, naming `what`, after `ms`; an AbortError when `signal` says so */
export async function waitFor(
  condition: () => Promise<boolean>,
  what: string,
  { ms, signal }: { ms: number; signal: AbortSignal },
): Promise<void> {
  const untilMs = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() >= untilMs) throw new TimedOut(`in ${ms / 1000} s it did not come about that ${what}`);
    await delay(POLL_MS, undefined, { signal });
  }
}
