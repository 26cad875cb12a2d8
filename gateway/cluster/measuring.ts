// Asking the workers for their metrics.
import type { ToWorker } from './messages.ts';

/** How long a scrape waits for a worker; without an answer its last known metrics stand in. */
const MEASURE_TIMEOUT_MS = 500;

export interface Measuring {
  /** Asks them all; resolves when all have answered, or the time is up. */
  ask(workers: readonly ((message: ToWorker) => void)[]): Promise<void>;
  /** An answer has come; undefined when nobody had asked. */
  answered(request: number | undefined): void;
}

export function createMeasuring(): Measuring {
  const waiting = new Map<number, () => void>(); // One per scrape and worker, gone within the time limit.
  let lastRequest = 0;

  const askOne = (send: (message: ToWorker) => void) =>
    new Promise<void>((resolve) => {
      const request = ++lastRequest;
      const done = () => {
        clearTimeout(timer);
        waiting.delete(request);
        resolve();
      };
      const timer = setTimeout(done, MEASURE_TIMEOUT_MS);
      waiting.set(request, done);
      send({ kind: 'measure', request });
    });

  return {
    ask: async (workers) => void (await Promise.all(workers.map(askOne))),
    answered(request) {
      if (request !== undefined) waiting.get(request)?.();
    },
  };
}
