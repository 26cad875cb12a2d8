// Working at targets: every instance has all that are armed in hand and looks at each when its time has come. What a look wants
// changed is stored on the version that it saw, so that of several instances one goes on and the others look again.
import type { OrderDeps } from '../orders/deps.ts';
import type { ItemKey } from '../store/item-table.ts';
import { SHARDS } from '../store/keys.ts';
import { isAtWork, type TargetRecord } from '../store/sniper-items.ts';
import type { Calendar } from './calendar.ts';
import type { Look, Memory } from './entry.ts';
import { announce } from './schemas.ts';

/** How often the table is searched for targets of other instances. */
const SEARCH_MS = 1000;
const PAGE = 100;
/** Targets in hand; others are worked at by other instances, or when there is room. */
const IN_HAND_MAX = 1000;
/** The next look after one that failed. */
const RETRY_MS = 250;
/** Changes of one look in a row: more is a mistake, which must not keep the process busy. */
const STEPS_MAX = 50;

type InHand = Memory & {
  readonly userId: string;
  readonly targetId: string;
  timer?: NodeJS.Timeout;
  isLooking?: boolean;
};

export type Sniper = {
  /** Takes the target in hand, and looks at it now. */
  readonly wake: (target: Pick<TargetRecord, 'user_id' | 'target_id'>) => void;
  /** Looks for targets, and once at each in hand. Never rejects. */
  readonly pass: () => Promise<void>;
  readonly start: () => void;
  /** Resolves when nothing is being done any more. */
  readonly stop: () => Promise<void>;
};

export type SniperDeps = Pick<OrderDeps, 'store' | 'bus' | 'metrics' | 'log'> & {
  readonly calendar: Pick<Calendar, 'markSniped'>;
  readonly entry: (target: TargetRecord, memory: Memory) => Promise<Look>;
  readonly exits: (target: TargetRecord) => Promise<Look>;
  /** Aborted by `stop`, for those that wait for a moment. */
  readonly stopping: AbortController;
};

/** Looks at a target until there is nothing to be done now. Answers when to look again, undefined: never. */
function createLook({ store, bus, metrics, log, calendar, entry, exits }: SniperDeps) {
  async function keep(before: TargetRecord, next: TargetRecord): Promise<void> {
    if ((await store.putTarget(next)) !== 'stored') return; // Another instance was faster: look at what it made of it.
    announce(bus, next);
    if (before.status === next.status) return;
    metrics.sniperTargets.inc({ status: next.status, mode: next.mode });
    const { target_id: targetId, symbol, status, reason } = next;
    log.info({ targetId, symbol, status, reason }, 'a sniping target has moved on');
    if (next.status === 'completed' && next.mode === 'live') await calendar.markSniped(symbol);
  }

  return async function look(hand: InHand): Promise<number | undefined> {
    for (let step = 0; step < STEPS_MAX; step++) {
      const target = await store.getTarget(hand.userId, hand.targetId);
      if (!target || !isAtWork(target)) return undefined;
      const seen = await (target.status === 'completed' ? exits(target) : entry(target, hand));
      if ('lookAfterMs' in seen) return seen.lookAfterMs;
      await keep(target, seen.next);
    }
    return RETRY_MS;
  };
}

export function createSniper(deps: SniperDeps): Sniper {
  const { store, metrics, log, stopping } = deps;
  const look = createLook(deps);
  const inHand = new Map<string, InHand>();
  const working = new Set<Promise<void>>();
  let searching: NodeJS.Timeout | undefined;

  async function lookSafely(key: string, hand: InHand): Promise<number | undefined> {
    try {
      return await look(hand);
    } catch (error) {
      metrics.raised.inc({ operation: 'sniper.look' });
      log.warn({ err: error, targetId: hand.targetId }, 'a sniping target was held up; it is gone on with');
      return RETRY_MS;
    } finally {
      if (stopping.signal.aborted) inHand.delete(key);
    }
  }

  async function lookAt(key: string, hand: InHand): Promise<void> {
    if (hand.isLooking || stopping.signal.aborted) return;
    clearTimeout(hand.timer);
    hand.isLooking = true;
    const againMs = await lookSafely(key, hand);
    hand.isLooking = false;
    if (againMs === undefined || stopping.signal.aborted) inHand.delete(key);
    else hand.timer = setTimeout(() => begin(key, hand), againMs).unref();
  }

  function begin(key: string, hand: InHand): void {
    const work: Promise<void> = lookAt(key, hand).finally(() => working.delete(work));
    working.add(work);
  }

  function wake({ user_id: userId, target_id: targetId }: Pick<TargetRecord, 'user_id' | 'target_id'>): void {
    const key = `${userId}\n${targetId}`;
    if (stopping.signal.aborted || inHand.has(key)) return;
    if (inHand.size >= IN_HAND_MAX) {
      metrics.sniperNotTaken.inc();
      return;
    }
    const hand: InHand = { userId, targetId };
    inHand.set(key, hand);
    begin(key, hand);
  }

  async function search(): Promise<void> {
    for (let shard = 0; shard < SHARDS && !stopping.signal.aborted; shard++) {
      let after: ItemKey | undefined;
      do {
        const page = await store.targetsAtWork(shard, { limit: PAGE, ...(after ? { after } : {}) });
        page.targets.forEach(wake);
        after = page.next ?? undefined;
      } while (after && inHand.size < IN_HAND_MAX);
    }
  }

  async function searchSafely(): Promise<void> {
    try {
      await search();
    } catch (error) {
      metrics.raised.inc({ operation: 'sniper.search' });
      log.warn({ err: error }, 'sniping targets could not be searched for; the next look tries again');
    }
  }

  function repeat(): void {
    const work: Promise<void> = searchSafely().finally(() => {
      working.delete(work);
      if (!stopping.signal.aborted) searching = setTimeout(repeat, SEARCH_MS).unref();
    });
    working.add(work);
  }

  return {
    wake,
    async pass() {
      await searchSafely();
      for (const [key, hand] of inHand) begin(key, hand);
      await Promise.all(working);
    },
    start: repeat,
    async stop() {
      stopping.abort();
      clearTimeout(searching);
      for (const { timer } of inHand.values()) clearTimeout(timer);
      await Promise.all(working);
    },
  };
}
