// Trying again: throttling is waited out for as long as it takes, what is unclear only so often.
import { setTimeout as delay } from 'node:timers/promises';

const BACKOFF_BASE_MS = 50;
const BACKOFF_MAX_MS = 5_000;
/** About a minute of a target that fails or does not answer; then the job stops, and goes on when it is run again. */
const UNCLEAR_MAX = 15;

export type Patience = {
  readonly kindOf: (error: unknown) => 'throttled' | 'unclear' | 'refused';
  readonly onThrottled: (error: unknown) => void;
  readonly random: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
};

/** Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"). Rejects with the last error. */
export async function patiently<T>(call: () => Promise<T>, patience: Patience): Promise<T> {
  const { kindOf, onThrottled, random, pause = delay } = patience;
  let unclear = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const kind = kindOf(error);
      if (kind === 'throttled') onThrottled(error);
      else if (kind === 'refused' || ++unclear === UNCLEAR_MAX) throw error;
      await pause(random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 10)));
    }
  }
}
