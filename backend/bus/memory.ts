// A bus within this process: for one instance, and for tests.
import { type Bus, type BusHooks, type HandedOverNewsroom, type OnceNewsroom, TOLD_KEPT_MS } from './bus.ts';
import { createListeners } from './listeners.ts';
import { createLosses } from './losses.ts';
import { envelopeHead, HISTORY_MAX, headToFit, NEWS_CHARS_MAX, type News, numbered } from './news.ts';

/** Deliveries waiting for their turn of the event loop. */
const WAITING_MAX = 10_000;
/** Channels with a history; the one that was told of least recently is forgotten. */
const HISTORIES_MAX = 10_000;
/** Keys of what was told once; the oldest is forgotten. */
const TOLD_MAX = 100_000;

/** Keys of what was told within `TOLD_KEPT_MS`. */
function createTold(now: () => number) {
  const told = new Map<string, number>();
  return {
    has: (key: string) => now() - (told.get(key) ?? -TOLD_KEPT_MS) < TOLD_KEPT_MS,
    add(key: string): void {
      told.delete(key);
      const oldest = told.size >= TOLD_MAX ? told.keys().next().value : undefined;
      if (oldest !== undefined) told.delete(oldest);
      told.set(key, now());
    },
  };
}

/** By the clock, and each once: a history that was forgotten must not come back under its old name. */
function createEpochs(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now());
    return last;
  };
}

export function createMemoryBus(hooks: BusHooks, now: () => number = Date.now): Bus {
  const listeners = createListeners(hooks.raised);
  const losses = createLosses();
  const histories = new Map<string, News[]>();
  const told = createTold(now);
  let waiting = 0;
  let closed = false;
  const newEpoch = createEpochs(now);

  const cannotTake = () => closed || waiting >= WAITING_MAX;
  function deliver(channel: string, message: string): void {
    waiting += 1;
    // Later, as over a network: a publisher must never find its listeners' work on its own stack.
    setImmediate(() => {
      waiting -= 1;
      if (!closed) listeners.deliver(channel, message);
    });
  }

  /** The channel's history, as the one told of last. */
  function historyOf(channel: string): News[] {
    const history = histories.get(channel) ?? [];
    histories.delete(channel);
    const oldest = histories.keys().next().value;
    if (histories.size >= HISTORIES_MAX && oldest !== undefined) histories.delete(oldest);
    histories.set(channel, history);
    return history;
  }

  function number(channel: string, head: string): void {
    const history = historyOf(channel);
    const { epoch, seq } = history.at(-1) ?? { epoch: newEpoch(), seq: 0 };
    const news = numbered(head, { epoch, seq: seq + 1 + losses.take(channel) });
    history.push(news);
    if (history.length > HISTORY_MAX) history.shift();
    deliver(channel, news.text);
  }

  const newsroom: HandedOverNewsroom & OnceNewsroom = {
    skip: (channel) => losses.add(channel, 1),
    tell(channel, type, data) {
      const head = envelopeHead(type, data, now());
      if (cannotTake() || head.length > NEWS_CHARS_MAX) {
        losses.add(channel, 1);
        return hooks.onDrop();
      }
      number(channel, head);
    },
    async tellOnce(key, channel, type, data) {
      if (told.has(key)) return false;
      const head = headToFit(type, data, now());
      if (cannotTake()) throw new Error(closed ? 'the bus is closed' : 'too much is waiting to be delivered');
      told.add(key);
      number(channel, head);
      return true;
    },
  };

  return {
    tell: newsroom.tell,
    tellOnce: newsroom.tellOnce,
    under: () => newsroom, // Within one process nobody is kept out.
    publish(channel, message) {
      if (cannotTake()) return hooks.onDrop();
      deliver(channel, message);
    },
    async subscribe(channel, listener) {
      const own = (message: string) => listener(message); // The same function may subscribe twice.
      listeners.add(channel, own);
      return async () => {
        listeners.remove(channel, own);
      };
    },
    listened: async (prefix) => listeners.channels().filter((channel) => channel.startsWith(prefix)),
    recent: async (channel) => [...(histories.get(channel) ?? [])],
    onReturn() {}, // It is never away.
    ping: async () => (closed ? 'the bus is closed' : undefined),
    async close() {
      closed = true;
      listeners.clear();
    },
  };
}
