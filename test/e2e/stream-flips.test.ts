// The promise of streams: their route is flipped again and again under open WebSockets and event streams, on two sides that
// spell differently, and every client has the whole sequence, each message once. STREAM_CLIENTS=1000 makes it larger.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { channels } from '../../backend/bus/bus.ts';
import { createRedisBus } from '../../backend/bus/redis.ts';
import { testBackend } from '../helpers/backend.ts';
import { type Closable, closingAfterEach } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { type EventSource, followEvents } from '../helpers/event-source.ts';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { startRedis } from '../helpers/redis.ts';
import { createLegacyNews } from '../sandbox/legacy/news.ts';

const CLIENTS = Number(process.env.STREAM_CLIENTS ?? 100);
const EVENT_CLIENTS = CLIENTS / 10;
const FLIPS = 4;
/** What all clients together get within a second. */
const MESSAGES_PER_SECOND = 4000;
const CHANNEL = channels.market('BTCUSDT');
const streams = { onFlip: 'drain', drainMs: 20_000, jitterMs: CLIENTS };
const keep = closingAfterEach();

type Side = 'legacy' | 'new';
type Message = { readonly type: string; readonly seq?: number; readonly id?: string; readonly timestamp: unknown };
type Kept = {
  readonly seen: number[];
  readonly gaps: number[];
  readonly sides: Set<Side>;
  openings: number;
};
type Following = Kept & Closable;

/** What a client keeps: numbers, gaps that it was told of, and the sides it was on, told apart by how they spell time. */
function createFollowing(): Kept & {
  take(message: Message): void;
  lastId: string | undefined;
  isLeaving: boolean;
} {
  return {
    seen: [],
    gaps: [],
    sides: new Set(),
    openings: 0,
    lastId: undefined,
    isLeaving: false,
    take({ type, seq, id, timestamp }) {
      this.sides.add(typeof timestamp === 'string' ? 'legacy' : 'new');
      if (type === 'gap') this.gaps.push(this.seen.length);
      if (seq === undefined) return;
      this.seen.push(seq);
      this.lastId = id;
    },
  };
}

/** A WebSocket that comes back whenever it is closed, and reads on from where it was. */
function followSocket(url: string): Following {
  const following = createFollowing();
  let socket: WebSocket;
  const open = (): void => {
    socket = new WebSocket(`${url.replace('http', 'ws')}/ws/trading`);
    socket.on('open', () => {
      following.openings += 1;
      socket.send(JSON.stringify({ type: 'subscribe', token: 'BTCUSDT', after: following.lastId }));
    });
    socket.on('message', (bytes) => following.take(JSON.parse(String(bytes))));
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => following.isLeaving || setTimeout(open, 10));
  };
  open();
  const close = () => {
    following.isLeaving = true;
    socket.terminate();
  };
  return Object.assign(following, { close });
}

/** The same with server-sent events. */
function followFeed(url: string): Following {
  const following = createFollowing();
  let source: EventSource | undefined;
  const run = async (): Promise<void> => {
    while (!following.isLeaving) {
      const headers = following.lastId === undefined ? {} : { 'last-event-id': following.lastId };
      source = await followEvents(`${url}/api/sse/market/BTCUSDT`, headers as Record<string, string>);
      following.openings += 1;
      let taken = 0;
      const takeAll = () => {
        for (const { data } of source?.events.slice(taken) ?? []) following.take(data);
        taken = source?.events.length ?? 0;
      };
      const polling = setInterval(takeAll, 5);
      await source.ended;
      clearInterval(polling);
      takeAll();
    }
  };
  void run().catch(() => {});
  const close = () => {
    following.isLeaving = true;
    source?.close();
  };
  return Object.assign(following, { close });
}

describe('flipping the streams’ routes', () => {
  const opened: Closable[] = [];
  let gateway: TestGateway;
  let tell: (i: number) => void;

  async function newSide(redisUrl: string): Promise<string> {
    const bus = createRedisBus(redisUrl, { onDrop() {}, raised() {} });
    const { backend } = testBackend({ bus });
    opened.push(bus, { close: () => backend.close({ timeoutMs: 1000 }) });
    await eventually(async () => (await bus.ping()) === undefined, 'the bus');
    tell = (i) => bus.tell(CHANNEL, 'market_update', { symbol: 'BTCUSDT', price: '65000.10', i });
    return `http://${await backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 60_000 })}`;
  }

  async function legacySide(redisUrl: string): Promise<string> {
    const news = createLegacyNews(createRedisBus(redisUrl, { onDrop() {}, raised() {} }));
    const server = createServer(
      (incoming, outgoing) => news.handle(incoming, outgoing) || outgoing.writeHead(404).end(),
    );
    server.on('upgrade', news.upgrade);
    opened.push({
      async close() {
        server.close();
        await news.close();
        server.closeAllConnections();
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  before(async () => {
    const redis = await startRedis();
    opened.push(redis);
    const sides = { legacy: await legacySide(redis.url), new: await newSide(redis.url) };
    const routes = ['/ws/trading', '/api/sse/market/:symbol'].map((path, i) => ({
      id: `stream.${i}`,
      match: { methods: ['GET'], path },
      streams,
    }));
    gateway = await startTestGateway({ ...sides, routes, overrides: { log: { level: 'warn' } } });
    opened.push(gateway);
  });
  after(async () => {
    for (const each of opened.reverse()) await each.close();
  });

  async function flip(stage: string): Promise<void> {
    for (const id of ['stream.0', 'stream.1']) {
      const answer = await gateway.api(
        'PUT',
        `/api/routes/${id}/stage`,
        { stage, reason: 'a flip' },
        { 'if-match': '*' },
      );
      assert.equal(answer.status, 200);
    }
  }

  it(`${CLIENTS} WebSockets and ${EVENT_CLIENTS} event streams have every message once, whatever side they were on`, async () => {
    const clients = await Promise.all([
      ...Array.from({ length: CLIENTS }, () => keep(followSocket(gateway.url))),
      ...Array.from({ length: EVENT_CLIENTS }, () => keep(followFeed(gateway.url))),
    ]);
    const haveOpened = (times: number) => () => clients.every(({ openings }) => openings >= times);
    await eventually(haveOpened(1), 'all clients to be open', 30_000);
    let told = 0;
    const everyMs = Math.ceil((1000 * clients.length) / MESSAGES_PER_SECOND);
    const telling = setInterval(() => tell(++told), everyMs);
    try {
      await eventually(() => clients.every(({ seen }) => seen.length > 0), 'the first message everywhere', 30_000);
      for (let i = 1; i <= FLIPS; i++) {
        await flip(i % 2 === 1 ? 'complete' : 'legacy');
        await eventually(haveOpened(i + 1), `all clients to be back after flip ${i}`, 60_000);
        await delay(2 * everyMs);
      }
    } finally {
      clearInterval(telling);
    }
    await eventually(() => clients.every(({ seen }) => seen.at(-1) === told), 'the last message everywhere', 30_000);
    for (const { seen, gaps, sides } of clients) {
      const [first = 0] = seen;
      assert.deepEqual(
        seen,
        Array.from({ length: told - first + 1 }, (_, i) => first + i),
      );
      assert.deepEqual(gaps, []);
      assert.deepEqual([...sides].sort(), ['legacy', 'new']);
    }
  });
});
