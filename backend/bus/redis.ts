// A bus over Redis: pub/sub, and a capped stream for each channel's history. Two connections, since one that subscribes can
// do nothing else.
import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import {
  type Bus,
  type BusHooks,
  type Fence,
  type HandedOverNewsroom,
  type OnceNewsroom,
  TOLD_KEPT_MS,
} from './bus.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { createLosses } from './losses.ts';
import { envelopeHead, HISTORY_KEPT_MS, HISTORY_MAX, headToFit, NEWS_CHARS_MAX, newsOf } from './news.ts';

/**
 * Messages handed to the connection and not answered yet: they are sent without waiting for each other. 500 symbols are told of
 * at once, by up to three messages each. A Redis slower than this is dropped on, not waited for.
 */
const IN_FLIGHT_MAX = 4000;
const COMMAND_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_MAX_MS = 2000;

const COMMON = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: null, // Subscriptions wait for the connection; publishing does not get this far without one.
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
} satisfies RedisOptions;

/**
 * Numbers, keeps and publishes in one step, so that the order of the numbers is that of the arrivals for everybody. The number is
 * the stream's own id, "EPOCH-SEQ"; where there is no stream, one begins, its epoch by Redis's clock, which is one for all. The text goes along each time
 * (Redis knows it by its hash): a NOSCRIPT after a restart, sent again, would overtake what was sent meanwhile.
 * KEYS: the history. ARGV: channel, envelope without its number, numbers to leave out, length and ms to keep.
 */
const TELL = `local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local epoch, seq
if #last > 0 then
  epoch, seq = string.match(last[1][1], '^(%d+)-(%d+)$')
else
  local time = redis.call('TIME')
  epoch, seq = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)), 0
end
seq = string.format('%d', seq + 1 + ARGV[3])
local id = epoch .. '-' .. seq
local text = ARGV[2] .. ',"seq":' .. seq .. ',"id":"' .. id .. '"}'
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], id, 'news', text)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[1], text)`;

/** The same, unless it was told. KEYS: the history, what says so. ARGV: and, sixth, how many ms that is remembered. */
const TELL_ONCE = `if not redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[6]) then return 0 end
${TELL}
return 1`;

/** The same for the holder of a fence only. KEYS and ARGV: and, last of each, its key and its token. */
const fenced = (script: string, keys: number, args: number): string =>
  `if redis.call('GET', KEYS[${keys}]) ~= ARGV[${args}] then return redis.error_reply('ERR another holds the lease') end
${script}`;
const FENCED_TELL = fenced(TELL, 2, 6);
const FENCED_TELL_ONCE = fenced(TELL_ONCE, 3, 7);

const toldKey = (key: string): string => `told:${key}`;
const historyKey = (channel: string): string => `history:${channel}`;

/** The connection that listens. `onHeard` is told whenever all subscriptions are live, anew after each reconnection. */
function createSubscriber(url: string, listeners: Listeners, onHeard: () => void, raised: BusHooks['raised']) {
  // Subscriptions do queue. They are renewed here, since nobody says when ioredis has done it.
  const connection = new Redis(url, { ...COMMON, autoResubscribe: false });
  let isHeard = false;
  const fail = (error: unknown) => raised('bus.subscriber', error);
  async function renew(): Promise<void> {
    const channels = listeners.channels();
    if (channels.length > 0) await connection.subscribe(...channels);
    isHeard = true;
    onHeard();
  }
  connection.on('error', fail);
  connection.on('message', listeners.deliver);
  connection.on('ready', () => void renew().catch(fail));
  connection.on('close', () => {
    isHeard = false;
  });
  return {
    connection,
    isHeard: () => isHeard,
    /** Nothing is left to do while the connection is down: what is renewed with it are the channels that still have listeners. */
    async leave(channel: string): Promise<void> {
      if (!isHeard) return;
      const over = new AbortController();
      const down = once(connection, 'close', { signal: over.signal }).catch(() => undefined);
      await Promise.race([connection.unsubscribe(channel).catch(fail), down]);
      over.abort();
    },
  };
}

/** Commands on their way, which do not wait for each other. */
function createLane(publisher: Redis) {
  let inFlight = 0;
  let closed = false;
  return {
    publisher,
    isFull: () => closed || publisher.status !== 'ready' || inFlight >= IN_FLIGHT_MAX,
    isClosed: () => closed,
    async handOver<T>(command: () => Promise<T>): Promise<T> {
      inFlight += 1;
      try {
        return await command();
      } finally {
        inFlight -= 1;
      }
    },
    close() {
      closed = true;
    },
  };
}

