// The proof of orders: a backend that is killed with -9 at random points under concurrent orders, with an exchange that fails, and
// what must be true of the table, the exchange and the positions when all is over. orders.ts runs it large, its test small.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { add, type Decimal, negate, parseDecimal, ZERO } from '../../backend/domain/money.ts';
import { createMexc } from '../../backend/exchange/mexc.ts';
import { createDynamoStore } from '../../backend/store/dynamo.ts';
import { type OrderRecord, orderSetOf } from '../../backend/store/items.ts';
import type { Store } from '../../backend/store/store.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../sandbox/exchange/server.ts';
import { createRandom, type Random } from '../sandbox/seed/random.ts';

const KEYS = { apiKey: 'mx0soaktest', secretKey: 'soak-secret' };
const TABLE = 'soak';
/** Asked at once; the rest of a round's orders wait for their turn. */
const AT_ONCE = 64;
const FAULT_EVERY_MS = 15;
const SETTLE_MS = 60_000;
const SYMBOLS = ['BTCUSDT', 'ETHUSDT'] as const;

export type SoakOptions = {
  readonly orders: number;
  readonly rounds: number;
  readonly users: number;
  readonly seed: number;
  /** Of a call to the exchange, and how long it may take an order, ms: what is unsure is so for several of it. */
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
};

