// The writes that legacy lacks, of this gateway and of those that share its ledger: told to the store every second, off
// the path of requests. What was counted since then a crash may lose.
import { randomUUID } from 'node:crypto';
import {
  type StoredWrites,
  WRITE_KEYS_MAX,
  type WriteBatch,
  type WriteBatchRoute,
  type WriteStore,
} from '../ledger/write-store.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { type Actor, type Changes, ControlError } from '../rollout/changes.ts';
import { createWriteTally, type WriteTally } from './write-tally.ts';

const FLUSH_INTERVAL_MS = 1_000;
/** How often what other gateways have counted is read. */
const SHARE_INTERVAL_MS = 5_000;

/** What a rollback of a route would leave on the new side only. */
export interface WritesLegacyLacks {
  readonly count: number;
  /** When the first of those that are listed was made, ISO 8601 in UTC; null for none. */
  readonly since: string | null;
  /** The number of the last write that was counted: what an acknowledgement names. */
  readonly upTo: number;
  /** The first and the latest, in their order. */
  readonly keys: readonly { readonly n: number; readonly at: string; readonly key: string }[];
}

export interface KeptWrites {
  /** Takes what is counted. */
  readonly tally: Pick<WriteTally, 'count' | 'add'>;
  of(route: string): WritesLegacyLacks;
  /** How many writes there are of all these routes together, and of each that has any. */
  total(routes: readonly string[]): { readonly count: number; readonly routes: Readonly<Record<string, number>> };
  /** Legacy has the route's writes up to this number. @throws {ControlError} invalid, not_stored */
  acknowledge(route: string, upTo: number, actor: Actor): Promise<void>;
  /** Why what is counted now would not survive a restart, or undefined. */
  problem(): string | undefined;
  /** Stores what is new, now. Never rejects. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface KeptWritesDeps {
  readonly store: WriteStore;
  readonly metrics: Pick<GatewayMetrics, 'writesLegacyLacks'>;
  readonly nowMs: () => number;
  /** Called once an outage. */
  readonly raised: (operation: string, error: unknown) => void;
  /** Durable changes; asked for when somebody acknowledges. */
  readonly changes: () => Pick<Changes, 'commit' | 'inTurn'>;
}

/** @throws when what is stored cannot be read. */
export async function openKeptWrites({ store, metrics, nowMs, raised, changes }: KeptWritesDeps): Promise<KeptWrites> {
  const source = randomUUID();
  const tally = createWriteTally();
  let sequence = 0;
  let stored = byRoute(await store.load());
  let unsent: WriteBatch | undefined; // Sent again as it is until the store has it; what is counted meanwhile waits.
  let problem: string | undefined;
  let readMs = nowMs();
  let turn: Promise<void> = Promise.resolve();

  async function exchange(): Promise<void> {
    if (!unsent) {
      const routes = tally.take();
      if (routes.length > 0) unsent = { source, sequence: ++sequence, routes };
    }
    if (!unsent && nowMs() - readMs < SHARE_INTERVAL_MS) return;
    if (unsent) await store.add(unsent);
    stored = byRoute(await store.load());
    unsent = undefined;
    readMs = nowMs();
    for (const route of stored.keys()) metrics.writesLegacyLacks.set({ route }, of(route).count);
  }

  async function attempt(): Promise<void> {
    try {
      await exchange();
      problem = undefined;
    } catch (error) {
      if (problem === undefined) raised('writes', error);
      problem = `writes that legacy lacks are not being stored: ${(error as Error).message}`;
    }
  }

  const flush = () => {
    turn = turn.then(attempt);
    return turn;
  };

  const of = (route: string) =>
    lacksOf(stored.get(route) ?? { route, written: 0, acknowledged: 0, keys: [] }, [
      ...(unsent?.routes ?? []),
      ...tally.peek(),
    ]);

  async function acknowledge(route: string, upTo: number, actor: Actor): Promise<void> {
    await flush();
    const before = of(route);
    if (upTo > before.upTo) {
      throw new ControlError('invalid', `${route} has had ${before.upTo} writes; "upTo" cannot be ${upTo}`);
    }
    const after = { count: before.upTo - upTo, upTo };
    const change = { scope: route, override: undefined, action: 'acknowledge_writes' } as const;
    // Audited first: what was acknowledged must not be without a trace of who did it.
    await changes().commit({ ...change, before: { count: before.count }, after }, actor);
    const done = turn.then(async () => {
      await store.acknowledge(route, upTo);
      stored = byRoute(await store.load());
    });
    turn = done.catch(() => {});
    try {
      await done;
    } catch (error) {
      throw new ControlError('not_stored', `the ledger cannot store it: ${(error as Error).message}`, { cause: error });
    }
  }

  const timer = repeat(flush);
  return {
    ...{ tally, of, flush },
    total(routes) {
      const lacking = routes.map((route) => [route, of(route).count] as const).filter(([, count]) => count > 0);
      const count = lacking.reduce((sum, [, each]) => sum + each, 0);
      return { count, routes: Object.fromEntries(lacking) };
    },
    acknowledge: async (route, upTo, actor) => changes().inTurn(() => acknowledge(route, upTo, actor)),
    problem: () => problem,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

function byRoute(writes: readonly StoredWrites[]): ReadonlyMap<string, StoredWrites> {
  return new Map(writes.map((each) => [each.route, each]));
}

/** What is stored of a route, and what has been counted since. */
function lacksOf(
  { route, written, acknowledged, keys }: StoredWrites,
  since: readonly WriteBatchRoute[],
): WritesLegacyLacks {
  let upTo = written;
  const all = [...keys];
  for (const more of since) {
    if (more.route !== route) continue;
    for (const key of more.keys) all.push({ ...key, n: upTo + key.n });
    upTo += more.count;
  }
  const isMany = all.length > 2 * WRITE_KEYS_MAX;
  const shown = isMany ? [...all.slice(0, WRITE_KEYS_MAX), ...all.slice(-WRITE_KEYS_MAX)] : all;
  const listed = shown.map(({ n, atMs, key }) => ({ n, at: new Date(atMs).toISOString(), key }));
  return { count: upTo - acknowledged, since: listed[0]?.at ?? null, upTo, keys: listed };
}

/** A slow store must not gather a queue of turns. */
function repeat(flush: () => Promise<void>): NodeJS.Timeout {
  let isFlushing = false;
  return setInterval(() => {
    if (isFlushing) return;
    isFlushing = true;
    void flush().then(() => {
      isFlushing = false;
    });
  }, FLUSH_INTERVAL_MS).unref();
}
