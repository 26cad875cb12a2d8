// node solana-api.ts rpc DELAY_MS | backend RPC_URL DEX_URL | naive RPC_URL: an RPC endpoint that answers what the sandbox's chain once has,
// after a delay; the new backend's Solana side; and what one writes first: a request for each call, and nothing kept.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { createMetrics } from '../../../backend/metrics.ts';
import { createSolana } from '../../../backend/solana/solana.ts';
import { testBackend } from '../../helpers/backend.ts';
import { KNOWN_PROBE, KNOWN_USERS } from '../../sandbox/solana/known.ts';
import { createSolanaSimulator } from '../../sandbox/solana/server.ts';

const HOST = '127.0.0.1';
const PROGRAMS = ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb'];
/** Answered for everybody as for one, so that there can be any number of accounts. */
const OF_ACCOUNTS: ReadonlySet<string> = new Set(['getBalance', 'getTokenAccountsByOwner']);
const [kind, first = '', second = ''] = process.argv.slice(2);

type Handle = (incoming: IncomingMessage, body: string) => Promise<string>;
interface RpcCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

async function listen(handle: Handle): Promise<string> {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const text = await handle(incoming, Buffer.concat(chunks).toString());
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    outgoing.end(text);
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return `${HOST}:${(server.address() as AddressInfo).port}`;
}

async function startRpc(delayMs: number) {
  const chain = await createSolanaSimulator();
  const known = new Map<string, string>();
  async function resultOf({ method, params: given }: RpcCall): Promise<string> {
    const params = OF_ACCOUNTS.has(method) ? [KNOWN_USERS[0], ...given.slice(1)] : given;
    const key = JSON.stringify([method, params]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const text = await (await fetch(`${chain.url}/rpc/a`, { method: 'POST', body })).text();
    const result = text.replace(/^\{"jsonrpc":"2.0",/, '').replace(/,"id":1\}$/, '');
    known.set(key, result);
    return result;
  }
  const http = await listen(async (_, body) => {
    const given = JSON.parse(body) as RpcCall | RpcCall[];
    const calls = Array.isArray(given) ? given : [given];
    const answers = await Promise.all(
      calls.map(async (call) => `{"jsonrpc":"2.0",${await resultOf(call)},"id":${call.id}}`),
    );
    if (delayMs > 0) await delay(delayMs);
    return Array.isArray(given) ? `[${answers.join()}]` : (answers[0] ?? '');
  });
  return { http, dex: chain.url };
}

async function startBackend(rpcUrl: string, dexUrl: string) {
  const settings = {
    rpcUrls: [rpcUrl],
    rpcLimit: { count: 1_000_000_000, periodMs: 1000 },
    rpcBatches: true,
    timeoutMs: 10_000,
    probeWallet: KNOWN_PROBE,
    jupiterUrl: `${dexUrl}/jupiter`,
    jupiterKey: undefined,
    raydiumUrl: undefined,
    relays: {},
  };
  const solana = createSolana({ settings, redisUrl: undefined, metrics: createMetrics(), now: Date.now, raised() {} });
  const { backend } = testBackend({ solana });
  return { http: await backend.listen({ host: HOST, port: 0, reconcileIntervalMs: 3_600_000 }) };
}

async function startNaive(rpcUrl: string) {
  const { origin, pathname: path } = new URL(rpcUrl);
  const pool = new Pool(origin, { connections: 32 });
  async function rpc(method: string, ...params: unknown[]): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await pool.request({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body });
    const { result } = (await answer.body.json()) as { result: Record<string, unknown> };
    return result;
  }
  const http = await listen(async ({ url = '' }, body) => {
    if (url.startsWith('/api/transaction')) {
      const { transaction } = JSON.parse(body) as { transaction: string };
      const options = { encoding: 'base64', sigVerify: false, replaceRecentBlockhash: true };
      return JSON.stringify((await rpc('simulateTransaction', transaction, options)).value);
    }
    const who = url.split('/')[3];
    if (url.endsWith('/safety')) return JSON.stringify(await rpc('getAccountInfo', who, { encoding: 'base64' }));
    const [sol, ...lists] = await Promise.all([
      rpc('getBalance', who),
      ...PROGRAMS.map((programId) => rpc('getTokenAccountsByOwner', who, { programId }, { encoding: 'jsonParsed' })),
    ]);
    return JSON.stringify({ sol: sol?.value, tokens: lists.map(({ value }) => value) });
  });
  return { http };
}

const listening =
  kind === 'rpc'
    ? await startRpc(Number(first))
    : kind === 'naive'
      ? await startNaive(first)
      : await startBackend(first, second);
process.stdout.write(`${JSON.stringify({ listening })}\n`);
