import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { decimal } from '../decimal.ts';
import { type Account, createAccount } from './account.ts';
import { answerControl } from './control.ts';
import { ERRORS, type ExchangeError } from './errors.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import type { ExchangeOrder } from './order.ts';
import { ENDPOINTS, isError } from './routes.ts';
import { type Credentials, readParams, refuseSigned } from './signing.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** The exchange's own cap on open orders of an account (its FAQ, question 5). */
const OPEN_ORDERS_MAX = 500;

export interface ExchangeSimulatorOptions extends Credentials {
  /** Loopback port; 0 or absent picks a free one. */
  readonly port?: number;
  /** The exchange's clock, ms. */
  readonly now?: () => number;
  readonly openOrdersMax?: number;
  /** Orders that rest in the book from the start. */
  readonly restingOrders?: readonly ExchangeOrder[];
}

export interface ExchangeSimulator {
  readonly url: string;
  /** Orders accepted since the start, whatever became of the answers. */
  orderCount(): number;
  /** Causes a trouble; see faults.ts. */
  inject(fault: Fault): void;
  clearFaults(): void;
  /** Moves a symbol's price (a plain decimal). */
  setPrice(symbol: string, price: string): void;
  /** Stops; open connections are cut. */
  close(): Promise<void>;
}

interface Exchange {
  readonly account: Account;
  readonly faults: Faults;
  readonly credentials: Credentials;
  readonly now: () => number;
}

/** Starts a simulated MEXC spot v3 REST API on loopback. Rejects when the port is taken. */
export async function createExchangeSimulator(options: ExchangeSimulatorOptions): Promise<ExchangeSimulator> {
  const now = options.now ?? Date.now;
  const account = createAccount({ now, openOrdersMax: options.openOrdersMax ?? OPEN_ORDERS_MAX });
  for (const order of options.restingOrders ?? []) account.restore(order);
  const exchange: Exchange = { account, faults: createFaults(), credentials: options, now };
  const server = createServer((incoming, outgoing) => {
    handle(exchange, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    orderCount: account.orderCount,
    inject: exchange.faults.inject,
    clearFaults: exchange.faults.clear,
    setPrice: (symbol, price) => account.setPrice(symbol, decimal(price)),
    async close() {
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
    const { status, body: answer } = answerControl({ method, path, body }, exchange.account, exchange.faults);
    return send(outgoing, status, answer);
  }
  const fault = exchange.faults.take(method, path);
  if (fault && 'when' in fault && fault.when === 'before') return spoil(fault, outgoing);
  if (fault?.kind === 'rate-limit') {
    outgoing.setHeader('retry-after', String(fault.retryAfterSeconds));
    return send(outgoing, fault.status ?? 429, { code: 429, msg: 'Too Many Requests' });
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

function answerApi(exchange: Exchange, request: ApiRequest, fault: Fault | undefined): object | ExchangeError {
  const { method, path, query, body, headers } = request;
  const endpoint = ENDPOINTS[`${method} ${path.replace('/api/v3/', '')}`];
  if (!endpoint || !path.startsWith('/api/v3/')) return { status: 404, code: 404, msg: 'Not Found' };
  const type = headers['content-type'];
  if (method !== 'GET' && type && !/^application\/(json|x-www-form-urlencoded)\b/.test(type)) return ERRORS.contentType;
  const nowMs = exchange.now();
  // A GET's parameters are in its query only.
  const signedBody = method === 'GET' ? '' : body;
  if (endpoint.signed) {
    const key = headers['x-mexc-apikey'];
    const apiKey = Array.isArray(key) ? key[0] : key;
    const refused = refuseSigned({ query, body: signedBody, apiKey }, exchange.credentials, nowMs);
    if (refused) return refused;
  }
  const share = fault?.kind === 'partial-fill' ? decimal(fault.share) : undefined;
  return endpoint.answer({ params: readParams(query, signedBody), account: exchange.account, nowMs, share });
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
