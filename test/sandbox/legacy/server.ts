import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createRedisBus } from '../../../backend/bus/redis.ts';
import { type LegacyAnswer, plant } from '../planted.ts';
import { openDatabase } from './database.ts';
import { createExchangeClient } from './exchange-client.ts';
import { createLegacyNews, type LegacyNews } from './news.ts';
import { Problem } from './problem.ts';
import { pythonJson } from './python.ts';
import { LEGACY_ROUTES, type LegacyRoute } from './routes.ts';
import { createLegacySolana, type LegacySolana } from './solana.ts';
import { createPriceStreams, type PriceStreams } from './stream.ts';
import { quotedPrice, type Trading } from './trading.ts';

const BODY_BYTES_MAX = 256 * 1024;
/** How long requests in flight may take when stopping. */
const DRAIN_MS = 5_000;
const STREAM_PATH = /^\/api\/sse\/price\/(?<token>[^/]+)$/;

export interface LegacyOptions {
  readonly databaseUrl: string;
  readonly exchange: { readonly url: string; readonly apiKey: string; readonly secretKey: string };
  /** 0 or absent picks a free one. */
  readonly port?: number;
  /** Loopback unless it is said. */
  readonly host?: string;
  /** Whether the answers have the planted differences; the sandbox's have, tests for parity want none. */
  readonly planted: boolean;
  readonly now?: () => number;
  /** Where both sides' news are; without it there are prices only. */
  readonly redisUrl?: string | undefined;
  /** The chain's RPC; without it nothing of Solana is answered. */
  readonly solanaUrl?: string | undefined;
}

export interface Legacy {
  readonly url: string;
  /** Ends streams, lets requests in flight finish within a deadline, closes the pools. */
  close(): Promise<void>;
}

interface Service {
  readonly solana: LegacySolana | undefined;
  readonly trading: Trading;
  readonly streams: PriceStreams;
  readonly planted: boolean;
  readonly news: LegacyNews | undefined;
}

/** Starts the legacy backend: a stand-in with the manners of a Python service under uvicorn. */
export async function createLegacy(options: LegacyOptions): Promise<Legacy> {
  const now = options.now ?? Date.now;
  const trading = {
    database: openDatabase(options.databaseUrl),
    exchange: createExchangeClient(options.exchange),
    now,
  };
  const streams = createPriceStreams({ price: (symbol) => quotedPrice(trading.exchange, symbol), now });
  const ignored = { onDrop() {}, raised() {} };
  const news =
    options.redisUrl === undefined ? undefined : createLegacyNews(createRedisBus(options.redisUrl, ignored, now), now);
  const solana = options.solanaUrl === undefined ? undefined : createLegacySolana(options.solanaUrl);
  const service = { trading, solana, streams, news, planted: options.planted };
  const server = createServer((incoming, outgoing) => {
    handle(service, incoming, outgoing).catch((error: unknown) => {
      console.error(`legacy: ${incoming.method} ${incoming.url} failed:`, error);
      if (outgoing.headersSent) outgoing.destroy();
      else send(outgoing, 500, { detail: 'Internal Server Error' });
    });
  });
  if (news) server.on('upgrade', news.upgrade);
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      streams.close();
      await news?.close();
      server.closeIdleConnections();
      const cancel = new AbortController();
      const patience = delay(DRAIN_MS, undefined, { signal: cancel.signal }).then(
        () => server.closeAllConnections(),
        () => {},
      );
      await Promise.race([closed, patience]);
      cancel.abort();
      await closed;
      await Promise.all([trading.database.close(), trading.exchange.close(), solana?.close()]);
    },
  };
}

/** One request: text endpoints and streams first, then the route table; every Problem becomes {"detail": ...}. */
async function handle(service: Service, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://legacy');
  if (url.pathname === '/health' && incoming.method === 'GET') return sendText(outgoing, 'OK');
  if (service.news?.handle(incoming, outgoing)) return;
  try {
    const token = incoming.method === 'GET' ? STREAM_PATH.exec(url.pathname)?.groups?.token : undefined;
    if (token !== undefined) return service.streams.open(token, incoming, outgoing);
    const { route, params } = match(incoming.method ?? 'GET', url.pathname);
    const header = incoming.headers['x-user-id'];
    const headerUserId = Array.isArray(header) ? header[0] : header;
    const body = await readBody(incoming);
    const answer = await route.handle({
      trading: service.trading,
      solana: service.solana,
      params,
      query: url.searchParams,
      body,
      headerUserId,
    });
    const given: LegacyAnswer = service.planted ? plant(route.id, answer) : answer;
    send(outgoing, given.status, given.body);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    send(outgoing, error.status, { detail: error.message });
  }
}

function match(method: string, path: string): { route: LegacyRoute; params: Readonly<Record<string, string>> } {
  const fitting = LEGACY_ROUTES.filter(({ pattern }) => pattern.test(path));
  const route = fitting.find((candidate) => candidate.method === method);
  if (!route) throw fitting.length > 0 ? new Problem(405, 'Method Not Allowed') : new Problem(404, 'Not Found');
  const groups = Object.entries(route.pattern.exec(path)?.groups ?? {});
  return { route, params: Object.fromEntries(groups.map(([name, text]) => [name, decode(text)])) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // Not an escape after all; taken literally, as Python's unquote does.
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Problem(413, 'the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  const text = pythonJson(body);
  const headers = { server: 'uvicorn', 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  outgoing.writeHead(status, headers);
  outgoing.end(text);
}

function sendText(outgoing: ServerResponse, text: string): void {
  outgoing.writeHead(200, {
    server: 'uvicorn',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': text.length,
  });
  outgoing.end(text);
}
