// Waiting, but not for ever.
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when the work is done, or after so long; then it goes on by itself. Rejects only with it. */
export async function waitAtMost(ms: number, work: Promise<void>): Promise<void> {
  const cancel = new AbortController();
  const patience = delay(ms, undefined, { signal: cancel.signal }).catch(() => {}); // Cancelled: nobody waits any more.
  try {
    await Promise.race([work, patience]);
  } finally {
    cancel.abort();
  }
}
