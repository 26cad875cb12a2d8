// The thread for large bodies, as the event loop sees it: a queue bounded by count and bytes, one comparison at a time
// with a deadline, a thread that is started when it is needed, started anew when it dies, and ended when it is idle.
import { Worker } from 'node:worker_threads';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { type DecodedBody, NotCompared } from './compare.ts';
import type { CompareReply, CompareRequest } from './compare-worker.ts';
import type { Difference } from './difference.ts';

export const COMPARE_THREAD_LIMITS = {
  /** Pairs that wait; more are dropped and counted. */
  countMax: 256,
  /** What their bodies may hold in memory. */
  bytesMax: 33_554_432,
  /** A comparison that takes longer never ends, for all that anybody knows. */
  deadlineMs: 10_000,
  /** An idle gateway has no thread. */
  idleMs: 10_000,
  /** Of the thread's own memory: documents as trees take a multiple of their text. */
  heapMbMax: 512,
  /** Configurations that one thread knows; a gateway that reads its file anew for ever must not fill it. */
  configsMax: 2_000,
} as const;

export interface CompareThread {
  /** Rejects with NotCompared when there is no room, or when the thread does not come to an end with it. */
  compare(pair: ComparePair): Promise<readonly Difference[]>;
  readonly isRunning: boolean;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Ends the thread; what waits is dropped. */
  close(): Promise<void>;
}

export interface ComparePair {
  readonly legacy: DecodedBody;
  readonly new: DecodedBody;
  readonly config: CompareConfig;
  readonly statusClass: number | undefined;
}

export interface CompareThreadDeps {
  readonly now: () => Date;
  /** The thread has computed for this long. */
  readonly spend: (milliseconds: number) => void;
  readonly raised: (operation: string, error: unknown) => void;
  readonly limits?: { readonly [name in keyof typeof COMPARE_THREAD_LIMITS]: number };
  /** The program of the thread. */
  readonly program?: URL;
}

interface Job {
  readonly pair: ComparePair;
  readonly bytes: number;
  readonly resolve: (differences: readonly Difference[]) => void;
  readonly reject: (error: NotCompared) => void;
}

/** A thread, and what it knows and does. */
interface Running {
  readonly worker: Worker;
  readonly configIds: Map<CompareConfig, number>;
  job: Job | undefined;
  timer: NodeJS.Timeout | undefined;
}

const PROGRAM = new URL('./compare-worker.ts', import.meta.url);

export function createCompareThread(deps: CompareThreadDeps): CompareThread {
  return new BoundedThread(deps);
}

class BoundedThread implements CompareThread {
  readonly #deps: CompareThreadDeps;
  readonly #limits: NonNullable<CompareThreadDeps['limits']>;
  readonly #queue: Job[] = [];
  #queuedBytes = 0;
  #running: Running | undefined;
  #closed = false;

  constructor(deps: CompareThreadDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? COMPARE_THREAD_LIMITS;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get waitingBytes(): number {
    return this.#queuedBytes;
  }

  compare(pair: ComparePair): Promise<readonly Difference[]> {
    const { countMax, bytesMax } = this.#limits;
    const bytes = pair.legacy.bytes.length + pair.new.bytes.length;
    const isFull = this.#queue.length >= countMax || this.#queuedBytes + bytes > bytesMax;
    if (this.#closed || isFull) return Promise.reject(new NotCompared('dropped', 'compare_queue'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ pair, bytes, resolve, reject });
      this.#queuedBytes += bytes;
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const ending = this.#running;
    const left = this.#queue.splice(0);
    if (ending?.job) left.unshift(ending.job);
    if (ending) rest(ending);
    this.#running = undefined;
    this.#queuedBytes = 0;
    for (const job of left) job.reject(new NotCompared('dropped', 'compare_queue'));
    await ending?.worker.terminate();
  }

  #next(): void {
    if (this.#closed || this.#running?.job) return;
    const job = this.#queue.shift();
    if (!job) {
      this.#wait();
      return;
    }
    this.#queuedBytes -= job.bytes;
    if (this.#running && this.#running.configIds.size >= this.#limits.configsMax) this.#stop(this.#running);
    this.#give(job, this.#running ?? this.#start());
  }

  #give(job: Job, to: Running): void {
    const { deadlineMs } = this.#limits;
    to.job = job;
    to.worker.ref();
    clearTimeout(to.timer);
    to.timer = setTimeout(() => this.#lose(to, new Error(`no answer after ${deadlineMs} ms`)), deadlineMs);
    const { request, transfer } = requestOf(job.pair, to.configIds, this.#deps.now().getTime());
    to.worker.postMessage(request, transfer);
  }

  #wait(): void {
    const idle = this.#running;
    if (idle) idle.timer = setTimeout(() => this.#stop(idle), this.#limits.idleMs).unref();
  }

  #start(): Running {
    const begun = begin(this.#deps.program ?? PROGRAM, this.#limits.heapMbMax, {
      reply: (reply) => this.#take(reply, begun),
      ended: (error) => this.#lose(begun, error),
    });
    this.#running = begun;
    return begun;
  }

  #take(reply: CompareReply, from: Running): void {
    const { job } = from;
    rest(from);
    this.#deps.spend(reply.spentMs);
    if ('differences' in reply) job?.resolve(reply.differences);
    else job?.reject(new NotCompared('incomparable', reply.incomparable));
    this.#next();
  }

  /** Whatever ended it, the pair it was at is told, and the next one gets a new thread. */
  #lose(lost: Running, error: Error): void {
    if (this.#running !== lost) return;
    const { job } = lost;
    this.#stop(lost);
    this.#deps.raised('compare thread', error);
    job?.reject(new NotCompared('incomparable', `the comparing thread was lost: ${error.message}`));
    this.#next();
  }

  #stop(running: Running): void {
    rest(running);
    if (this.#running === running) this.#running = undefined;
    void running.worker.terminate();
  }
}

interface ThreadEvents {
  reply(reply: CompareReply): void;
  ended(error: Error): void;
}

function begin(program: URL, heapMbMax: number, on: ThreadEvents): Running {
  const worker = new Worker(program, { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: heapMbMax } });
  worker.on('message', on.reply);
  worker.on('error', on.ended);
  worker.on('exit', (code) => on.ended(new Error(`exit code ${code}`)));
  return { worker, configIds: new Map(), job: undefined, timer: undefined };
}

/** It has no work: nothing of it keeps the process alive. */
function rest(at: Running): void {
  clearTimeout(at.timer);
  at.job = undefined;
  at.worker.unref();
}

/** The message, with bodies that are moved to the thread rather than copied by it. */
function requestOf(pair: ComparePair, configIds: Map<CompareConfig, number>, nowMs: number) {
  const known = configIds.get(pair.config);
  const configId = known ?? configIds.size;
  configIds.set(pair.config, configId);
  const [legacy, fresh] = [movable(pair.legacy), movable(pair.new)];
  const request: CompareRequest = {
    legacy: { bytes: legacy, contentType: pair.legacy.contentType },
    new: { bytes: fresh, contentType: pair.new.contentType },
    configId,
    config: known === undefined ? pair.config : undefined,
    statusClass: pair.statusClass,
    nowMs,
  };
  return { request, transfer: [legacy.buffer, fresh.buffer] };
}

/** Bytes that may leave this thread: a body that is still needed here, or shares its memory, is copied once. */
function movable({ bytes, isOurs }: DecodedBody): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (isOurs && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) return new Uint8Array(buffer);
  return Uint8Array.from(bytes);
}
