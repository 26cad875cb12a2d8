// Work that waits for its turn, bounded by count and bytes. What does not fit is refused at once; nothing ever waits to
// be let in.

export type Refusal = 'queue_count' | 'queue_bytes';

export interface QueueLimits {
  readonly concurrency: number;
  /** How many of the running pieces may share one key, so that one slow route cannot hold all places. */
  readonly concurrencyPerKey: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

export interface Work {
  readonly key: string;
  /** How many of the running pieces may share its key, where that is not `concurrencyPerKey`. */
  readonly concurrencyMax?: number | undefined;
  /** What waiting costs in memory. */
  readonly bytes: number;
  run(): Promise<void>;
}

export interface WorkQueue {
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly running: number;
  /** Takes the work, or says why there is no room for it. Its `run` must not reject. */
  offer(work: Work): Refusal | undefined;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
  /** Forgets what waits, and answers it; what runs goes on. */
  clear(): readonly Work[];
}

export function createQueue(limits: QueueLimits): WorkQueue {
  const waiting: Work[] = [];
  const runningByKey = new Map<string, number>();
  let bytes = 0;
  let running = 0;
  const idleWaiters: (() => void)[] = [];

  const canRun = ({ key, concurrencyMax = limits.concurrencyPerKey }: Work) =>
    running < limits.concurrency && (runningByKey.get(key) ?? 0) < concurrencyMax;

  function start(work: Work): void {
    running++;
    runningByKey.set(work.key, (runningByKey.get(work.key) ?? 0) + 1);
    void work.run().finally(() => {
      running--;
      const left = (runningByKey.get(work.key) ?? 1) - 1;
      if (left > 0) runningByKey.set(work.key, left);
      else runningByKey.delete(work.key);
      next();
    });
  }

  function next(): void {
    while (running < limits.concurrency) {
      const index = waiting.findIndex(canRun);
      if (index < 0) break;
      const [work] = waiting.splice(index, 1);
      if (!work) break;
      bytes -= work.bytes;
      start(work);
    }
    if (running === 0 && waiting.length === 0) {
      for (const done of idleWaiters.splice(0)) done();
    }
  }

  return {
    get waiting() {
      return waiting.length;
    },
    get waitingBytes() {
      return bytes;
    },
    get running() {
      return running;
    },
    offer(work) {
      if (canRun(work)) {
        start(work);
        return undefined;
      }
      if (waiting.length >= limits.countMax) return 'queue_count';
      if (bytes + work.bytes > limits.bytesMax) return 'queue_bytes';
      waiting.push(work);
      bytes += work.bytes;
      return undefined;
    },
    async idle() {
      if (running === 0 && waiting.length === 0) return;
      await new Promise<void>((done) => idleWaiters.push(done));
    },
    clear() {
      const forgotten = waiting.splice(0);
      bytes = 0;
      next();
      return forgotten;
    },
  };
}
