import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { decimal, formatDecimal } from '../decimal.ts';
import { answerControl } from './control.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { ListingScript } from './listings.ts';
import type { ExchangeOrder } from './order.ts';
import { createRateLimits, type RateLimits } from './rate-limits.ts';
import { ENDPOINTS, isError } from './routes.ts';
import { type Credentials, readParams, refuseSigned } from './signing.ts';
import { createState, type ExchangeState } from './state.ts';
import type { StreamFault } from './stream-faults.ts';
import { createStreams, type Streams, type StreamTimes } from './streams.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** The exchange's own cap on open orders of an account (its FAQ, question 5). */
const OPEN_ORDERS_MAX = 500;

export interface ExchangeSimulatorOptions extends Credentials {
  /** 0 or absent picks a free one. */
  readonly port?: number;
  /** Loopback unless it is said. */
  readonly host?: string;
  /** The exchange's clock, ms. */
  readonly now?: () => number;
  readonly openOrdersMax?: number;
  /** Accounts besides the one whose keys these are. */
  readonly moreAccounts?: readonly Credentials[];
  /** What the exchange counts and refuses; nothing unless told. */
  readonly limits?: RateLimits;
  readonly streamTimes?: Partial<StreamTimes>;
  readonly listenKeyLifeMs?: number;
  /** Orders of the account that rest in the book from the start. */
  readonly restingOrders?: readonly ExchangeOrder[];
}

export interface ExchangeSimulator {
  readonly url: string;
  /** Of the streams: ws://.../ws. */
  readonly streamUrl: string;
  readonly streams: Streams;
  /** Orders accepted since the start, whatever became of the answers. */
  orderCount(): number;
  /** Requests received since the start, those of the control endpoint apart. */
  requestCount(): number;
  /** Connections open now. */
  openConnections(): number;
  /** Causes a trouble; see faults.ts. */
  inject(fault: Fault): void;
  injectStream(fault: StreamFault): void;
  clearFaults(): void;
  /** Moves a symbol's price (a plain decimal). */
  setPrice(symbol: string, price: string): void;
  /** The house leaves a market; others trade there, `steps` deeds now, the same for the same seed. */
  participate(symbol: string, steps: number, seed?: number): void;
  /** The book of a symbol as the exchange has it: price and quantity, best first, and the version of it. */
  book(symbol: string): { version: number; bids: readonly [string, string][]; asks: readonly [string, string][] };
  list(script: ListingScript): void;
  setSkew(skewMs: number): void;
  expireListenKeys(): void;
  /** Stops; open connections are cut. */
  close(): Promise<void>;
}

interface Exchange extends ExchangeState {
  readonly credentials: ReadonlyMap<string, Credentials>;
  readonly limits: ReturnType<typeof createRateLimits>;
}

