// The sandbox's Solana: POST /rpc/NAME is an RPC endpoint (as many names as one likes, all of one chain, each with faults of its
// own), /jupiter and /raydium the exchanges' APIs, /__control what only a stand-in has.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { type Chain, type ChainOptions, createChain } from './chain.ts';
import { createDex } from './dex.ts';
import { RPC_CODES, RpcError } from './errors.ts';
import { createSolanaFaults, faultSchema, type SolanaFaults } from './faults.ts';
import { createMethods, type RpcMethod } from './methods.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const BATCH_MAX = 100;

export interface SolanaSimulator {
  readonly url: string;
  readonly chain: Chain;
  readonly faults: SolanaFaults;
  /** Calls of a method so far (each call of a batch counts), at one endpoint or at all. */
  calls(method: string, endpoint?: string): number;
  close(): Promise<void>;
}

interface Running {
  readonly chain: Chain;
  readonly faults: SolanaFaults;
  readonly dex: ReturnType<typeof createDex>;
  readonly methods: Map<string, Readonly<Record<string, RpcMethod>>>;
  readonly counts: Map<string, number>;
}

const call = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string(),
  params: z.array(z.unknown()).default([]),
});

/** `port` 0 or absent picks a free one. The same seed gives the same addresses and answers. */
export async function createSolanaSimulator(options: ChainOptions & { port?: number } = {}): Promise<SolanaSimulator> {
  const chain = await createChain(options);
  const faults = createSolanaFaults();
  const running: Running = { chain, faults, dex: createDex(chain), methods: new Map(), counts: new Map() };
  const server = createServer((incoming, outgoing) => {
    handle(running, incoming, outgoing).catch((error: unknown) => {
      console.error('solana: a request failed:', error);
      if (outgoing.headersSent) outgoing.destroy();
      else send(outgoing, 500, { error: 'internal' });
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chain,
    faults,
    calls: (method, endpoint) =>
      [...running.counts]
        .filter(([key]) => (endpoint === undefined ? key.endsWith(` ${method}`) : key === `${endpoint} ${method}`))
        .reduce((sum, [, count]) => sum + count, 0),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(running: Running, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://solana');
  const method = incoming.method ?? 'GET';
  const body = await readBody(incoming);
  if (body === undefined) return send(outgoing, 413, { error: 'body too large' });
  if (url.pathname.startsWith('/__control/')) {
    const { status, body: answer } = control(running, `${method} ${url.pathname.replace('/__control/', '')}`, body);
    return send(outgoing, status, answer);
  }
  const [, first = '', second = ''] = url.pathname.split('/');
  const endpoint = first === 'rpc' ? second : first;
  const fault = running.faults.take(endpoint);
  if (fault?.latencyMs) await delay(fault.latencyMs);
  if (fault?.hang) return; // The client's deadline or close() ends the connection.
  if (fault?.status !== undefined) {
    if (fault.retryAfterSeconds !== undefined) outgoing.setHeader('retry-after', String(fault.retryAfterSeconds));
    return send(outgoing, fault.status, { error: 'as asked for' });
  }
  if (first === 'rpc' && method === 'POST') return send(outgoing, 200, answerRpc(running, endpoint, body));
  const answer = await dexAnswer(running, method, url, body);
  send(outgoing, answer?.status ?? 404, answer?.body ?? { error: 'Not Found' });
}

async function dexAnswer({ dex }: Running, method: string, url: URL, body: string) {
  try {
    return await dex.answer(method, url.pathname, url.searchParams, body);
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

function answerRpc(running: Running, endpoint: string, body: string): unknown {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return failure(null, RPC_CODES.parse, 'Parse error');
  }
  if (!Array.isArray(given)) return answerCall(running, endpoint, given);
  if (given.length === 0 || given.length > BATCH_MAX) return failure(null, RPC_CODES.invalidRequest, 'Invalid request');
  return given.map((each) => answerCall(running, endpoint, each));
}

function answerCall(running: Running, endpoint: string, given: unknown): unknown {
  const parsed = call.safeParse(given);
  if (!parsed.success) return failure(null, RPC_CODES.invalidRequest, 'Invalid request');
  const { id = null, method, params } = parsed.data;
  const key = `${endpoint} ${method}`;
  running.counts.set(key, (running.counts.get(key) ?? 0) + 1);
  const methods =
    running.methods.get(endpoint) ?? createMethods(running.chain, () => running.faults.of(endpoint)?.lagSlots ?? 0);
  running.methods.set(endpoint, methods);
  const found = methods[method];
  if (!found) return failure(id, RPC_CODES.methodNotFound, 'Method not found');
  try {
    return { jsonrpc: '2.0', result: found(params), id };
  } catch (error) {
    if (error instanceof RpcError) return failure(id, error.code, error.message, error.data);
    if (error instanceof z.ZodError) return failure(id, RPC_CODES.invalidParams, 'Invalid params');
    return failure(id, RPC_CODES.internal, error instanceof Error ? error.message : String(error));
  }
}

const failure = (id: unknown, code: number, message: string, data?: unknown) => ({
  jsonrpc: '2.0',
  error: { code, message, ...(data === undefined ? {} : { data }) },
  id,
});

/** POST faults (a SolanaFault), DELETE faults, GET tokens (what there is to try). */
function control({ faults, chain }: Running, what: string, body: string): { status: number; body: object } {
  try {
    switch (what) {
      case 'POST faults':
        faults.set(faultSchema.parse(JSON.parse(body)));
        return { status: 200, body: {} };
      case 'DELETE faults':
        faults.clear();
        return { status: 200, body: {} };
      case 'GET tokens': {
        const tokens = chain.tokens.map(({ shape, mint }) => ({ name: shape.name, mint, isTrap: shape.isTrap }));
        return { status: 200, body: { tokens, users: chain.users.map(({ address }) => address) } };
      }
      default:
        return { status: 404, body: { error: 'no such control' } };
    }
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
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

function send(outgoing: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}
