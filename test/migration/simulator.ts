// A deterministic simulator: the engine as it is, on a simulated source and target and a ledger in memory. A seed decides in which
// order everything happens: what the source does, which of the calls under way is answered next, when the process is killed,
// and when a write that outlived its process arrives. The same seed is the same run.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Item } from '../../backend/store/items.ts';
import type { Chunk, Ledger } from '../../migration/ledger/ledger.ts';
import { openSqliteLedger } from '../../migration/ledger/sqlite.ts';
import { applyReady, copyChunk, type Engine, isCaughtUp, receive } from '../../migration/run/engine.ts';
import { isTombstone, unmarked, versionIn } from '../../migration/run/marks.ts';
import type { ChangeStream, Delivery, SourceChange } from '../../migration/run/source.ts';
import { createRandom, type Random } from '../sandbox/seed/random.ts';
import { SIMULATED_JOB as JOB } from './simulated-job.ts';
import { createSimulatedSource, type SourceFaults } from './simulated-source.ts';

/** Faults put in on purpose; the run must then fail for some seed. */
export type Faults = SourceFaults & {
  /** The source hears that changes are safe as soon as they are received. */
  readonly ackOnReceive?: boolean;
  /** A deleted row's item is deleted, without a trace. */
  readonly noTombstone?: boolean;
  /** Writes ask no condition. */
  readonly unconditional?: boolean;
  /** A chunk that is read again is judged by its last snapshot. */
  readonly lastSnapshot?: boolean;
};

const STEPS = 160;
const STEPS_MAX = 20_000;
const CRASHES_MAX = 4;
const PLANNED_AT_MS = 1_700_000_000_000;
const CHUNK_ROWS_MAX = 3;

/** A call under way: its effect has not happened yet, and its caller waits. */
type Call = { readonly perform: () => unknown; readonly resolve: (value: never) => void; readonly isWrite: boolean };

class Simulation {
  readonly random: Random;
  readonly faults: Faults;
  readonly source: ReturnType<typeof createSimulatedSource>;
  readonly items = new Map<string, Item>();
  readonly ledger: Ledger;
  calls: Call[] = [];
  /** Writes of processes that are gone, still on their way. */
  ghosts: Call[] = [];
  confirmed: bigint;
  readonly #lastSnapshots = new Map<number, string>();

  constructor(seed: number, faults: Faults, ledger: Ledger) {
    this.random = createRandom(seed);
    this.faults = faults;
    this.source = createSimulatedSource(this.random, faults);
    this.ledger = ledger;
    this.confirmed = this.source.position();
  }

  call<T>(perform: () => T | Promise<T>, isWrite = false): Promise<T> {
    return new Promise((resolve) => this.calls.push({ perform, resolve: resolve as Call['resolve'], isWrite }));
  }

  put(item: Item): 'written' | 'kept' {
    const place = JSON.stringify([item.pk, item.sk]);
    const present = this.items.get(place);
    const [mine, theirs] = [BigInt(versionIn(item) ?? 0), present && BigInt(versionIn(present) ?? 0)];
    if (theirs !== undefined && theirs >= mine && !this.faults.unconditional) return 'kept';
    if (this.faults.noTombstone && isTombstone(item)) this.items.delete(place);
    else this.items.set(place, item);
    return 'written';
  }

