// A Geyser server with the published manners of Yellowstone: filters, pings, replay from a slot, its errors and their texts.
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { getBase58Encoder } from '@solana/kit';
import {
  requestCodec,
  SUBSCRIBE_PATH,
  type SubscribeRequest,
  type Update,
  updateCodec,
} from '../../../backend/solana/geyser/schema.ts';
import { type ChainTransaction, transactionUpdate } from './transactions.ts';

const FILTERS_PER_KIND_MAX = 1;
const ACCOUNTS_MAX = 10;
const STREAMS_MAX = 20;
/** More than this unsent, and the client lags. */
const UNSENT_UPDATES_MAX = 2000;

/** What happened in a slot. The same for the same slot, however often it is asked. */
export type Chain = (slot: bigint) => readonly ChainTransaction[];

export interface GeyserServerOptions {
  readonly chain: Chain;
  /** The first slot that there is. */
  readonly firstSlot: bigint;
  /** The last slot that has happened before it starts; without it there is none. */
  readonly startSlot?: bigint;
  readonly port?: number;
  /** Undefined: nobody is asked. */
  readonly token?: string | undefined;
  /** How many slots can be replayed; 0: none, as servers are by default. */
  readonly storedSlots?: number;
  /** Between two pings, ms. */
  readonly pingMs?: number;
}

export interface GeyserServer {
  readonly url: string;
  /** Requests so far, as they were decoded. */
  readonly requests: readonly SubscribeRequest[];
  slot(): bigint;
  streams(): number;
  /** Answers to pings so far. */
  pongs(): number;
  /** The next slots happen, up to `slot` (the next one when it is not given). */
  produce(slot?: bigint): void;
  /** What happens in the next slots is not told to anybody who is connected now; a replay has it. */
  muted: boolean;
  /** Ends every stream with this status. */
  cut(code?: status, details?: string): void;
  /** Answers every new stream with this, until it is undefined again. */
  refusal: { readonly code: status; readonly details: string } | undefined;
  close(): Promise<void>;
}

type Told = Partial<Update>;
type Call = ServerDuplexStream<SubscribeRequest, Told>;
type Refusal = { readonly code: status; readonly details: string };

const SERVICE = {
  subscribe: {
    path: SUBSCRIBE_PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: (request: SubscribeRequest) => Buffer.from(requestCodec.encode(request)),
    requestDeserialize: (bytes: Buffer) => requestCodec.decode(bytes),
    responseSerialize: (update: Told) => Buffer.from(updateCodec.encode(update)),
    responseDeserialize: (bytes: Buffer) => updateCodec.decode(bytes),
  },
} satisfies ServiceDefinition;

const base58 = getBase58Encoder();
const LAGGED: Refusal = { code: status.INTERNAL, details: 'lagged to receive geyser messages' };

/** What is wrong with a request, in the server's words. */
function wrongWith({ transactions = [], accounts = [], slots = [] }: SubscribeRequest): Refusal | undefined {
  const refuse = (what: string) => ({ code: status.INVALID_ARGUMENT, details: `failed to create filter: ${what}` });
  for (const filters of [transactions, accounts, slots])
    if (filters.length > FILTERS_PER_KIND_MAX)
      return refuse(`Max amount of filters reached, only ${FILTERS_PER_KIND_MAX} allowed`);
  for (const { value } of transactions) {
    const included = value?.accountInclude ?? [];
    if (included.length > ACCOUNTS_MAX)
      return refuse(`Max amount of account_include reached, only ${ACCOUNTS_MAX} allowed`);
    if (!included.every(isPublicKey)) return refuse('Invalid Base58 string');
  }
  return undefined;
}

function isPublicKey(text: string): boolean {
  try {
    return base58.encode(text).length === 32;
  } catch {
    return false;
  }
}

