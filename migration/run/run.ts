// A run of a job: chunks are copied, changes received and applied, all at once, until it is told to end, is caught up, or is blocked.
// Spread over processes, each copies what the queue brings it, and the one that leads receives, applies and offers what is left.
import { setTimeout as delay } from 'node:timers/promises';
import { type Chunk, type LedgerJob, Superseded } from '../ledger/ledger.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { SlotHealth } from '../postgres/slot.ts';
import type { Lead } from '../spread/lead.ts';
import type { ChunkQueue } from '../spread/queue.ts';
import { applyReady, copyChunk, type Engine, isCaughtUp, receive } from './engine.ts';

/** Chunks read and written at once: one is read while the other's last writes are under way. */
const COPIERS = 2;
const EFFECTS_PER_BATCH = 1_000;
/** Changes kept in the ledger at most; then the receiver waits, and the source keeps its log. */
const PENDING_MAX = 5_000_000;
const APPLY_PAUSE_MS = 50;
const WATCH_INTERVAL_MS = 1_000;
const RECONNECT_PAUSE_MS = 1_000;
/** What got lost on its way is offered again after so long. */
const OFFER_INTERVAL_MS = 5_000;
/** Streams lost one after the other without anything received: about a minute. */
const RECONNECTS_MAX = 60;

export type Progress = {
  readonly job: LedgerJob;
  readonly slot: SlotHealth;
  /** Why copying waits; undefined while it does not. */
  readonly holding: string | undefined;
};

export type Outcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'caughtUp' }
  | { readonly kind: 'blocked'; readonly reason: string };

/** How the processes of one job share it. */
export type Spread = {
  /** Undefined when another process leads. */
  readonly tryLead: () => Promise<Lead | undefined>;
  readonly queue: ChunkQueue;
  /** Hears when the queue is away. */
  readonly onProblem: (error: unknown) => void;
};

export type RunOptions = {
  /** Ends the run, at the next step; what is under way is finished first. */
  readonly signal: AbortSignal;
  /** Whether to end when every chunk is written and all that had committed by then is applied. */
  readonly untilCaughtUp: boolean;
  /** Undefined when the slot is gone. */
  readonly slotHealth: () => Promise<SlotHealth | undefined>;
  readonly onProgress: (progress: Progress) => void;
  /** Hears of streams that were lost and are tried again. */
  readonly onReconnect: (error: unknown) => void;
  /** Undefined: this process does it all. */
  readonly spread?: Spread | undefined;
};

/** What the loops of one run share. */
class Run {
  readonly engine: Engine;
  readonly options: RunOptions;
  readonly #ending = new AbortController();
  holding: string | undefined;
  pending = 0;
  outcome: Outcome | undefined;

  constructor(engine: Engine, options: RunOptions) {
    this.engine = engine;
    this.options = options;
    options.signal.addEventListener('abort', () => this.end({ kind: 'stopped' }), { once: true });
    if (options.signal.aborted) this.end({ kind: 'stopped' });
  }

  get ended(): boolean {
    return this.#ending.signal.aborted;
  }
  get signal(): AbortSignal {
    return this.#ending.signal;
  }
  onEnd(listener: () => void): void {
    this.#ending.signal.addEventListener('abort', listener, { once: true });
  }
  end(outcome: Outcome): void {
    this.outcome ??= outcome;
    this.#ending.abort();
  }
  /** Waits, or less when the run ends. */
  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#ending.signal }).catch(() => {});
  }
  async block(reason: string): Promise<void> {
    await this.engine.ledger.setState(this.engine.job.name, 'blocked', reason);
    this.end({ kind: 'blocked', reason });
  }
}

/** Rejects when a part fails; running the job again goes on where it was. */
export async function runJob(engine: Engine, options: RunOptions): Promise<Outcome> {
  const run = new Run(engine, options);
  if (options.spread) return allOf(run, [watch(run), lead(run, options.spread), copyOffered(run, options.spread)]);
  const chunks = await left(run);
  const copying = Array.from({ length: COPIERS }, () => copy(run, chunks));
  return allOf(run, [follow(run), apply(run), watch(run), ...copying]);
}

/** Until all have ended; the first that fails ends the others. */
async function allOf(run: Run, parts: readonly Promise<void>[]): Promise<Outcome> {
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    parts.map((part) =>
      part.catch((error: unknown) => {
        failure ??= { error };
        run.end({ kind: 'stopped' });
      }),
    ),
  );
  if (failure) throw failure.error;
  return run.outcome ?? { kind: 'stopped' };
}

async function left({ engine }: Run): Promise<Chunk[]> {
  return shuffled((await engine.ledger.chunks(engine.job.name)).filter(({ done }) => !done));
}

/** Neighbouring rows share index keys and partitions: in key order they would heat one after the other. */
function shuffled(chunks: Chunk[]): Chunk[] {
  for (let i = chunks.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const [a, b] = [chunks[i], chunks[j]];
    if (a && b) [chunks[i], chunks[j]] = [b, a];
  }
  return chunks;
}

