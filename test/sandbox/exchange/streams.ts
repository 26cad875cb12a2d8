import type { Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import type { Account } from './account.ts';
import type { ListenKeys } from './listen-keys.ts';
import type { Market } from './market.ts';
import { createStreamFaults, type StreamFault } from './stream-faults.ts';
import { createTopic, followAccount, type Topic } from './stream-topics.ts';

const SUBSCRIPTIONS_MAX = 30;
const MESSAGES_PER_S_MAX = 100;
const CONNECTIONS_PER_KEY_MAX = 5;
/** A reader this far behind is cut off. */
const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;
const PRIVATE = /^spot@private\.(account|deals|orders)\.v3\.api\.pb$/;
const TICK_MS = 10;

/** The exchange's patience; tests have less. */
export interface StreamTimes {
  /** Without any subscription. */
  readonly idleMs: number;
  /** Without anything sent or received. */
  readonly silentMs: number;
  /** Whatever happens. */
  readonly lifeMs: number;
}
const USUAL_TIMES: StreamTimes = { idleMs: 30_000, silentMs: 60_000, lifeMs: 24 * 3_600_000 };

interface Connection {
  readonly socket: WebSocket;
  readonly topics: Set<string>;
  readonly listenKey: string | undefined;
  readonly openedAtMs: number;
  lastFlowAtMs: number;
  secondStartedAtMs: number;
  messagesInSecond: number;
}

export interface StreamsOptions {
  readonly server: Server;
  readonly now: () => number;
  readonly markets: ReadonlyMap<string, Market>;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly listenKeys: ListenKeys;
  readonly times?: Partial<StreamTimes>;
}

export interface Streams {
  /** Pushes now what has gathered, whatever the interval. */
  flush(): void;
  inject(fault: StreamFault): void;
  clearFaults(): void;
  /** Cuts every connection off, without a farewell. */
  cut(): void;
  connectionCount(): number;
  subscriptionCount(): number;
  close(): void;
}

const commandForm = z.object({ method: z.string().optional(), params: z.array(z.string()).optional() });

/** Without a method when the text is no command. */
function readCommand(text: string): z.infer<typeof commandForm> {
  try {
    return commandForm.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** The WebSocket side at /ws: JSON commands in, JSON acknowledgements and Protocol Buffers out. */
export function createStreams(options: StreamsOptions): Streams {
  const { server, now, markets, accounts, listenKeys } = options;
  const times = { ...USUAL_TIMES, ...options.times };
  const sockets = new WebSocketServer({ server, path: '/ws', maxPayload: 64 * 1024, perMessageDeflate: false });
  const connections = new Set<Connection>();
  const topics = new Map<string, Topic & { dueAtMs: number; readers: number }>();
  const faults = createStreamFaults();

  const deliver = (name: string, frame: Uint8Array, isFor: (connection: Connection) => boolean): void => {
    const readers = [...connections].filter((connection) => connection.topics.has(name) && isFor(connection));
    if (readers.length === 0) return; // A trouble is for somebody.
    for (const each of faults.spoil(name, frame))
      for (const connection of readers) {
        connection.lastFlowAtMs = now();
        if (connection.socket.bufferedAmount > BUFFERED_BYTES_MAX) connection.socket.terminate();
        else connection.socket.send(each);
      }
  };

  for (const [apiKey, account] of accounts)
    followAccount(account, now, (topic, frame) =>
      deliver(topic, frame, ({ listenKey }) => listenKeys.accountOf(listenKey ?? '') === apiKey),
    );

  const pushDue = (isDue: (dueAtMs: number) => boolean): void => {
    for (const [name, topic] of topics) {
      if (!isDue(topic.dueAtMs)) continue;
      topic.dueAtMs = performance.now() + topic.everyMs;
      const frame = topic.take();
      if (frame) deliver(name, frame, () => true);
    }
  };

  const release = (name: string): void => {
    const topic = topics.get(name);
    if (!topic) return;
    topic.readers -= 1;
    if (topic.readers > 0) return;
    topic.stop();
    topics.delete(name);
  };

  const watch = (connection: Connection): void => {
    const { socket, listenKey, openedAtMs, lastFlowAtMs } = connection;
    const expired = listenKey !== undefined && listenKeys.accountOf(listenKey) === undefined;
    const ageMs = now() - openedAtMs;
    const isIdle = connection.topics.size === 0 && ageMs >= times.idleMs;
    if (expired || isIdle || now() - lastFlowAtMs >= times.silentMs || ageMs >= times.lifeMs) socket.close(1000);
  };

  const opened = (name: string) => {
    const topic = createTopic(name, markets, now);
    return topic && { ...topic, dueAtMs: 0, readers: 0 };
  };

  const subscribe = (connection: Connection, name: string): { code: number; msg: string } => {
    if (connection.topics.has(name)) return { code: 0, msg: name };
    if (connection.topics.size >= SUBSCRIPTIONS_MAX) return { code: 1, msg: `Too many subscriptions [${name}]` };
    const isPrivate = PRIVATE.test(name);
    if (isPrivate && connection.listenKey === undefined) return { code: 1, msg: `Not authorized [${name}]` };
    if (!isPrivate) {
      const topic = topics.get(name) ?? opened(name);
      if (!topic) return { code: 1, msg: `Not Subscribed successfully! [${name}]. Reason: Blocked!` };
      topic.readers += 1;
      topics.set(name, topic);
    }
    connection.topics.add(name);
    return { code: 0, msg: name };
  };

  const command = (connection: Connection, text: string): void => {
    const say = (answer: object): void => connection.socket.send(JSON.stringify({ id: 0, ...answer }));
    const asked = readCommand(text);
    const names = asked.params ?? [];
    switch (asked.method?.toUpperCase()) {
      case 'PING':
        say({ code: 0, msg: 'PONG' });
        break;
      case 'SUBSCRIPTION':
        for (const name of names) say(subscribe(connection, name));
        break;
      case 'UNSUBSCRIPTION':
        for (const name of names) {
          if (connection.topics.delete(name)) release(name);
          say({ code: 0, msg: name });
        }
        break;
      default:
        say({ code: 1, msg: 'no such method' });
    }
  };

  sockets.on('connection', (socket, request) => {
    const listenKey = new URL(request.url ?? '/', 'ws://exchange').searchParams.get('listenKey') ?? undefined;
    const sameKey = [...connections].filter((other) => listenKey !== undefined && other.listenKey === listenKey).length;
    if (listenKey !== undefined && listenKeys.accountOf(listenKey) === undefined)
      return socket.close(1008, 'listenKey');
    if (sameKey >= CONNECTIONS_PER_KEY_MAX) return socket.close(1008, 'too many connections');
    const counters = { lastFlowAtMs: now(), secondStartedAtMs: now(), messagesInSecond: 0 };
    const connection: Connection = { socket, topics: new Set(), listenKey, openedAtMs: now(), ...counters };
    connections.add(connection);
    socket.on('message', (data) => {
      connection.lastFlowAtMs = now();
      if (now() - connection.secondStartedAtMs >= 1000) {
        connection.secondStartedAtMs = now();
        connection.messagesInSecond = 0;
      }
      connection.messagesInSecond += 1;
      if (connection.messagesInSecond > MESSAGES_PER_S_MAX) socket.close(1008, 'too many messages');
      else command(connection, data.toString());
    });
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => {
      connections.delete(connection);
      for (const name of connection.topics) release(name);
    });
  });

  const ticking = setInterval(() => {
    pushDue((dueAtMs) => dueAtMs <= performance.now());
    for (const connection of connections) watch(connection);
  }, TICK_MS);
  ticking.unref();

  return {
    flush: () => pushDue(() => true),
    inject: faults.inject,
    clearFaults: faults.clear,
    cut() {
      for (const socket of sockets.clients) socket.terminate();
    },
    connectionCount: () => connections.size,
    subscriptionCount: () => [...connections].reduce((sum, connection) => sum + connection.topics.size, 0),
    close() {
      clearInterval(ticking);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}
