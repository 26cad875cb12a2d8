// Whether anybody may trade: the state in the store, and the kill switches. What is strictest holds.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Bus, channels } from '../bus/bus.ts';
import type { Clock } from '../domain/ids.ts';
import { isoTime } from '../domain/time.ts';
import { TRADING_STATES, type TradingState, type TradingStateRecord } from '../store/account-items.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';

/** How often the store and the file are looked at: the longest that an instance without the bus goes on. */
const POLL_MS = 1000;
const CONFLICTS_MAX = 8;
const REASON_CHARS_MAX = 500;

export type Held = { readonly state: TradingState; readonly reason: string };
export type StateChange = { readonly state: TradingState; readonly reason: string; readonly by: string };

export type TradingStates = {
  /** The strictest of all that is known. Undefined before `refresh` has resolved once. */
  readonly current: () => Held | undefined;
  /** Looks again. Rejects with StoreUnavailable; what was known stays. */
  readonly refresh: () => Promise<void>;
  /** As it is in the store; undefined when nobody has ever set it. */
  readonly stored: () => Promise<TradingStateRecord | undefined>;
  readonly set: (change: StateChange) => Promise<TradingStateRecord>;
  /** Looks now and then, and listens. Rejects when the state cannot be read at all: nobody may trade blindly. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** What may be published on the kill switch's channel, by hand too: `PUBLISH risk:kill '{"state":"HALTED","reason":"..."}'`. */
const killMessage = z.object({
  state: z.enum(['REDUCING', 'HALTED']),
  reason: z.string().min(1).max(REASON_CHARS_MAX).default('by the kill switch'),
});

export const stricter = (a: Held, b: Held): Held =>
  TRADING_STATES.indexOf(b.state) > TRADING_STATES.indexOf(a.state) ? b : a;

/** Of the state in the store, ACTIVE where nobody has set it, and of what holds besides. */
function strictestOf(record: TradingStateRecord | undefined, ...others: readonly (Held | undefined)[]): Held {
  const stored: Held = { state: record?.state ?? 'ACTIVE', reason: record?.reason ?? '' };
  return others.reduce<Held>((sum, other) => (other ? stricter(sum, other) : sum), stored);
}

/** A kill switch that is a file: there, and nobody trades; its text is the reason. What cannot be read counts as there. */
async function fileSwitch(path: string | undefined): Promise<Held | undefined> {
  if (path === undefined) return undefined;
  try {
    const text = (await readFile(path, 'utf8')).trim().slice(0, REASON_CHARS_MAX);
    return { state: 'HALTED', reason: text || `${path} is there` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return code === 'ENOENT' ? undefined : { state: 'HALTED', reason: `${path} cannot be read (${code})` };
  }
}

/** Looks again and again, a while after each look has ended. */
function createPoll(look: () => Promise<void>, raised: (operation: string, error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  function start(): void {
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) => raised('risk.tradingState', error))
        .finally(() => {
          if (timer) start();
        });
    }, POLL_MS).unref();
  }
  return {
    start,
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

export function createTradingStates(deps: {
  readonly store: Pick<Store, 'getTradingState' | 'putTradingState'>;
  readonly bus: Bus;
  readonly now: Clock;
  readonly killFile: string | undefined;
  readonly raised: (operation: string, error: unknown) => void;
}): TradingStates {
  const { store, bus, now, killFile, raised } = deps;
  let held: Held | undefined;
  /** What a message has asked for and the store does not say yet. */
  let asked: Held | undefined;
  /** Looks in the order in which they began: one that took long must not undo a later one. */
  let [begun, applied] = [0, 0];
  let unsubscribe: (() => Promise<void>)[] = [];

  async function refresh(): Promise<void> {
    begun += 1;
    const own = begun;
    const file = await fileSwitch(killFile);
    if (file && held) held = stricter(held, file); // Whatever the store says, or whether it says anything.
    const record = await store.getTradingState();
    if (own < applied) return; // A look that began later is done: what this one saw may be older.
    applied = own;
    held = strictestOf(record, file, asked);
  }

  async function set(change: StateChange): Promise<TradingStateRecord> {
    for (let conflict = 0; conflict < CONFLICTS_MAX; conflict++) {
      const version = ((await store.getTradingState())?.version ?? 0) + 1;
      const record = { ...change, at: isoTime(now()), version };
      if ((await store.putTradingState(record)) !== 'stored') continue;
      asked = undefined; // Whoever sets the state knows of the kill switch, or is it.
      await refresh();
      bus.publish(channels.tradingState, JSON.stringify({ state: change.state }));
      return record;
    }
    throw new StoreUnavailable(`the trading state changed ${CONFLICTS_MAX} times while it was being changed`);
  }

  /** Into the store, for instances that the bus does not reach and for those that start later. Tried again until it is there. */
  async function storeAsked(): Promise<void> {
    const wanted = asked;
    if (!wanted) return;
    const record = await store.getTradingState();
    if (strictestOf(record, wanted).state !== record?.state) await set({ ...wanted, by: 'kill switch (bus)' });
    if (asked === wanted) asked = undefined;
  }

  /** At once here. */
  async function kill(message: string): Promise<void> {
    const wanted: Held = killMessage.parse(JSON.parse(message));
    asked = asked ? stricter(asked, wanted) : wanted;
    if (held) held = stricter(held, wanted);
    await storeAsked();
  }

  const quietly = (operation: string, work: () => Promise<void>) => {
    work().catch((error: unknown) => raised(operation, error));
  };

  const poll = createPoll(() => storeAsked().then(refresh), raised);

  return {
    current: () => held,
    refresh,
    stored: store.getTradingState,
    set,
    async start() {
      await refresh();
      poll.start();
      // Not waited for: a bus that is away must not keep anybody from starting, nor from being halted by the others.
      const listening = [
        bus.subscribe(channels.tradingState, () => quietly('risk.tradingState', refresh)),
        bus.subscribe(channels.kill, (message) => quietly('risk.kill', () => kill(message))),
      ];
      for (const each of listening) {
        each.then((leave) => unsubscribe.push(leave)).catch((error: unknown) => raised('risk.subscribe', error));
      }
    },
    async stop() {
      poll.stop();
      const leaving = unsubscribe;
      unsubscribe = [];
      await Promise.allSettled(leaving.map((leave) => leave()));
    },
  };
}