  #stream(from: bigint): ChangeStream {
    let at = from > this.confirmed ? from : this.confirmed;
    let rest: SourceChange[] = []; // Of the transaction that is delivered in parts.
    const next = (): Delivery | undefined => {
      const transaction = this.source.log.find(({ lsn }) => lsn >= at);
      if (!transaction) return undefined;
      if (rest.length === 0) rest = [...transaction.changes];
      const changes = rest.splice(0, this.random.int(1, Math.max(1, rest.length)));
      if (rest.length > 0) return { changes, committed: 0, endLsn: undefined };
      at = transaction.lsn + 1n;
      if (this.faults.ackOnReceive) this.confirmed = at;
      return { changes, committed: changes.length, endLsn: at };
    };
    return {
      receive: async () => {
        for (;;) {
          const delivery = await this.call(next);
          if (delivery) return delivery;
        }
      },
      acknowledge: (lsn) => {
        if (lsn > this.confirmed) this.confirmed = lsn;
      },
      close: async () => {},
    };
  }

  /** Calls of the ledger are steps too, so that a kill can come before and after each. */
  #steppedLedger(): Ledger {
    const { ledger } = this;
    return {
      ...ledger,
      splitChunk: (...given) => this.call(() => ledger.splitChunk(...given)),
      beginChunk: (name, claim, snapshot) =>
        this.call(() => {
          this.#lastSnapshots.set(claim.id, snapshot);
          return ledger.beginChunk(name, claim, snapshot);
        }),
      finishChunk: (...given) => this.call(() => ledger.finishChunk(...given)),
      spool: (...given) => this.call(() => ledger.spool(...given)),
      settle: (...given) => this.call(() => ledger.settle(...given)),
      ready: (...given) => this.call(() => this.#ready(...given)),
    };
  }

  async #ready(name: string, limit: number) {
    const found = await this.ledger.ready(name, limit);
    if (!this.faults.lastSnapshot) return found;
    const chunks = await this.ledger.chunks(name);
    return found.map((effect) => {
      const chunk = chunks.find(({ upTo }) => upTo === null || (effect.key[0] ?? '') <= (upTo[0] ?? ''));
      return { ...effect, snapshot: (chunk && this.#lastSnapshots.get(chunk.id)) ?? effect.snapshot };
    });
  }

  engine(): Engine {
    return {
      job: JOB,
      ledger: this.#steppedLedger(),
      source: {
        readChunk: ({ after, upTo }, limit) => this.call(() => this.source.read(after, upTo, limit)),
        readRow: async () => undefined,
        stream: async (from) => this.#stream(from),
        position: async () => this.source.position(),
      },
      target: { put: (item) => this.call(() => this.put(item), true) },
      plannedAtMs: PLANNED_AT_MS,
      chunkRowsMax: CHUNK_ROWS_MAX,
      now: () => PLANNED_AT_MS,
    };
  }

  /** A process: what run.ts does, without its clocks. It ends by being abandoned. */
  async start(): Promise<void> {
    const engine = this.engine();
    const receiver = await this.ledger.beginReceiving(JOB.name);
    const chunks = (await this.ledger.chunks(JOB.name)).filter(({ done }) => !done);
    const from = (await this.ledger.job(JOB.name))?.spooledLsn ?? 0n;
    void receive(engine, receiver, await engine.source.stream(from), async () => {});
    void this.#apply(engine);
    for (let copier = 0; copier < 2; copier++) void this.#copy(engine, chunks);
  }

  async #copy(engine: Engine, chunks: Chunk[]): Promise<void> {
    for (;;) {
      const chunk = chunks.splice(this.random.int(0, Math.max(0, chunks.length - 1)), 1)[0];
      if (!chunk) return;
      const { rest } = await copyChunk(engine, chunk.id);
      if (rest) chunks.push(rest);
    }
  }

  async #apply(engine: Engine): Promise<void> {
    for (;;) await applyReady(engine, this.random.int(1, 4));
  }

  /** Answers one of the calls under way. */
  async answer(): Promise<void> {
    const call = this.calls.splice(this.random.int(0, this.calls.length - 1), 1)[0];
    if (!call) return;
    const value = await call.perform();
    call.resolve(value as never);
    await turn();
  }

  /** The process is gone; what it was writing may still arrive, or has arrived and nobody heard. */
  crash(): void {
    const writes = this.calls.filter(({ isWrite }) => isWrite);
    this.calls = [];
    for (const write of writes) if (this.random.chance(0.7)) this.ghosts.push(write);
  }

  landGhost(): void {
    const ghost = this.ghosts.splice(this.random.int(0, Math.max(0, this.ghosts.length - 1)), 1)[0];
    void ghost?.perform();
  }
}

/** One run. Throws what is wrong in the end; resolves when the target is the mapped source. */
export async function simulate(seed: number, faults: Faults = {}): Promise<void> {
  const ledger = await openSqliteLedger(':memory:');
  try {
    const simulation = new Simulation(seed, faults, ledger);
    const { random, source } = simulation;
    await ledger.begin({
      ...{ name: JOB.name, planHash: 'plan', key: JOB.key, startLsn: source.position() },
      upTos: [['d'], ['h'], null],
    });
    await simulation.start();
    let crashes = 0;
    for (let step = 0; step < STEPS; step++) {
      if (random.chance(0.4)) source.act();
      else if (random.chance(0.1)) simulation.landGhost();
      else if (crashes < CRASHES_MAX && random.chance(0.03)) {
        crashes += 1;
        simulation.crash();
        await simulation.start();
      } else await simulation.answer();
    }
    source.rest();
    for (let step = 0; !(await isCaughtUp({ job: JOB, ledger }, source.position() - 9n)); step++) {
      assert.ok(step < STEPS_MAX, 'the job does not catch up');
      if (random.chance(0.05)) simulation.landGhost();
      await simulation.answer();
    }
    simulation.crash();
    while (simulation.ghosts.length > 0) simulation.landGhost();
    await check(simulation);
  } finally {
    await ledger.close();
  }
}

async function check({ source, items, ledger }: Simulation): Promise<void> {
  const expected: Record<string, Item> = {};
  const dead: string[] = [];
  for (const row of source.rows.values()) {
    if (row.a === 'bad') dead.push(row.k ?? '');
    else {
      const item = JOB.toItem(row, PLANNED_AT_MS);
      expected[JSON.stringify([item.pk, item.sk])] = item;
    }
  }
  const live = [...items].filter(([, item]) => !isTombstone(item)).map(([place, item]) => [place, unmarked(item)]);
  assert.deepEqual(Object.fromEntries(live), expected);
  const letters = (await ledger.deadLetters(JOB.name, 100)).map(({ key }) => key[0]);
  assert.deepEqual(letters.sort(), dead.sort());
}