/** Starts a simulated MEXC spot v3, REST and streams, on loopback. Rejects when the port is taken. */
export async function createExchangeSimulator(options: ExchangeSimulatorOptions): Promise<ExchangeSimulator> {
  const now = options.now ?? Date.now;
  const accounts = [options, ...(options.moreAccounts ?? [])].map(({ apiKey, secretKey }) => ({ apiKey, secretKey }));
  const { listenKeyLifeMs } = options;
  const life = listenKeyLifeMs === undefined ? {} : { listenKeyLifeMs };
  const state = createState({ now, openOrdersMax: options.openOrdersMax ?? OPEN_ORDERS_MAX, accounts, ...life });
  for (const order of options.restingOrders ?? []) state.accounts.get(options.apiKey)?.restore(order);
  const server = createServer();
  const streams = createStreams({ ...state, server, ...(options.streamTimes ? { times: options.streamTimes } : {}) });
  const credentials = new Map(accounts.map((each) => [each.apiKey, each]));
  const limits = createRateLimits(options.limits ?? {}, state.now);
  const exchange: Exchange = { ...state, streams, credentials, limits };
  let requests = 0;
  let connections = 0;
  server.on('request', (incoming, outgoing) => {
    if (!incoming.url?.startsWith('/__control/')) requests += 1;
    handle(exchange, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('close', () => {
      connections -= 1;
    });
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const bookOf = (symbol: string) => {
    const market = exchange.markets.get(symbol);
    const side = (name: 'BUY' | 'SELL') =>
      (market?.levels(name, Number.MAX_SAFE_INTEGER) ?? []).map(({ price, quantity }): [string, string] => [
        formatDecimal(price),
        formatDecimal(quantity),
      ]);
    return { version: market?.version() ?? 0, bids: side('BUY'), asks: side('SELL') };
  };
  return {
    url: `http://127.0.0.1:${port}`,
    streamUrl: `ws://127.0.0.1:${port}/ws`,
    streams,
    orderCount: exchange.orderCount,
    requestCount: () => requests,
    openConnections: () => connections,
    inject: exchange.faults.inject,
    injectStream: streams.inject,
    clearFaults() {
      exchange.faults.clear();
      streams.clearFaults();
    },
    setPrice: (symbol, price) => exchange.setPrice(symbol, decimal(price)),
    participate: (symbol, steps, seed = 1) => exchange.participate({ symbol, steps, seed, stepsPerS: 0 }),
    book: bookOf,
    list: exchange.listings.add,
    setSkew: exchange.setSkew,
    expireListenKeys: exchange.listenKeys.expireAll,
    async close() {
      exchange.stop();
      streams.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** One request: control endpoint? else fault before, answer, fault after. */
async function handle(exchange: Exchange, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const method = incoming.method ?? 'GET';
  const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2);
  const body = await readBody(incoming);
  if (body === undefined) return send(outgoing, 413, { code: 33333, msg: 'body too large' });
  if (path.startsWith('/__control/')) {
    exchange.listings.advance();
    const { status, body: answer } = answerControl({ method, path, body }, exchange);
    return send(outgoing, status, answer);
  }
  const fault = exchange.faults.take(method, path);
  if (fault && 'when' in fault && fault.when === 'before') return spoil(fault, outgoing);
  if (fault?.kind === 'denied') {
    outgoing.writeHead(403, { 'content-type': 'text/html' });
    return void outgoing.end('<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY></BODY></HTML>\n');
  }
  if (fault?.kind === 'rate-limit') {
    outgoing.setHeader('retry-after', String(fault.retryAfterSeconds));
    return send(outgoing, fault.status ?? 429, { code: 429, msg: 'Too Many Requests' });
  }
  const refusedFor = exchange.limits.take(...costOf(method, path, incoming.headers));
  if (refusedFor) {
    outgoing.setHeader('retry-after', String(refusedFor.retryAfterSeconds));
    return send(outgoing, refusedFor.error.status, { code: refusedFor.error.code, msg: refusedFor.error.msg });
  }
  if (fault?.kind === 'latency') await delay(fault.latencyMs);
  const result = answerApi(exchange, { method, path, query, body, headers: incoming.headers }, fault);
  if (fault && 'when' in fault && !isError(result)) return spoil(fault, outgoing);
  if (isError(result)) return send(outgoing, result.status, { code: result.code, msg: result.msg });
  send(outgoing, 200, result);
}

interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** What a request costs of the rate limits: its weight, and, for an order, whose it is. */
function costOf(method: string, path: string, headers: ApiRequest['headers']): [number, string | undefined] {
  const endpoint = ENDPOINTS[`${method} ${path.replace('/api/v3/', '')}`];
  return [endpoint?.weight ?? 1, endpoint?.isOrder ? String(headers['x-mexc-apikey']) : undefined];
}

function answerApi(exchange: Exchange, request: ApiRequest, fault: Fault | undefined): object | ExchangeError {
  const { method, path, query, body, headers } = request;
  exchange.listings.advance();
  if (path === '/api/operation/new_coin_calendar') return exchange.listings.calendar();
  if (path === '/api/platform/spot/market-v2/web/symbolsV2') return exchange.listings.symbolsV2();
  const endpoint = ENDPOINTS[`${method} ${path.replace('/api/v3/', '')}`];
  if (!endpoint || !path.startsWith('/api/v3/')) return { status: 404, code: 404, msg: 'Not Found' };
  const type = headers['content-type'];
  if (method !== 'GET' && type && !/^application\/(json|x-www-form-urlencoded)\b/.test(type)) return ERRORS.contentType;
  const nowMs = exchange.now();
  // A GET's parameters are in its query only.
  const signedBody = method === 'GET' ? '' : body;
  const apiKey = [headers['x-mexc-apikey']].flat()[0];
  if (endpoint.signed) {
    const refused = refuseSigned({ query, body: signedBody, apiKey }, exchange.credentials.get(apiKey ?? ''), nowMs);
    if (refused) return refused;
  }
  const [anyAccount] = exchange.accounts.values();
  const account = exchange.accounts.get(apiKey ?? '') ?? anyAccount;
  if (!account) return ERRORS.apiKeyRequired;
  return endpoint.answer({
    params: readParams(query, signedBody),
    markets: exchange.markets,
    account,
    apiKey: apiKey ?? '',
    listenKeys: exchange.listenKeys,
    nowMs,
    share: fault?.kind === 'partial-fill' ? decimal(fault.share) : undefined,
    isStale: fault?.kind === 'stale-snapshot',
  });
}

function spoil(fault: Fault, outgoing: ServerResponse): void {
  if (fault.kind === 'reset') outgoing.socket?.resetAndDestroy();
  else if (fault.kind === 'error') send(outgoing, fault.status, { code: fault.status, msg: 'Internal error' });
  // 'hang' answers nothing; the client's deadline or close() ends the connection.
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    'content-type': 'application/json;charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  outgoing.end(text);
}
