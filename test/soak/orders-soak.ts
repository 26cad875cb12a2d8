// The proof of orders: a backend that is killed with -9 at random points under concurrent orders, with an exchange that fails, and
// started again; orders-verify.ts says after each round what must be true. orders.ts runs it large, its test small.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createMexc } from '../../backend/exchange/mexc.ts';
import { createDynamoStore } from '../../backend/store/dynamo.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../sandbox/exchange/server.ts';
import { createRandom, type Random } from '../sandbox/seed/random.ts';
import { atOnce, createVerifier, type Verified } from './orders-verify.ts';

const KEYS = { apiKey: 'mx0soaktest', secretKey: 'soak-secret' };
const TABLE = 'soak';
/** Asked at once; the rest of a round's orders wait for their turn. */
const AT_ONCE = 64;
const FAULT_EVERY_MS = 15;
const SETTLE_MS = 60_000;
/** Between two goes at what has no answer yet, ms. */
const AGAIN_MS = 100;
const SYMBOLS = ['BTCUSDT', 'ETHUSDT'] as const;

export type SoakOptions = {
  readonly orders: number;
  readonly rounds: number;
  readonly users: number;
  readonly seed: number;
  /** Of a call to the exchange, and how long it may take an order, ms: what is unsure is so for several of it. */
  readonly timeoutMs: number;
  /** Hears of each round that was verified. */
  readonly onRound: (result: SoakResult) => void;
  /** Asked before each round: whether the ones before were enough. */
  readonly isOver?: () => boolean;
};

/** Of all rounds up to this one, except where it says so. */
export type SoakResult = Verified & {
  readonly rounds: number;
  /** Requests, and of them those that were answered 201 before any retry. */
  readonly requested: number;
  readonly acknowledged: number;
  readonly faults: number;
  /** Of this round: the orders that were unsure at the start, what the backend took to list and to ask about them, ms... */
  readonly unsure: number;
  readonly listingMs: number;
  readonly askingMs: number;
  /** ...and how long after it listened the last request was refused because of that, ms; 0: none was. */
  readonly refusedMs: number;
};

type Wanted = { readonly key: string; readonly body: string; orderId?: string; answer?: string };

function wantedOrder(random: Random, users: number): Wanted {
  const user = `soak-${random.int(1, users)}`;
  const symbol = random.pick(SYMBOLS);
  const common = { user_id: user, symbol, side: random.pick(['BUY', 'SELL']), quantity: '0.1' };
  const price = common.side === 'BUY' ? '1000' : '900000';
  const body = random.chance(0.15)
    ? { ...common, order_type: 'LIMIT', price }
    : { ...common, order_type: 'MARKET', quantity: random.pick(['0.1', '0.25', '0.5']) };
  return { key: randomUUID(), body: JSON.stringify(body) };
}

/** What is answered the same for ever: the order that was made, or that the exchange would not have it. */
const isFinal = ({ answer = '' }: Wanted) => /^(201|exchange_refused|order_rejected)/.test(answer);

/** Asks for one order. Answers its status, or undefined when there was no answer. */
async function ask(address: string, wanted: Wanted): Promise<number | undefined> {
  try {
    const response = await fetch(`http://${address}/api/trade/order`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': wanted.key },
      body: wanted.body,
      signal: AbortSignal.timeout(20_000),
    });
    const answer = (await response.json()) as { order_id?: string; code?: string; detail?: string };
    if (response.status === 201 && answer.order_id !== undefined) {
      assert.ok(wanted.orderId === undefined || wanted.orderId === answer.order_id, 'one key stood for two orders');
      wanted.orderId = answer.order_id;
    }
    wanted.answer = answer.code === undefined ? '201' : `${answer.code}: ${answer.detail}`;
    return response.status;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return undefined; // The backend was killed.
  }
}

/** Strikes the exchange every few milliseconds until stopped; answers how often it did. */
function strike(simulator: ExchangeSimulator, random: Random): () => number {
  let count = 0;
  const timer = setInterval(() => {
    const when = random.pick(['before', 'after'] as const);
    const scope = { path: random.pick(['/order', '/order', '/myTrades']) };
    const dice = random.int(1, 10);
    simulator.clearFaults(); // What found no request is not saved up.
    if (dice <= 4) simulator.inject({ kind: 'error', status: 503, when, ...scope });
    else if (dice <= 7) simulator.inject({ kind: 'reset', when, ...scope });
    else if (dice <= 8) simulator.inject({ kind: 'hang', when, ...scope });
    else simulator.inject({ kind: 'latency', latencyMs: 30, ...scope });
    count += 1;
  }, FAULT_EVERY_MS);
  return () => {
    clearInterval(timer);
    simulator.clearFaults();
    return count;
  };
}

/** What the backend says of its start. */
async function firstLook(address: string): Promise<Pick<SoakResult, 'unsure' | 'listingMs' | 'askingMs'>> {
  const text = await (await fetch(`http://${address}/api/admin/metrics`)).text();
  const gauge = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`orders_first_look${name} `))
        ?.split(' ')[1],
    );
  const ms = (step: string) => Math.round(gauge(`_seconds{step="${step}"}`) * 1000);
  return { unsure: gauge(''), listingMs: ms('listing'), askingMs: ms('asking') };
}