async function copy(run: Run, chunks: Chunk[]): Promise<void> {
  while (!run.ended) {
    if (run.holding !== undefined) {
      await run.pause(WATCH_INTERVAL_MS);
      continue;
    }
    const chunk = chunks.pop();
    if (!chunk) return;
    const { rest } = await copyChunk(run.engine, chunk.id);
    if (rest) chunks.push(rest);
  }
}

/** Copies what the queue brings. What it does not copy, since it ends or was superseded, is offered again or done by others. */
async function copyOffered(run: Run, { queue, onProblem }: Spread): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  async function copyOne(id: number): Promise<void> {
    while (run.holding !== undefined && !run.ended) await run.pause(WATCH_INTERVAL_MS);
    if (run.ended) return;
    try {
      const { rest } = await copyChunk(run.engine, id);
      if (rest) await queue.offer([rest.id]).catch(onProblem);
    } catch (error) {
      if (error instanceof Superseded) return;
      failure ??= { error };
      run.end({ kind: 'stopped' });
    }
  }
  const worker = queue.work(copyOne, { atOnce: COPIERS, onProblem });
  await new Promise<void>((resolve) => (run.ended ? resolve() : run.onEnd(resolve)));
  await worker.close();
  if (failure) throw failure.error;
}

/** Leads whenever no other process does. */
async function lead(run: Run, spread: Spread): Promise<void> {
  while (!run.ended) {
    const elected = await spread.tryLead();
    if (elected === undefined) {
      await run.pause(WATCH_INTERVAL_MS);
      continue;
    }
    const signal = AbortSignal.any([run.signal, elected.lost]);
    const leading = new Run(run.engine, { ...run.options, signal, untilCaughtUp: false, onProgress: () => {} });
    try {
      const parts = [follow(leading), apply(leading), watch(leading), offer(leading, spread)];
      const outcome = await allOf(leading, parts);
      if (outcome.kind === 'blocked') run.end(outcome);
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
    } finally {
      elected.release();
    }
  }
}

/** Offers what is left, again and again: a chunk whose delivery was lost comes back so. */
async function offer(run: Run, { queue, onProblem }: Spread): Promise<void> {
  while (!run.ended) {
    const ids = (await left(run)).map(({ id }) => id);
    if (ids.length === 0) return;
    await queue.offer(ids).catch(onProblem);
    await run.pause(OFFER_INTERVAL_MS);
  }
}

async function apply(run: Run): Promise<void> {
  while (!run.ended) {
    const taken = run.holding === PAUSED ? 0 : await applyReady(run.engine, EFFECTS_PER_BATCH);
    if (taken === 0) await run.pause(APPLY_PAUSE_MS);
  }
}

/** Receives for as long as the run lasts, over as many connections as that takes. */
async function follow(run: Run): Promise<void> {
  const { engine, options } = run;
  const { name } = engine.job;
  let lost = 0;
  let lastLsn: Lsn | undefined;
  const room = async () => {
    while (run.pending > PENDING_MAX && !run.ended) await run.pause(WATCH_INTERVAL_MS);
  };
  while (!run.ended) {
    try {
      const receiver = await engine.ledger.beginReceiving(name);
      const from = (await engine.ledger.job(name))?.spooledLsn;
      if (from === undefined) throw new Error(`the ledger has no job ${name}`);
      lost = from === lastLsn ? lost + 1 : 0;
      lastLsn = from;
      const stream = await engine.source.stream(from);
      run.onEnd(() => void stream.close());
      if (run.ended) await stream.close();
      try {
        const reason = await receive(engine, receiver, stream, room);
        if (!run.ended) await run.block(reason);
      } finally {
        await stream.close();
      }
    } catch (error) {
      if (run.ended) return;
      if (lost >= RECONNECTS_MAX) throw error;
      options.onReconnect(error);
      await run.pause(RECONNECT_PAUSE_MS);
    }
  }
}

const PAUSED = 'paused by an operator';

/** Looks at the slot and at what operators want, reports, and notices when the job is caught up. */
async function watch(run: Run): Promise<void> {
  const { engine, options } = run;
  let copiedAt: Lsn | undefined;
  while (!run.ended) {
    const [job, slot] = await Promise.all([engine.ledger.job(engine.job.name), options.slotHealth()]);
    if (!job) throw new Error(`the ledger has no job ${engine.job.name}`);
    if (slot === undefined || slot.walStatus === 'lost')
      return run.block('the replication slot is lost, and changes with it: plan the job anew');
    if (job.state === 'blocked') return run.end({ kind: 'blocked', reason: job.reason ?? 'it is not known why' });
    run.pending = job.pending;
    run.holding = holdingOf(job, slot);
    options.onProgress({ job, slot, holding: run.holding });
    if (options.untilCaughtUp && job.chunks.done === job.chunks.total) {
      copiedAt ??= await engine.source.position();
      if (await isCaughtUp(engine, copiedAt)) run.end({ kind: 'caughtUp' });
    }
    await run.pause(WATCH_INTERVAL_MS);
  }
}

function holdingOf(job: LedgerJob, slot: SlotHealth): string | undefined {
  if (job.paused) return PAUSED;
  if (slot.walStatus === 'unreserved') return "the source is about to drop the slot's log: receiving comes first";
  return undefined;
}
