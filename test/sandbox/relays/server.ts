// The sandbox's relays: /jito, /bloxroute and /nextblock as each has published its API, with its limits and its tips; /__control
// gives them troubles.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { type Bundle, bundleOf, land } from './bundles.ts';
import { RELAY_NAMES, type RelayName } from './tips.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const BUNDLES_MAX = 20_000;
const JITO_STATUSES_MAX = 5;
const BUNDLE_MAX: Readonly<Record<RelayName, number>> = { jito: 5, bloxroute: 4, nextblock: 4 };
/** Requests a second. Jito's is published; the others' depend on the plan. */
const LIMITS: Readonly<Record<RelayName, number>> = { jito: 1, bloxroute: 50, nextblock: 50 };

/**
 * `status` answers with that instead of taking anything; `loses` takes and never lands; `landsThenStatus` lands and answers with that
 * all the same; `hang` takes nothing and answers nothing. `count`: only of so many requests.
 */
export const relayFaultSchema = z.strictObject({
  relay: z.enum(RELAY_NAMES),
  latencyMs: z.int().min(0).max(60_000).optional(),
  status: z.int().min(400).max(599).optional(),
  loses: z.boolean().optional(),
  landsThenStatus: z.int().min(400).max(599).optional(),
  hang: z.boolean().optional(),
  count: z.int().min(1).optional(),
});
export type RelayFault = z.infer<typeof relayFaultSchema>;

export interface RelaysOptions {
  readonly port?: number;
  /** Where they land transactions. */
  readonly rpcUrl: string;
  /** Without one of a relay it asks for no token. */
  readonly tokens?: Partial<Readonly<Record<RelayName, string>>>;
  readonly limits?: Partial<Readonly<Record<RelayName, number>>>;
  readonly now?: () => number;
}

export interface RelaysSimulator {
  readonly url: string;
  setFault(fault: RelayFault): void;
  clearFaults(): void;
  /** Requests to hand over something, whatever came of them. */
  requests(relay: RelayName): number;
  close(): Promise<void>;
}

const jitoCall = z.object({
  id: z.unknown(),
  method: z.string(),
  params: z
    .tuple([z.array(z.string()), z.object({ encoding: z.string() }).optional()])
    .or(z.tuple([z.array(z.string())])),
});
const single = z.object({ transaction: z.object({ content: z.string() }) });
const batch = z.object({ entries: z.array(single).min(2), useBundle: z.boolean().optional() });

type Answer = { readonly status: number; readonly body: object; readonly bundle?: Bundle };

function jitoAnswer(path: string, text: string, statusOf: (id: string) => string): Answer {
  const { id, method, params } = jitoCall.parse(JSON.parse(text));
  const [list, options] = params;
  if (method === 'getInflightBundleStatuses' && path === '/api/v1/getInflightBundleStatuses') {
    if (list.length > JITO_STATUSES_MAX)
      return { status: 400, body: { jsonrpc: '2.0', id, error: { code: -32602, message: 'too many' } } };
    const value = list.map((each) => ({ bundle_id: each, status: statusOf(each), landed_slot: null }));
    return { status: 200, body: { jsonrpc: '2.0', id, result: { context: { slot: 1 }, value } } };
  }
  const failed = (message: string): Answer => ({
    status: 400,
    body: { jsonrpc: '2.0', id, error: { code: -32602, message } },
  });
  if (method !== 'sendBundle' || path !== '/api/v1/bundles') return failed('unknown method');
  if (options?.encoding !== 'base64') return failed('base58 transactions are not taken here');
  const bundle = bundleOf('jito', list, BUNDLE_MAX.jito);
  if (typeof bundle === 'string') return failed(bundle);
  return { status: 200, body: { jsonrpc: '2.0', id, result: bundle.id }, bundle };
}

function submitAnswer(relay: 'bloxroute' | 'nextblock', path: string, text: string): Answer {
  const given: unknown = JSON.parse(text);
  const isBatch = path === '/api/v2/submit-batch';
  if (!isBatch && path !== '/api/v2/submit') return { status: 404, body: { code: 5, message: 'Not Found' } };
  const wires = isBatch
    ? batch.parse(given).entries.map(({ transaction }) => transaction.content)
    : [single.parse(given).transaction.content];
  const bundle = bundleOf(relay, wires, BUNDLE_MAX[relay]);
  if (typeof bundle === 'string') return { status: 400, body: { code: 3, message: bundle } };
  const uuid = randomUUID();
  const body =
    isBatch && relay === 'bloxroute'
      ? { transactions: bundle.signatures.map((signature) => ({ signature, error: '', submitted: true })), uuid }
      : { signature: bundle.signatures[0], uuid };
  return { status: 200, body, bundle };
}

