// The legacy side's streams over the channels in Redis that both sides share: /ws/trading and /api/sse/*, spelled as Python does.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Bus, channels, type Unsubscribe } from '../../../backend/bus/bus.ts';
import { idOf, isAfter, type News, type NewsId, newsOf, parseNewsId } from '../../../backend/bus/news.ts';
import { float, nowIso, pythonJson } from './python.ts';

const CLIENTS_MAX = 2000;
const UNREAD_BYTES_MAX = 1024 * 1024;
const MESSAGE_BYTES_MAX = 16 * 1024;
const RETRY_MS = 1000;
/** News that arrive while the history is read. */
const EARLY_MAX = 1000;
const EVENTS_PATH = /^\/api\/sse\/(?<kind>price|market|orders)\/(?<name>[^/?]+)$/;
const PULSE_PATH = '/api/sse/pulse';
const SOCKET_PATH = '/ws/trading';
const DECIMAL = /^-?\d{1,15}(\.\d+)?$/;

export interface LegacyNews {
  /** True when the request is one for events, and has been taken. */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

/** Its own spelling: floats where new writes decimal strings, times as Python prints them, another order of members. */
export function legacyText({ text }: News): string {
  const { type, data, timestamp, seq, id } = JSON.parse(text);
  return pythonJson({ type, timestamp: nowIso(timestamp), data: withFloats(data), seq, id });
}

function withFloats(value: unknown): unknown {
  if (typeof value === 'string') return DECIMAL.test(value) ? float(value) : value;
  if (Array.isArray(value)) return value.map(withFloats);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withFloats(member)]));
}

/** News after `after`, each once and in order, or from the newest on. */
async function follow(
  bus: Bus,
  channel: string,
  after: NewsId | undefined,
  listener: (news: News) => void,
): Promise<Unsubscribe> {
  let last = after;
  let early: News[] | undefined = [];
  const take = (news: News): void => {
    if (last && !isAfter(news, last)) return;
    last = news;
    listener(news);
  };
  const unsubscribe = await bus.subscribe(channel, (text) => {
    const news = newsOf(text);
    if (!news) return;
    if (!early) take(news);
    else if (early.length < EARLY_MAX) early.push(news);
  });
  const recent = await bus.recent(channel);
  for (const news of [...(after ? recent : recent.slice(-1)), ...early]) take(news);
  early = undefined;
  return unsubscribe;
}

function channelOf(kind: unknown, name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined;
  if (kind === 'orders') return channels.orders(name);
  if (kind === 'pulse') return channels.pulse(name);
  return kind === 'price' ? channels.price(name) : channels.market(name);
}

/** The channel that a request for events names; undefined when it is for something else. */
function channelAsked(url = ''): string | undefined {
  const { pathname, searchParams } = new URL(url, 'http://legacy');
  if (pathname === PULSE_PATH) return channelOf('pulse', searchParams.get('category') ?? 'new_pairs');
  const { kind, name } = EVENTS_PATH.exec(pathname)?.groups ?? {};
  return kind === undefined ? undefined : channelOf(kind, name);
}

const nameIn = ({ channel, token, category, user_id }: Record<string, unknown>): unknown =>
  channel === 'orders' ? user_id : channel === 'pulse' ? category : token;

const idIn = (text: unknown): NewsId | undefined => (typeof text === 'string' ? parseNewsId(text) : undefined);

export function createLegacyNews(bus: Bus, now: () => number = Date.now): LegacyNews {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX });
  const open = new Set<() => void>();

  function connected(socket: WebSocket): void {
    const leaving: Promise<Unsubscribe>[] = [];
    const end = () => socket.close(1012);
    const say = (type: string, data: object) => socket.send(pythonJson({ type, timestamp: nowIso(now()), data }));
    open.add(end);
    socket.on('error', () => {});
    socket.on('message', (bytes) => {
      const message = parsed(String(bytes));
      const { type, after } = message;
      const channel = channelOf(message.channel, nameIn(message));
      if (type === 'ping') return say('pong', {});
      if (type !== 'subscribe' || channel === undefined) return say('error', { message: `cannot do ${type}` });
      const following = follow(bus, channel, idIn(after), (news) => {
        if (socket.bufferedAmount > UNREAD_BYTES_MAX) socket.terminate();
        else socket.send(legacyText(news));
      });
      leaving.push(following);
      following.then(() => say('status', { channel, state: 'subscribed' })).catch(() => socket.terminate());
    });
    socket.once('close', () => {
      open.delete(end);
      for (const each of leaving) each.then((leave) => leave()).catch(() => {});
    });
  }

  function events(channel: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const end = () => outgoing.end();
    open.add(end);
    outgoing.writeHead(200, {
      server: 'uvicorn',
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    outgoing.write(`retry: ${RETRY_MS}\ndata: ${pythonJson({ type: 'connected', timestamp: nowIso(now()) })}\n\n`);
    const following = follow(bus, channel, idIn(incoming.headers['last-event-id']), (news) => {
      if (outgoing.writableLength > UNREAD_BYTES_MAX) outgoing.destroy();
      else outgoing.write(`id: ${idOf(news)}\ndata: ${legacyText(news)}\n\n`);
    });
    following.catch(() => outgoing.destroy());
    outgoing.once('close', () => {
      open.delete(end);
      following.then((leave) => leave()).catch(() => {});
    });
  }

  return {
    handle(incoming, outgoing) {
      const channel = incoming.method === 'GET' ? channelAsked(incoming.url) : undefined;
      if (channel === undefined) return false;
      if (open.size < CLIENTS_MAX) events(channel, incoming, outgoing);
      else outgoing.writeHead(503).end();
      return true;
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      if (request.url?.split('?', 1)[0] === SOCKET_PATH && open.size < CLIENTS_MAX)
        server.handleUpgrade(request, socket, head, connected);
      else socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    },
    async close() {
      for (const end of [...open]) end();
      await bus.close();
    },
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