/** The updates of a slot that a request lets through; addresses from lookup tables count like the others. */
function updatesOf(slot: bigint, transactions: readonly ChainTransaction[], request: SubscribeRequest): Told[] {
  const updates: Told[] = [];
  for (const { key, value } of request.transactions ?? []) {
    const included = (value?.accountInclude ?? []).map((text) => Buffer.from(base58.encode(text)));
    for (const transaction of transactions) {
      if (value?.failed === false && transaction.failed) continue;
      const addresses = [...transaction.accounts, ...transaction.loadedWritable, ...transaction.loadedReadonly];
      if (included.length > 0 && !addresses.some((address) => included.some((one) => one.equals(address)))) continue;
      updates.push({ filters: [key], transaction: transactionUpdate(slot, transaction) });
    }
  }
  for (const { key } of request.slots ?? [])
    updates.push({
      filters: [key],
      slot: { slot, parent: slot - 1n, status: request.commitment ?? 0, deadError: undefined },
    });
  const createdAt = { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: (Date.now() % 1000) * 1_000_000 };
  return updates.map((update) => ({ ...update, createdAt }));
}

export async function startGeyserServer(options: GeyserServerOptions): Promise<GeyserServer> {
  const { chain, firstSlot, token, storedSlots = 0, pingMs = 10_000 } = options;
  let tip = options.startSlot ?? firstSlot - 1n;
  const open = new Map<Call, SubscribeRequest>();
  const requests: SubscribeRequest[] = [];
  let pongs = 0;
  const control = { muted: false, refusal: undefined as Refusal | undefined };

  function send(call: Call, slot: bigint) {
    for (const update of updatesOf(slot, chain(slot), open.get(call) ?? {})) {
      if (call.writableLength > UNSENT_UPDATES_MAX) return end(call, LAGGED);
      call.write(update);
    }
  }
  function end(call: Call, refusal: Refusal): void {
    open.delete(call);
    call.emit('error', refusal);
  }

  function begin(call: Call, request: SubscribeRequest) {
    const { fromSlot } = request;
    if (fromSlot !== undefined) {
      if (storedSlots === 0) return end(call, { code: status.INTERNAL, details: 'from_slot is not supported' });
      const oldest = tip - BigInt(storedSlots) + 1n > firstSlot ? tip - BigInt(storedSlots) + 1n : firstSlot;
      if (fromSlot < oldest) {
        const details = `broadcast from ${fromSlot} is not available, last available: ${oldest}`;
        return end(call, { code: status.OUT_OF_RANGE, details });
      }
    }
    open.set(call, request);
    for (let slot = fromSlot ?? tip + 1n; slot <= tip; slot++) send(call, slot);
  }

  function subscribe(call: Call) {
    call.on('error', () => open.delete(call));
    call.on('cancelled', () => open.delete(call));
    if (control.refusal) return end(call, control.refusal);
    if (token !== undefined && call.metadata.get('x-token')[0] !== token)
      return end(call, { code: status.UNAUTHENTICATED, details: 'No valid auth token' });
    if (open.size >= STREAMS_MAX)
      return end(call, { code: status.RESOURCE_EXHAUSTED, details: 'max subscription limit exceeded' });
    call.sendMetadata(new Metadata());
    call.on('data', (request: SubscribeRequest) => {
      if (request.ping) {
        pongs += 1;
        if (open.has(call)) call.write({ filters: [], pong: { id: request.ping.id } });
        return;
      }
      requests.push(request);
      const wrong = wrongWith(request);
      if (wrong) end(call, wrong);
      else begin(call, request);
    });
  }

  const server = new Server();
  server.addService(SERVICE, { subscribe });
  const port = await new Promise<number>((resolve, reject) => {
    const onBound = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, ServerCredentials.createInsecure(), onBound);
  });
  const pinging = setInterval(() => {
    for (const call of open.keys()) call.write({ filters: [], ping: {} });
  }, pingMs);

  return Object.assign(control, {
    url: `http://127.0.0.1:${port}`,
    requests,
    slot: () => tip,
    streams: () => open.size,
    pongs: () => pongs,
    produce(slot = tip + 1n) {
      while (tip < slot) {
        tip += 1n;
        if (!control.muted) for (const call of [...open.keys()]) send(call, tip);
      }
    },
    cut(code = status.UNAVAILABLE, details = 'going away') {
      for (const call of [...open.keys()]) end(call, { code, details });
    },
    async close() {
      clearInterval(pinging);
      server.forceShutdown();
    },
  });
}
