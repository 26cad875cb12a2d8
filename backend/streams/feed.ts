// One channel that clients of this process follow: subscribed to once, with its latest frames at hand, so that whoever joins or
// comes back is answered from memory. Whatever was missed is read from the bus before anything later is delivered.
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, Unsubscribe } from '../bus/bus.ts';
import { HISTORY_MAX, isAfter, isNext, type News, type NewsId, newsOf } from '../bus/news.ts';
import { createFrame, type Frame } from './frame.ts';

/** Between two attempts at a history that cannot be read. */
const RETRY_MS = 500;

export type Follower = {
  /** Called once, before any frame, with the frames that are kept, oldest first. */
  readonly begin: (kept: readonly Frame[]) => void;
  readonly offer: (frame: Frame) => void;
};

export type FeedDeps = {
  readonly bus: Pick<Bus, 'subscribe' | 'recent' | 'onReturn'>;
  readonly raised: (operation: string, error: unknown) => void;
};

export type Feed = {
  readonly add: (follower: Follower) => void;
  /** True when it was the last. */
  readonly remove: (follower: Follower) => boolean;
  readonly catchUp: () => void;
  readonly close: () => Promise<void>;
};

/** The latest frames of a channel, in order and each once. */
function createSequence() {
  const kept: Frame[] = [];
  let last: NewsId | undefined;
  return {
    kept,
    isContinuedBy: (news: NewsId): boolean => !last || isNext(news, last),
    /** Undefined when it was taken already. */
    take(news: News): Frame | undefined {
      if (last && !isAfter(news, last)) return undefined;
      last = news;
      const frame = createFrame(news);
      kept.push(frame);
      if (kept.length > HISTORY_MAX) kept.shift();
      return frame;
    },
  };
}

export function createFeed(channel: string, { bus, raised }: FeedDeps): Feed {
  const followers = new Set<Follower>();
  const newcomers = new Set<Follower>();
  const sequence = createSequence();
  /** Arrived while what comes before them is being read. */
  let early: News[] = [];
  let isReading = false;
  /** To be read again, since something may have been missed after what is being read. */
  let isBehind = false;
  let hasRead = false;
  const closing = new AbortController();
  let unsubscribe: Unsubscribe | undefined;

  function take(news: News): void {
    const frame = sequence.take(news);
    if (frame) for (const follower of followers) follower.offer(frame);
  }

  function admit(follower: Follower): void {
    follower.begin(sequence.kept);
    followers.add(follower);
  }

  function hear(text: string): void {
    const news = newsOf(text);
    if (!news) raised('streams.envelope', new Error(`what came on ${channel} is no envelope`));
    else if (!isReading && sequence.isContinuedBy(news)) take(news);
    else {
      if (early.length >= HISTORY_MAX) early.shift();
      early.push(news);
      if (!isReading) catchUp();
    }
  }

  /** One reading of the history. What came before it was asked for is in it, and what came since is in `early`. */
  async function read(): Promise<void> {
    unsubscribe ??= await bus.subscribe(channel, hear);
    const recent = await bus.recent(channel);
    for (const news of [...recent, ...early]) take(news);
    early = [];
    for (const newcomer of newcomers) admit(newcomer);
    newcomers.clear();
  }

  async function readUntilDone(): Promise<void> {
    while (isBehind && !closing.signal.aborted) {
      isBehind = false;
      try {
        await read();
        hasRead = true;
      } catch (error) {
        isBehind = true;
        raised('streams.history', error);
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    isReading = false;
    if (closing.signal.aborted) await unsubscribe?.();
  }

  function catchUp(): void {
    isBehind = true;
    if (isReading) return;
    isReading = true;
    readUntilDone().catch((error: unknown) => raised('streams.feed', error));
  }

  return {
    add(follower) {
      if (hasRead && !isReading) return admit(follower);
      newcomers.add(follower);
      if (!isReading) catchUp();
    },
    remove(follower) {
      newcomers.delete(follower);
      followers.delete(follower);
      return followers.size + newcomers.size === 0;
    },
    catchUp,
    async close() {
      closing.abort();
      if (!isReading) await unsubscribe?.();
    },
  };
}
