// A subscription that lasts: over several endpoints, reconnecting with backoff, and reading on from where it was.
import { setTimeout as delay } from 'node:timers/promises';
import { type Backoff, backoffMs } from '../../exchange/backoff.ts';
import type { Failure } from './failure.ts';
import { COMMITMENT, type Commitment, type SubscribeRequest, type Update } from './schema.ts';
import { type Endpoint, openSession, type Session } from './session.ts';

const RECONNECT: Backoff = { firstMs: 250, mostMs: 30_000 };
/** A connection that lasted this long was a good one. */
const STABLE_MS = 10_000;
/**
 * So many slots are read again after a reconnection: slots are not confirmed in their order, and of the last one only a part may
 * have come. 32 slots are the most that a fork lives (Solana's lockout of 2^5 for a vote that deep).
 */
export const REREAD_SLOTS = 32n;

export type Filters = Pick<SubscribeRequest, 'accounts' | 'slots' | 'transactions' | 'blocksMeta'>;

/** Slots of which something was lost for good; `toSlot` is undefined where nobody says until when. */
export type SlotGap = { readonly fromSlot: bigint; readonly toSlot: bigint | undefined };

export type GeyserHooks = {
  /** Updates as they come, at least once each: around a reconnection the latest come again. */
  readonly onUpdate: (update: Update) => void;
  readonly onUp: (url: string) => void;
  /** `refused` is for an operator to see: waiting does not help. */
  readonly onDown: (url: string, failure: Failure) => void;
  readonly onGap: (gap: SlotGap) => void;
};

export type GeyserOptions = {
  /** The first is used while it serves; the next when it does not. At least one. */
  readonly endpoints: readonly Endpoint[];
  readonly filters: Filters;
  readonly commitment: Commitment;
  /**
   * To read on after a restart: the last slot of which everything was handled, and the first that was ever heard of, before which
   * nothing is read. Undefined: from now on.
   */
  readonly reached: { readonly slot: bigint; readonly beginning: bigint } | undefined;
  readonly hooks: GeyserHooks;
};

export type Geyser = {
  /** The newest slot heard of. */
  readonly slot: () => bigint | undefined;
  /** The first slot heard of, by this subscription or one that it reads on from. */
  readonly beginning: () => bigint | undefined;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => Promise<void>;
};

/** The newest slot that an update is about. */
function slotOf({ slot, transaction, account, blockMeta }: Update): bigint | undefined {
  return (slot ?? transaction ?? blockMeta ?? (account?.isStartup ? undefined : account))?.slot;
}

/**
 * Where to read on. Endpoints keep more or fewer slots: each is asked before slots are given up, and then the one that has most
 * of them is asked for what it has.
 */
function createPosition(endpointCount: number, reached: GeyserOptions['reached'], onGap: GeyserHooks['onGap']) {
  let newest = reached?.slot;
  /** What was before is nobody's concern. */
  let beginning = reached?.beginning;
  /** What those that could not give what was wanted have: undefined for one that keeps nothing. */
  let offers = new Map<number, bigint | undefined>();
  let givenUpTo: bigint | undefined;
  let isLiveOnly = false;
  const wanted = () => {
    if (newest === undefined || isLiveOnly) return undefined;
    const reread = newest - REREAD_SLOTS;
    return [beginning, givenUpTo].reduce<bigint>(
      (from, each) => (each !== undefined && each > from ? each : from),
      reread > 0n ? reread : 0n,
    );
  };
  return {
    wanted,
    newest: () => newest,
    beginning: () => beginning,
    note(slot: bigint | undefined): void {
      if (slot === undefined || (newest !== undefined && slot <= newest)) return;
      if (newest === undefined) beginning = slot;
      newest = slot;
    },
    /** It gives what it was asked for. */
    served(): void {
      offers = new Map();
      givenUpTo = undefined;
      isLiveOnly = false;
    },
    /** The endpoint cannot give it. Answers which endpoint to ask next. */
    refusedBy(endpoint: number, availableSlot: bigint | undefined): number {
      const isAskedAgain = offers.has(endpoint); // The others cannot be reached, then.
      offers.set(endpoint, availableSlot);
      if (!isAskedAgain && offers.size < endpointCount) return (endpoint + 1) % endpointCount;
      const [best, slot] = [...offers].reduce((a, b) =>
        b[1] !== undefined && (a[1] === undefined || b[1] < a[1]) ? b : a,
      );
      const fromSlot = wanted();
      // What is kept joins on to what was read: only of the overlap something is left out.
      const joinsOn = slot !== undefined && newest !== undefined && slot <= newest + 1n;
      if (fromSlot !== undefined && !joinsOn) onGap({ fromSlot, toSlot: slot === undefined ? undefined : slot - 1n });
      offers = new Map();
      if (slot === undefined) isLiveOnly = true;
      else givenUpTo = slot;
      return best;
    },
  };
}

/** Begins at once and goes on until it is closed. */
export function createGeyser({ endpoints, filters, commitment, reached, hooks }: GeyserOptions): Geyser {
  const position = createPosition(endpoints.length, reached, hooks.onGap);
  const closing = new AbortController();
  let session: Session | undefined;
  let isPaused = false;

  function open(endpoint: Endpoint): Session {
    const fromSlot = position.wanted();
    const request = { ...filters, commitment: COMMITMENT[commitment], ...(fromSlot !== undefined && { fromSlot }) };
    let isServed = false;
    return openSession(endpoint, request, {
      onServing: () => hooks.onUp(endpoint.url),
      onUpdate(update) {
        if (!isServed) position.served();
        isServed = true;
        position.note(slotOf(update));
        hooks.onUpdate(update);
      },
    });
  }

  const wait = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  async function run(): Promise<void> {
    let at = 0;
    let failures = 0;
    for (;;) {
      const endpoint = endpoints[at % endpoints.length];
      if (!endpoint || closing.signal.aborted) return;
      const openedAtMs = performance.now();
      session = open(endpoint);
      if (isPaused) session.pause();
      const failure = await session.ended;
      if (closing.signal.aborted) return;
      hooks.onDown(endpoint.url, failure);
      if (failure.kind === 'too_old' || failure.kind === 'no_replay') {
        at = position.refusedBy(at, failure.kind === 'too_old' ? failure.availableSlot : undefined);
        await wait(RECONNECT.firstMs); // It did answer, and is asked for less.
        continue;
      }
      at = (at + 1) % endpoints.length;
      failures = performance.now() - openedAtMs > STABLE_MS ? 1 : failures + 1;
      // The others are tried at once; whoever has failed just now is given time.
      await wait(failures < endpoints.length ? 0 : backoffMs(RECONNECT, failures - endpoints.length + 1));
    }
  }
  const running = run();

  return {
    slot: position.newest,
    beginning: position.beginning,
    pause() {
      isPaused = true;
      session?.pause();
    },
    resume() {
      isPaused = false;
      session?.resume();
    },
    async close() {
      closing.abort();
      session?.end('closed');
      await running;
    },
  };
}
