// Pairs of ids that outlive the process: loaded from the ledger, stored in batches off the path of requests.
import type { IdStore } from './ledger/id-store.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createIdMap, type IdChange, type IdMap } from './mirror/id-map.ts';

/** What is learned in between is lost when the process is killed; it is learned again, or its follow-ups are not copied. */
const SAVE_INTERVAL_MS = 1_000;

/** While nothing can be stored, the oldest changes beyond this are given up. */
const UNSAVED_MAX = 100_000;

export interface KeptIds {
  readonly ids: IdMap;
  /** Tells of every pair that is learned or forgotten from now on. */
  onChange(listener: (change: IdChange) => void): void;
  /** Stores what is not stored yet. Never rejects. */
  close(): Promise<void>;
}

export interface KeptIdsDeps {
  /** Undefined: pairs live as long as the process. */
  readonly store: IdStore | undefined;
  readonly pairsMax: number;
  readonly metrics: GatewayMetrics;
  readonly raised: (operation: string, error: unknown) => void;
}

/** @throws when what is stored cannot be read. */
export async function openKeptIds({ store, pairsMax, metrics, raised }: KeptIdsDeps): Promise<KeptIds> {
  const listeners: ((change: IdChange) => void)[] = [];
  let unsaved = new Map<string, IdChange>(); // By pair, UNSAVED_MAX at most.
  let turn: Promise<void> = Promise.resolve();

  const ids = createIdMap({
    pairsMax,
    onChange(change, why) {
      metrics.idPairs.inc({ event: why });
      const [oldest] = unsaved.size >= UNSAVED_MAX ? unsaved.keys() : [];
      if (oldest !== undefined) unsaved.delete(oldest);
      if (store) unsaved.set(JSON.stringify(change.pair), change);
      for (const listener of listeners) listener(change);
    },
  });
  ids.apply(((await store?.load()) ?? []).map((pair) => ({ pair, kept: true })));

  async function save(): Promise<void> {
    if (!store || unsaved.size === 0) return;
    const batch = unsaved;
    unsaved = new Map();
    try {
      await store.save([...batch.values()], pairsMax);
    } catch (error) {
      raised('ids', error);
      unsaved = new Map([...batch, ...unsaved]); // What has changed since wins.
    }
  }

  const saveInTurn = () => {
    turn = turn.then(save);
    return turn;
  };
  const timer = setInterval(() => void saveInTurn(), SAVE_INTERVAL_MS).unref();
  return {
    ids,
    onChange: (listener) => void listeners.push(listener),
    async close() {
      clearInterval(timer);
      await saveInTurn();
    },
  };
}
