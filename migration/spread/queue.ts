// The delivery of chunk ids to the processes of a job, by BullMQ. Nothing depends on it but who does what: the ledger says which
// chunks are left, a lost or doubled delivery is harmless, and what Redis forgot is offered again.
import { Queue, Worker } from 'bullmq';

const PREFIX = 'banyan';
/** A process that was killed loses its chunk after so long; in a live one it is renewed. */
const LOCK_MS = 10_000;
const STALLED_INTERVAL_MS = 5_000;
/** A chunk may outlive any number of its processes. */
const STALLED_MAX = 1_000_000;
/** Ids of one call. */
const OFFER_MAX = 1_000;

export type ChunkQueue = {
  /** Ids that are in the queue or under way already are passed over. */
  readonly offer: (ids: readonly number[]) => Promise<void>;
  /** `copy` for each id that comes, `atOnce` at a time, until closed. `onProblem` hears when Redis is away. */
  readonly work: (
    copy: (id: number) => Promise<void>,
    options: { readonly atOnce: number; readonly onProblem: (error: unknown) => void },
  ) => { readonly close: () => Promise<void> };
  readonly close: () => Promise<void>;
};

/** `name` tells jobs and their plans apart. */
export function openChunkQueue(url: string, name: string): ChunkQueue {
  // Offering fails at once when Redis is away, and is done again; a worker waits.
  const queue = new Queue<{ id: number }>(name, { connection: { url, enableOfflineQueue: false }, prefix: PREFIX });
  queue.on('error', () => {}); // Whoever offers hears of it; workers have their own.
  return {
    async offer(ids) {
      const options = { removeOnComplete: true, removeOnFail: true };
      for (let at = 0; at < ids.length; at += OFFER_MAX) {
        const jobs = ids
          .slice(at, at + OFFER_MAX)
          .map((id) => ({ name: 'chunk', data: { id }, opts: { ...options, jobId: `chunk-${id}` } }));
        await queue.addBulk(jobs);
      }
    },
    work(copy, { atOnce, onProblem }) {
      const worker = new Worker<{ id: number }>(name, ({ data }) => copy(data.id), {
        connection: { url, maxRetriesPerRequest: null },
        prefix: PREFIX,
        concurrency: atOnce,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_INTERVAL_MS,
        maxStalledCount: STALLED_MAX,
      });
      worker.on('error', onProblem);
      return { close: () => worker.close() };
    },
    close: () => queue.close(),
  };
}
