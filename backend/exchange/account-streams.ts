// The private streams of users' own accounts: one for each account that has orders that live, a bounded number of them.
import type { Clock } from '../domain/ids.ts';
import type { Metrics } from '../metrics.ts';
import type { UserEvent, UserFeed } from './user-stream.ts';

/** Connections of one process; what finds no room is asked about instead. */
const STREAMS_MAX = 100;
/** An account none of whose orders was seen for this long gives up its stream, ms. Open orders are seen far more often. */
const IDLE_MS = 15 * 60_000;
/** How often that, and whether an account's keys are still the same, is looked at, ms. */
const SWEEP_EVERY_MS = 60_000;

export type AccountStreams = {
  /** The account has an order that lives: it is listened to, soon and for a while. */
  readonly want: (account: string) => void;
  /** Whether all that happens to the account is told. */
  readonly isUp: (account: string) => boolean;
  /** Gives up the streams of accounts that rest, and opens those anew whose keys are others by now. Never rejects. */
  readonly sweep: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type AccountStreamsDeps = {
  /** The private stream of an account; reconnecting is its own affair. */
  readonly feedOf: (account: string) => UserFeed;
  /** Something that is another when the account's keys are; undefined when it has none. */
  readonly keysOf: (account: string) => Promise<string | undefined>;
  readonly onEvent: (account: string, event: UserEvent) => void;
  /** As UserHooks. */
  readonly onUp: (account: string) => void;
  readonly onDown: (account: string, reason: string) => void;
  readonly metrics: Pick<Metrics, 'accountStreams' | 'accountStreamsRefused'>;
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: Clock;
};

type Entry = {
  stream: ReturnType<UserFeed>;
  isUp: boolean;
  wantedAtMs: number;
  /** What `keysOf` said when it was looked at first; undefined: not yet. */
  keys: string | undefined;
};

export function createAccountStreams(deps: AccountStreamsDeps): AccountStreams {
  const { feedOf, keysOf, metrics, raised, now } = deps;
  const entries = new Map<string, Entry>();
  const ending = new Set<Promise<void>>();
  let isClosed = false;

  function down(account: string, entry: Entry, reason: string): void {
    if (!entry.isUp) return;
    entry.isUp = false;
    deps.onDown(account, reason);
  }

  function open(account: string): void {
    const entry: Entry = { stream: { close: async () => {} }, isUp: false, wantedAtMs: now(), keys: undefined };
    entries.set(account, entry);
    entry.stream = feedOf(account)({
      onEvent: (event) => deps.onEvent(account, event),
      onUp() {
        if (entries.get(account) !== entry) return;
        entry.isUp = true;
        deps.onUp(account);
      },
      onDown: (reason) => down(account, entry, reason),
    });
    metrics.accountStreams.set(entries.size);
  }

  function giveUp(account: string, entry: Entry, reason: string): void {
    entries.delete(account);
    metrics.accountStreams.set(entries.size);
    down(account, entry, reason);
    const ended = entry.stream
      .close()
      .catch((error: unknown) => raised('exchange.accountStreams', error))
      .finally(() => ending.delete(ended));
    ending.add(ended);
  }

  /** The keys may be others, or gone: then the stream is of an account that is not the user's any more. */
  async function check(account: string, entry: Entry): Promise<void> {
    const keys = await keysOf(account);
    if (entries.get(account) !== entry) return;
    const isSame = keys !== undefined && (entry.keys ?? keys) === keys;
    entry.keys = keys;
    if (isSame) return;
    giveUp(account, entry, 'the user’s keys are others by now');
    if (keys !== undefined && !isClosed) open(account);
  }

  async function sweep(): Promise<void> {
    for (const [account, entry] of [...entries]) {
      if (now() - entry.wantedAtMs >= IDLE_MS) giveUp(account, entry, 'the account rests');
      else await check(account, entry).catch((error: unknown) => raised('exchange.accountStreams', error));
    }
  }
  const timer = setInterval(() => void sweep(), SWEEP_EVERY_MS).unref();

  return {
    want(account) {
      const entry = entries.get(account);
      if (entry) entry.wantedAtMs = now();
      else if (entries.size < STREAMS_MAX && !isClosed) open(account);
      else metrics.accountStreamsRefused.inc();
    },
    isUp: (account) => entries.get(account)?.isUp ?? false,
    sweep,
    async close() {
      isClosed = true;
      clearInterval(timer);
      for (const [account, entry] of [...entries]) giveUp(account, entry, 'closed');
      await Promise.all(ending);
    },
  };
}