export type SoakResult = {
  /** Requests, and of them those that were answered 201 before any retry. */
  readonly requested: number;
  readonly acknowledged: number;
  readonly kills: number;
  readonly faults: number;
  readonly atExchange: number;
  /** Orders by the status they came to. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly fills: number;
};

type Wanted = { readonly key: string; readonly user: string; readonly body: string; orderId?: string; answer?: string };

function wantedOrder(random: Random, users: number): Wanted {
  const user = `soak-${random.int(1, users)}`;
  const symbol = random.pick(SYMBOLS);
  const common = { user_id: user, symbol, side: random.pick(['BUY', 'SELL']), quantity: '0.1' };
  const price = common.side === 'BUY' ? '1000' : '900000';
  const body = random.chance(0.15)
    ? { ...common, order_type: 'LIMIT', price }
    : { ...common, order_type: 'MARKET', quantity: random.pick(['0.1', '0.25', '0.5']) };
  return { key: randomUUID(), user, body: JSON.stringify(body) };
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

async function askAll(address: string, all: readonly Wanted[], onAnswer: (status: number | undefined) => void) {
  const waiting = [...all];
  async function worker(): Promise<void> {
    for (let wanted = waiting.shift(); wanted; wanted = waiting.shift()) onAnswer(await ask(address, wanted));
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function allOrders(store: Store, user: string): Promise<OrderRecord[]> {
  const orders: OrderRecord[] = [];
  let after: string | null | undefined;
  while (after !== null) {
    const page = await store.listOrders(user, { limit: 200, ...(after === undefined ? {} : { after }) });
    orders.push(...page.orders);
    after = page.lastSeen;
  }
  return orders;
}

const amount = (text: string | undefined): Decimal => parseDecimal(text ?? '0') ?? ZERO;

/** Runs it. Rejects with an AssertionError that says which promise was broken. */
export async function soakOrders(options: SoakOptions): Promise<SoakResult> {
  const { say } = options;
  const random = createRandom(options.seed);
  const [dynamo, simulator] = await Promise.all([
    startDynalite(),
    createExchangeSimulator({ ...KEYS, openOrdersMax: 1_000_000 }),
  ]);
  const start = () =>
    spawnServer({
      args: ['backend/main.ts'],
      readyMs: 30_000,
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
  const exchange = createMexc({ url: simulator.url, ...KEYS, timeoutMs: 5000, recvWindowMs: 5000, now: Date.now });
  const store = await createDynamoStore({
    endpoint: dynamo.endpoint,
    region: 'us-east-1',
    table: TABLE,
    now: Date.now,
    onTtlRefused() {},
  });
  let backend: SpawnedServer | undefined;
  const wanted: Wanted[] = [];
  let [acknowledged, kills, faults] = [0, 0, 0];
  try {
    for (let round = 1; round <= options.rounds; round++) {
      backend = await start();
      const stopStriking = strike(simulator, random);
      const orders = Array.from({ length: options.orders }, () => wantedOrder(random, options.users));
      wanted.push(...orders);
      let answered = 0;
      const asking = askAll(backend.listening.http ?? '', orders, (status) => {
        if (status === 201) answered += 1;
      });
      // Somewhere within the work of the round, and now and then right at its start.
      const killAt = random.int(0, options.orders);
      const killed = backend;
      await Promise.race([
        asking,
        eventually(() => answered >= killAt, 'the point to kill at', 30_000).catch(() => {}),
      ]);
      await delay(random.int(0, 20));
      killed.kill('SIGKILL');
      await killed.exited;
      kills += 1;
      await asking;
      faults += stopStriking();
      acknowledged += answered;
      const refusals = orders.filter(({ answer = '201' }) => answer !== '201').map(({ answer }) => answer);
      say(
        `round ${round}: killed after ${answered} of ${options.orders} orders, ${refusals.length} refused ${refusals[0] ?? ''}`,
      );
    }
    backend = await start();
    const address = backend.listening.http ?? '';
    // Clients ask again under the same keys until each has its answer.
    await eventually(
      async () => {
        const open = wanted.filter((each) => !isFinal(each));
        await askAll(address, open, () => {});
        const left = open.filter((each) => !isFinal(each));
        if (left.length > 0) say(`${left.length} without an answer yet, e.g. ${left[0]?.answer}`);
        return left.length === 0;
      },
      'every request to have its answer',
      SETTLE_MS,
    );
    await eventually(async () => !(await hasOpenEnds(store, options.users)), 'every order to be known', SETTLE_MS);
    const result = await verify({ store, exchange, simulator, wanted, users: options.users, address });
    return { requested: wanted.length, acknowledged, kills, faults, ...result };
  } finally {
    await backend?.stop();
    await Promise.all([store.close(), exchange.close(), simulator.close(), dynamo.close()]);
  }
}

/** Whether anything is still to be found out: what may rest in the book, a limit, is what it seems once it is open. */
async function hasOpenEnds(store: Store, users: number): Promise<boolean> {
  const isOpenEnd = (order: OrderRecord) =>
    orderSetOf(order) === 'UNSURE' || (order.order_type === 'MARKET' && orderSetOf(order) === 'OPEN');
  for (let user = 1; user <= users; user++) {
    if ((await allOrders(store, `soak-${user}`)).some(isOpenEnd)) return true;
  }
  return false;
}

type Verifying = {
  readonly store: Store;
  readonly exchange: ReturnType<typeof createMexc>;
  readonly simulator: ExchangeSimulator;
  readonly wanted: readonly Wanted[];
  readonly users: number;
  readonly address: string;
};

/** The promises: orders of the table and of the exchange are the same, once each, and positions are what they filled. */
async function verify({ store, exchange, simulator, wanted, users, address }: Verifying) {
  const statuses: Record<string, number> = {};
  let [atExchange, fills] = [0, 0];
  const known = new Set<string>();
  for (let index = 1; index <= users; index++) {
    const user = `soak-${index}`;
    const net = new Map<string, Decimal>();
    for (const order of await allOrders(store, user)) {
      known.add(order.order_id);
      statuses[order.status] = (statuses[order.status] ?? 0) + 1;
      const ref = { symbol: order.symbol, clientOrderId: order.client_order_id, exchangeOrderId: null };
      const found = await exchange.find(ref);
      if (order.status === 'error') {
        assert.equal(found.kind, 'not_found', `order ${order.order_id} is in error, and at the exchange`);
        continue;
      }
      assert.ok(found.kind === 'found', `order ${order.order_id} is ${order.status}, and not at the exchange`);
      atExchange += 1;
      const { filledQuantity, status, exchangeOrderId } = found.order;
      assert.deepEqual(
        [order.order_id, order.filled_quantity, order.status, order.mexc_order_id],
        [order.order_id, filledQuantity, status, exchangeOrderId],
      );
      const signed = order.side === 'BUY' ? filledQuantity : negate(filledQuantity);
      net.set(order.symbol, add(net.get(order.symbol) ?? ZERO, signed));
    }
    for (const symbol of SYMBOLS) {
      const position = await store.getPosition(user, symbol);
      const held = position?.side === 'short' ? negate(amount(position.quantity)) : amount(position?.quantity);
      assert.equal(held, net.get(symbol) ?? ZERO, `${user}'s position in ${symbol} is not what its orders filled`);
      if (!position) continue;
      fills += position.seq ?? 0;
      const audit = await fetch(`http://${address}/api/positions/${user}/${symbol}/audit`);
      const { equal } = (await audit.json()) as { equal: boolean };
      assert.equal(equal, true, `${user}'s position in ${symbol} is not the fold of its fills`);
    }
  }
  // No order beside those of the table: each one once, since the exchange takes a client order id once only if we send it once.
  assert.equal(simulator.orderCount(), atExchange, 'the exchange has orders that the table does not know');
  for (const { orderId } of wanted)
    if (orderId) assert.ok(known.has(orderId), `order ${orderId} was answered, and is lost`);
  return { atExchange, statuses, fills };
}
