// Makes what is in force known to the workers, version by version, and knows who follows it. A worker that does not
// say within the deadline that it follows is taken out of service: it could still serve by what an operator took back.
import { isDeepStrictEqual } from 'node:util';
import type { Acknowledged } from '../serving.ts';
import type { SharedState, ToWorker } from './messages.ts';

/** How long a worker may take to follow a change. */
const FOLLOW_TIMEOUT_MS = 1_000;

export interface Follower {
  send(message: ToWorker): void;
  /** It does not follow: it must not serve any more. */
  dismiss(): void;
}

export interface Spread {
  /** The version of what is in force. */
  readonly version: number;
  /** The version that a follower follows; 0 before it has said so. */
  versionOf(follower: Follower): number;
  /** Sends the whole state; every later change follows it. */
  add(follower: Follower): void;
  remove(follower: Follower): void;
  /** The follower says that it follows `version`. */
  applied(follower: Follower, version: number): void;
  /**
   * Once the follower follows what is in force: it may serve, and changes wait for it from now on. Answers whether that
   * has just become so.
   */
  admit(follower: Follower): boolean;
  /** Sends what has changed, if anything has. Resolves when all who serve follow, or are gone. */
  publish(): Promise<Acknowledged>;
}

interface Entry {
  version: number;
  isServing: boolean;
}

export interface SpreadDeps {
  /** What is in force now. */
  readonly state: () => SharedState;
  readonly followTimeoutMs?: number;
}

export function createSpread({ state, followTimeoutMs = FOLLOW_TIMEOUT_MS }: SpreadDeps): Spread {
  const entries = new Map<Follower, Entry>(); // One per worker.
  const waiting = new Set<() => void>(); // One per publish that is not followed yet, thus of the last two deadlines.
  let version = 1;
  let sent = state();

  const look = () => {
    for (const check of waiting) check();
  };

  /** Resolves when none of those who serve now is behind `wanted`. */
  function followed(wanted: number): Promise<Acknowledged> {
    const asked = [...entries].filter(([, { isServing }]) => isServing);
    const of = asked.length;
    return new Promise((resolve) => {
      const missing = () => asked.filter(([follower, entry]) => entries.has(follower) && entry.version < wanted);
      const finish = () => {
        clearTimeout(timer);
        waiting.delete(check);
        resolve({ version: wanted, workers: asked.filter(([, entry]) => entry.version >= wanted).length, of });
      };
      const check = () => {
        if (missing().length === 0) finish();
      };
      // First they are dismissed; only a process that cannot even be killed is not waited for.
      let timer = setTimeout(() => {
        timer = setTimeout(finish, followTimeoutMs);
        for (const [follower] of missing()) follower.dismiss();
      }, followTimeoutMs);
      waiting.add(check);
      check();
    });
  }

  return {
    get version() {
      return version;
    },
    versionOf: (follower) => entries.get(follower)?.version ?? 0,
    add(follower) {
      entries.set(follower, { version: 0, isServing: false });
      follower.send({ kind: 'state', version, state: sent });
    },
    remove(follower) {
      entries.delete(follower);
      look();
    },
    applied(follower, applied) {
      const entry = entries.get(follower);
      if (entry) entry.version = applied;
      look();
    },
    admit(follower) {
      const entry = entries.get(follower);
      if (!entry || entry.isServing || entry.version !== version) return false;
      entry.isServing = true;
      return true;
    },
    publish() {
      const now = state();
      const change = changesBetween(sent, now);
      if (change !== undefined) {
        sent = now;
        version++;
        for (const follower of entries.keys()) follower.send({ kind: 'change', version, change });
      }
      return followed(version);
    },
  };
}

/** The parts that differ, or undefined. Parts are replaced, never changed, so that most are seen to be the same at once. */
export function changesBetween(before: SharedState, after: SharedState): Partial<SharedState> | undefined {
  const { config, features, forced, health, versions } = after;
  const change = {
    ...(before.config === config ? {} : { config }),
    ...(before.features === features ? {} : { features }),
    ...(isDeepStrictEqual(before.forced, forced) ? {} : { forced }),
    ...(isDeepStrictEqual(before.health, health) ? {} : { health }),
    ...(isDeepStrictEqual(before.versions, versions) ? {} : { versions }),
  };
  return Object.keys(change).length > 0 ? change : undefined;
}
