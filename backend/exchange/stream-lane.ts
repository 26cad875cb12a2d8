// A lane: up to 30 topics kept subscribed, whatever happens to connections. It reconnects with backoff when one is lost, and
// replaces one that grows old by a new one before the exchange ends it, without a moment in which nobody listens.
import { setTimeout as delay } from 'node:timers/promises';
import { type Backoff, backoffMs } from './backoff.ts';
import type { Push } from './mexc-push.ts';
import { TOPICS_MAX } from './mexc-socket.ts';
import { openSession, type Session } from './stream-session.ts';

const RECONNECT: Backoff = { firstMs: 200, mostMs: 30_000 };
/** The exchange ends a connection after 24 h. */
const ROTATE_AFTER_MS = 23 * 3_600_000;
/** Up to this much earlier, so that lanes do not rotate together. */
const ROTATE_JITTER_MS = 1_800_000;
/** For how long both connections are listened to; the exchange's slowest topic pushes every 3 s. */
const OVERLAP_MS = 5000;
const ROTATE_RETRY_MS = 60_000;
/** A connection that lasted this long was a good one. */
const STABLE_MS = 10_000;

export type LaneHooks = {
  /** A decoded frame. Around a rotation one may come twice, or again cut differently: versions and ids tell. */
  readonly onPush: (push: Push) => void;
  /** The topic is live: what happens from now on arrives. */
  readonly onUp: (topic: string) => void;
  /** The topic is not live any more: what happens until the next `onUp` is lost. */
  readonly onDown: (topic: string, reason: string) => void;
  /** The exchange does not give this topic; asked again at the next connection. */
  readonly onRefused: (topic: string, reason: string) => void;
};

export type LaneOptions = {
  /** Where to connect, asked each time: a private stream's address holds its key. `failures` counts attempts in a row. */
  readonly url: (failures: number) => Promise<string>;
  readonly hooks: LaneHooks;
  readonly rotateAfterMs?: number;
  readonly overlapMs?: number;
};

export type Lane = {
  /** False when the lane is full. */
  readonly add: (topic: string) => boolean;
  readonly remove: (topic: string) => void;
  readonly size: () => number;
  /** Gives up the present connection for a new one. */
  readonly reconnect: (reason: string) => void;
  readonly close: () => void;
};

/** Which topics are wanted and which are live, and telling of each change once. */
function createTopics(hooks: LaneHooks) {
  const wanted = new Set<string>();
  const live = new Set<string>();
  return {
    wanted,
    live,
    up(topic: string): void {
      if (live.has(topic) || !wanted.has(topic)) return;
      live.add(topic);
      hooks.onUp(topic);
    },
    /** A new connection may be refused what the one before it had: that is gone with it. */
    refused(topic: string, reason: string): void {
      hooks.onRefused(topic, reason);
      if (live.delete(topic)) hooks.onDown(topic, reason);
    },
    allDown(reason: string): void {
      const topics = [...live];
      live.clear();
      for (const topic of topics) hooks.onDown(topic, reason);
    },
  };
}

/** Opens sessions that have every wanted topic and no other, also of those that came and went while it opened. */
function createOpener({ url, hooks }: LaneOptions, topics: ReturnType<typeof createTopics>, sessions: Set<Session>) {
  return async function open(failures: number): Promise<Session> {
    const asked = [...topics.wanted];
    const session = await openSession(await url(failures), asked, {
      onPush: hooks.onPush,
      onSubscribed: topics.up,
      onRefused: topics.refused,
    });
    sessions.add(session);
    void session.ended.then(() => sessions.delete(session));
    for (const topic of topics.wanted) if (!asked.includes(topic)) session.add(topic);
    for (const topic of asked) if (!topics.wanted.has(topic)) session.remove(topic);
    return session;
  };
}

type Timing = {
  /** Ends early, and at once, when the lane is closed. */
  readonly wait: (ms: number) => Promise<undefined>;
  readonly lifeMs: () => number;
  readonly overlapMs: number;
};

/** Replaces `current` by another; answers why `current` was lost when that came first. Rejects when there is no other. */
async function replace(
  current: Session,
  open: () => Promise<Session>,
  { wait, overlapMs }: Timing,
): Promise<Session | string> {
  const next = await open();
  const lost = await Promise.race([current.ended, undefined]);
  if (lost !== undefined) {
    next.end('too late'); // Between the end of the one and the beginning of the other nobody listened.
    return lost;
  }
  const isNextLost = await Promise.race([wait(overlapMs), current.ended, next.ended.then(() => true)]);
  if (isNextLost === true) throw new Error('lost before it took over');
  current.end('replaced');
  return next;
}

/** Stays with a session, and with its successors, until one is lost or the lane is closed; answers why. */
async function follow(
  first: Session,
  open: () => Promise<Session>,
  timing: Timing & { readonly closing: AbortSignal },
): Promise<string> {
  let current = first;
  let restMs = timing.lifeMs();
  while (!timing.closing.aborted) {
    const timer = new AbortController(); // Of its own, so that a lost session leaves no timer of a day behind.
    const old = delay(restMs, undefined, { signal: timer.signal }).catch(() => undefined);
    const lost = await Promise.race([current.ended, old]);
    timer.abort();
    if (lost !== undefined) return lost;
    try {
      const next = await replace(current, open, timing);
      if (typeof next === 'string') return next;
      current = next;
      restMs = timing.lifeMs();
    } catch {
      restMs = Math.min(ROTATE_RETRY_MS, timing.lifeMs()); // The old one still serves; there is an hour left to try.
    }
  }
  return 'closed';
}

export function createLane(options: LaneOptions): Lane {
  const { rotateAfterMs, overlapMs = OVERLAP_MS } = options;
  const topics = createTopics(options.hooks);
  const sessions = new Set<Session>(); // Two for the moment of a rotation, else one or none.
  const open = createOpener(options, topics, sessions);
  const closing = new AbortController();
  const wait = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  const lifeMs = () => rotateAfterMs ?? ROTATE_AFTER_MS - Math.random() * ROTATE_JITTER_MS;
  const timing = { wait, lifeMs, overlapMs, closing: closing.signal };
  let wake = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      if (topics.wanted.size === 0) {
        await wake.promise;
        continue;
      }
      let reason: string;
      const triedAtMs = performance.now();
      try {
        reason = await follow(await open(failures), () => open(0), timing);
      } catch (error) {
        reason = error instanceof Error ? error.message : 'it could not connect';
      }
      topics.allDown(reason);
      // One that was lost at once is a failure like one that was not made.
      failures = performance.now() - triedAtMs > STABLE_MS ? 1 : failures + 1;
      await wait(backoffMs(RECONNECT, failures));
    }
    for (const session of sessions) session.end('closed'); // One that was still opening when it was closed.
  }
  void run();

  return {
    add(topic) {
      if (topics.wanted.has(topic)) return true;
      if (topics.wanted.size >= TOPICS_MAX) return false;
      topics.wanted.add(topic);
      for (const session of sessions) session.add(topic);
      wake.resolve();
      wake = Promise.withResolvers();
      return true;
    },
    remove(topic) {
      if (!topics.wanted.delete(topic)) return;
      topics.live.delete(topic);
      for (const session of sessions) session.remove(topic);
    },
    size: () => topics.wanted.size,
    reconnect(reason) {
      for (const session of sessions) session.end(reason);
    },
    close() {
      closing.abort();
      topics.wanted.clear();
      topics.live.clear();
      wake.resolve();
      for (const session of sessions) session.end('closed');
    },
  };
}