/** News of whoever holds the fence given, over one lane. */
function createNewsrooms(lane: ReturnType<typeof createLane>, hooks: BusHooks, now: () => number) {
  const { publisher } = lane;
  const losses = createLosses();
  return (fence: Fence | undefined): HandedOverNewsroom & OnceNewsroom => ({
    skip: (channel) => losses.add(channel, 1),
    tell(channel, type, data) {
      const head = envelopeHead(type, data, now());
      const lose = (count: number) => {
        losses.add(channel, count);
        hooks.onDrop();
      };
      if (lane.isFull() || head.length > NEWS_CHARS_MAX) return lose(1);
      const skipped = losses.take(channel);
      const key = historyKey(channel);
      const args = [channel, head, skipped, HISTORY_MAX, HISTORY_KEPT_MS];
      const handed = lane.handOver(() =>
        fence
          ? publisher.eval(FENCED_TELL, 2, key, fence.key, ...args, fence.token)
          : publisher.eval(TELL, 1, key, ...args),
      );
      handed.catch(() => lose(1 + skipped)); // Perhaps it did arrive: then a gap is announced where none is.
    },
    async tellOnce(key, channel, type, data) {
      const head = headToFit(type, data, now());
      if (lane.isFull()) throw new Error(`not connected, or too much is under way (${publisher.status})`);
      const skipped = losses.take(channel);
      const keys = [historyKey(channel), toldKey(key)];
      const args = [channel, head, skipped, HISTORY_MAX, HISTORY_KEPT_MS, TOLD_KEPT_MS];
      let told: unknown;
      try {
        told = await lane.handOver(() =>
          fence
            ? publisher.eval(FENCED_TELL_ONCE, 3, ...keys, fence.key, ...args, fence.token)
            : publisher.eval(TELL_ONCE, 2, ...keys, ...args),
        );
      } finally {
        if (told !== 1 && skipped > 0) losses.add(channel, skipped); // The next news are to show the gap.
      }
      return told === 1;
    },
  });
}

/** Connects at once and keeps reconnecting, with backoff; a Redis that is not there yet is not an error. */
export function createRedisBus(url: string, hooks: BusHooks, now: () => number = Date.now): Bus {
  const listeners = createListeners(hooks.raised);
  const returned: (() => void)[] = [];
  // No offline queue: news that is minutes old when the connection returns is worse than none.
  const publisher = new Redis(url, { ...COMMON, enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS });
  publisher.on('error', (error) => hooks.raised('bus.publisher', error));
  publisher.on('ready', tellReturned);
  const { connection: subscriber, isHeard, leave } = createSubscriber(url, listeners, tellReturned, hooks.raised);
  function tellReturned(): void {
    if (isHeard() && publisher.status === 'ready') for (const listener of returned) listener();
  }

  const lane = createLane(publisher);
  const newsroomUnder = createNewsrooms(lane, hooks, now);

  const { tell, tellOnce } = newsroomUnder(undefined);
  return {
    tell,
    tellOnce,
    under: newsroomUnder,
    publish(channel, message) {
      if (lane.isFull()) return hooks.onDrop();
      lane.handOver(() => publisher.publish(channel, message)).catch(hooks.onDrop);
    },
    async subscribe(channel, listener) {
      const own = (message: string) => listener(message);
      listeners.add(channel, own);
      // Every subscriber asks: Redis takes a repeated SUBSCRIBE as done, and so the second one too waits until it is live.
      await subscriber.subscribe(channel);
      return async () => {
        if (listeners.remove(channel, own) && !lane.isClosed()) await leave(channel);
      };
    },
    listened: (prefix) => publisher.pubsub('CHANNELS', `${prefix}*`).then((names) => names.map(String)),
    async recent(channel) {
      const entries = await publisher.xrevrange(historyKey(channel), '+', '-', 'COUNT', HISTORY_MAX);
      return entries.reverse().flatMap(([, [, text = '']]) => newsOf(text) ?? []);
    },
    onReturn: (listener) => void returned.push(listener),
    async ping() {
      if (publisher.status !== 'ready') return `the connection is ${publisher.status}`;
      try {
        await publisher.ping();
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : 'it does not answer';
      }
    },
    async close() {
      lane.close();
      listeners.clear();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
