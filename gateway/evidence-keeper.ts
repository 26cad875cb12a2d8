// Keeps evidence beyond this process: tells a store every second what is new, off the path of requests, and begins with
// what the store has. While the store cannot be reached evidence goes on in memory, and is stored when it is back.
import { randomUUID } from 'node:crypto';
import { fromStored, toBatch } from './kept-evidence.ts';
import type { EvidenceBatch, EvidenceStore } from './ledger/evidence-store.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { EvidenceBook } from './mirror/evidence.ts';
import { SLICE_MS, SLICES_MAX } from './mirror/windows.ts';

/** What a crash may lose. */
const FLUSH_INTERVAL_MS = 1_000;
/** How often what other gateways have found is read, and what is too old forgotten. */
const SHARE_INTERVAL_MS = 5_000;
const PRUNE_INTERVAL_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;

export interface EvidenceKeeper {
  /** Why what is found now would not survive a restart, or undefined. */
  problem(): string | undefined;
  /** Stores what is new, now. Never rejects. */
  flush(): Promise<void>;
  /** Stores what is new and ends. */
  close(): Promise<void>;
}

export interface KeeperDeps {
  readonly evidence: EvidenceBook;
  readonly store: EvidenceStore;
  /** The configured routes; of others nothing is kept. */
  readonly routes: () => readonly string[];
  readonly sampleDays: number;
  readonly metrics: Pick<GatewayMetrics, 'evidenceStored'>;
  readonly now: () => Date;
  /** Called once an outage. */
  readonly raised: (operation: string, error: unknown) => void;
}

/** Restores what is kept, and keeps what is found from now on. @throws when the store cannot be read. */
export async function keepEvidence(deps: KeeperDeps): Promise<EvidenceKeeper> {
  const { evidence, store, metrics } = deps;
  const source = randomUUID();
  const nowMs = () => deps.now().getTime();
  let sequence = 0;
  let unsent: EvidenceBatch | undefined; // Sent again as it is until the store has it; what is found meanwhile waits.
  let problem: string | undefined;
  let sharedMs = nowMs();
  let prunedMs = 0;
  let turn: Promise<void> = Promise.resolve();

  const kept = await store.load();
  const configured = new Set(deps.routes());
  evidence.numberSamplesFrom(kept.samplesFrom);
  evidence.restore(kept.routes.filter(({ route }) => configured.has(route)).map(fromStored));
  metrics.evidenceStored.set(1);

  async function send(): Promise<void> {
    if (unsent) await store.add(unsent);
    const routes = evidence.take().map(toBatch);
    unsent = routes.length > 0 ? { source, sequence: ++sequence, routes } : undefined;
    if (unsent) await store.add(unsent);
    unsent = undefined;
  }

  async function tidy(): Promise<void> {
    const atMs = nowMs();
    if (atMs - sharedMs >= SHARE_INTERVAL_MS) {
      sharedMs = atMs;
      const known = new Set(deps.routes());
      evidence.restore((await store.changed()).filter(({ route }) => known.has(route)).map(fromStored));
    }
    if (atMs - prunedMs >= PRUNE_INTERVAL_MS) {
      prunedMs = atMs;
      await store.prune({
        routes: deps.routes(),
        slicesFromMs: atMs - SLICES_MAX * SLICE_MS,
        samplesFrom: new Date(atMs - deps.sampleDays * DAY_MS).toISOString(),
      });
    }
  }

  async function attempt(): Promise<void> {
    try {
      await send();
      await tidy();
      problem = undefined;
    } catch (error) {
      if (problem === undefined) deps.raised('evidence.store', error);
      problem = `what comparing finds cannot be stored and is kept in memory: ${(error as Error).message}`;
    }
    metrics.evidenceStored.set(problem === undefined ? 1 : 0);
  }

  const flush = () => {
    turn = turn.then(attempt);
    return turn;
  };
  let isFlushing = false;
  const timer = setInterval(() => {
    if (isFlushing) return; // A slow store must not gather a queue of turns.
    isFlushing = true;
    void flush().then(() => {
      isFlushing = false;
    });
  }, FLUSH_INTERVAL_MS).unref();

  return {
    problem: () => problem,
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