/** Runs it. Rejects with an AssertionError that says which promise was broken. Answers the last round's result. */
export async function soakOrders(options: SoakOptions): Promise<SoakResult | undefined> {
  const random = createRandom(options.seed);
  const [dynamo, simulator] = await Promise.all([
    startDynalite(),
    createExchangeSimulator({ ...KEYS, openOrdersMax: 1_000_000 }),
  ]);
  const exchange = createMexc({ url: simulator.url, ...KEYS, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now });
  const store = await createDynamoStore({
    endpoint: dynamo.endpoint,
    region: 'us-east-1',
    table: TABLE,
    now: Date.now,
    onTtlRefused() {},
  });
  const users = Array.from({ length: options.users }, (_, index) => `soak-${index + 1}`);
  const verifier = createVerifier({ store, exchange, users, symbols: SYMBOLS, orderCount: simulator.orderCount });
  const start = () =>
    spawnServer({
      args: ['backend/main.ts'],
      readyMs: 30_000,
      ownGroup: true, // What stops the soak lets a round end, for which there must be a backend.
      env: {
        BACKEND_LISTEN: '127.0.0.1:0',
        DYNAMODB_ENDPOINT: dynamo.endpoint,
        DYNAMODB_TABLE: TABLE,
        EXCHANGE_URL: simulator.url,
        EXCHANGE_STREAM_URL: simulator.streamUrl,
        EXCHANGE_API_KEY: KEYS.apiKey,
        EXCHANGE_SECRET_KEY: KEYS.secretKey,
        EXCHANGE_TIMEOUT_MS: String(options.timeoutMs),
        EXCHANGE_RECV_WINDOW_MS: String(options.timeoutMs),
        EXCHANGE_LIMIT_REQUESTS: '100000/1s',
        EXCHANGE_LIMIT_WEIGHT: '1000000/10s',
        EXCHANGE_LIMIT_ORDERS: '100000/1s',
        RECONCILE_INTERVAL_MS: '200',
        LOG_LEVEL: 'fatal',
      },
    });
  let backend: SpawnedServer | undefined;

  /** Somewhere within the work of the round, and now and then right at its start. Answers how many were answered before. */
  async function killUnder(killed: SpawnedServer, orders: readonly Wanted[]): Promise<number> {
    let answered = 0;
    const asking = atOnce(AT_ONCE, orders, async (wanted) => {
      if ((await ask(killed.listening.http ?? '', wanted)) === 201) answered += 1;
    });
    const killAt = random.int(0, orders.length);
    await Promise.race([asking, eventually(() => answered >= killAt, 'the point to kill at', 30_000).catch(() => {})]);
    await delay(random.int(0, 20));
    killed.kill('SIGKILL');
    await killed.exited;
    await asking;
    return answered;
  }

  /** Clients ask again under the same keys until each has its answer. Answers when the last was refused for the first look. */
  async function askAgain(address: string, orders: readonly Wanted[], afterFirst: () => void): Promise<number> {
    const listeningMs = performance.now();
    let refusedMs = 0;
    const openOf = () => orders.filter((each) => !isFinal(each));
    const askOpen = () =>
      atOnce(AT_ONCE, openOf(), async (wanted) => {
        await ask(address, wanted);
        if (wanted.answer?.includes('RECONCILING')) refusedMs = Math.round(performance.now() - listeningMs);
      });
    await askOpen(); // Most of a round's orders may be placed only now: for as long as that takes.
    afterFirst();
    async function allAnswered(): Promise<boolean> {
      await delay(AGAIN_MS);
      await askOpen();
      return openOf().length === 0;
    }
    await eventually(allAnswered, 'every request to have its answer', SETTLE_MS).catch((cause: unknown) => {
      const open = openOf();
      throw new Error(`${open.length} requests have no answer, but e.g. ${open[0]?.answer}`, { cause });
    });
    return refusedMs;
  }

  let [requested, acknowledged, faults] = [0, 0, 0];
  let result: SoakResult | undefined;
  try {
    backend = await start();
    for (let round = 1; round <= options.rounds && !options.isOver?.(); round++) {
      const stopStriking = strike(simulator, random);
      const orders = Array.from({ length: options.orders }, () => wantedOrder(random, options.users));
      requested += orders.length;
      acknowledged += await killUnder(backend, orders);
      backend = await start(); // Under faults as well.
      const address = backend.listening.http ?? '';
      const refusedMs = await askAgain(address, orders, () => {
        faults += stopStriking();
      });
      await eventually(async () => !(await verifier.hasOpenEnds()), 'every order to be known', SETTLE_MS);
      const answered = orders.flatMap(({ orderId }) => (orderId === undefined ? [] : [orderId]));
      const verified = await verifier.verify(address, answered);
      const seen = await firstLook(address);
      result = { rounds: round, requested, acknowledged, faults, ...seen, refusedMs, ...verified };
      options.onRound(result);
    }
    return result;
  } finally {
    await backend?.stop();
    await Promise.all([store.close(), exchange.close(), simulator.close(), dynamo.close()]);
  }
}