function createFaults() {
  const faults = new Map<RelayName, RelayFault>();
  return {
    set: (fault: RelayFault) => void faults.set(fault.relay, fault),
    clear: () => faults.clear(),
    take(relay: RelayName): RelayFault | undefined {
      const fault = faults.get(relay);
      if (fault?.count === undefined) return fault;
      if (fault.count > 1) faults.set(relay, { ...fault, count: fault.count - 1 });
      else faults.delete(relay);
      return fault;
    },
  };
}

/** `port` 0 or absent picks a free one. */
export async function createRelaysSimulator(options: RelaysOptions): Promise<RelaysSimulator> {
  const { rpcUrl, tokens = {}, limits = {}, now = Date.now } = options;
  const faults = createFaults();
  const bundles = new Map<string, 'Pending' | 'Landed' | 'Failed'>();
  const recent = new Map<RelayName, number[]>();
  const counts = new Map<RelayName, number>();

  function isOverLimit(relay: RelayName): boolean {
    const most = limits[relay] ?? LIMITS[relay];
    const within = (recent.get(relay) ?? []).filter((atMs) => now() - atMs < 1000);
    const isOver = within.length >= most;
    recent.set(relay, isOver ? within : [...within, now()]);
    return isOver;
  }

  function note(id: string, status: 'Pending' | 'Landed' | 'Failed'): void {
    const [oldest] = bundles.keys();
    if (bundles.size >= BUNDLES_MAX && oldest !== undefined) bundles.delete(oldest);
    bundles.set(id, status);
  }

  async function landed({ loses }: RelayFault, bundle: Bundle): Promise<void> {
    note(bundle.id, 'Pending');
    if (loses) note(bundle.id, 'Failed');
    else note(bundle.id, (await land(rpcUrl, bundle)) === 'landed' ? 'Landed' : 'Failed');
  }

  async function relayed(relay: RelayName, path: string, incoming: IncomingMessage, outgoing: ServerResponse) {
    const text = await readBody(incoming);
    counts.set(relay, (counts.get(relay) ?? 0) + 1);
    const token = incoming.headers[relay === 'jito' ? 'x-jito-auth' : 'authorization'];
    if (tokens[relay] !== undefined && tokens[relay] !== token)
      return send(outgoing, 401, { message: `no such token: ${token}` });
    if (isOverLimit(relay)) return send(outgoing, 429, { message: 'rate limit exceeded' });
    const fault = faults.take(relay) ?? { relay };
    if (fault.latencyMs) await delay(fault.latencyMs);
    if (fault.hang) return; // The client's deadline or close() ends the connection.
    if (fault.status !== undefined) return send(outgoing, fault.status, { message: 'as asked for' });
    const statusOf = (id: string) => bundles.get(id) ?? 'Invalid';
    const { status, body, bundle } =
      relay === 'jito' ? jitoAnswer(path, text, statusOf) : submitAnswer(relay, path, text);
    if (bundle) await landed(fault, bundle);
    if (fault.landsThenStatus !== undefined) return send(outgoing, fault.landsThenStatus, { message: 'as asked for' });
    send(outgoing, status, body);
  }

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? '/', 'http://relays');
    const relay = RELAY_NAMES.find((name) => pathname.startsWith(`/${name}/`));
    if (relay) return relayed(relay, pathname.slice(relay.length + 1), incoming, outgoing);
    if (pathname !== '/__control/faults') return send(outgoing, 404, { error: 'Not Found' });
    if (incoming.method === 'DELETE') faults.clear();
    else faults.set(relayFaultSchema.parse(JSON.parse(await readBody(incoming))));
    send(outgoing, 200, {});
  }

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      if (outgoing.headersSent) outgoing.destroy();
      else send(outgoing, 400, { message: error instanceof Error ? error.message : String(error) });
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setFault: faults.set,
    clearFaults: faults.clear,
    requests: (relay) => counts.get(relay) ?? 0,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(outgoing: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}
